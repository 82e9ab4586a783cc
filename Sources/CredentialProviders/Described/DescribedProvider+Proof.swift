public import Capabilities
import Foundation
public import Incidents
import JSON
import Playbooks
import RESTClient
public import Secrets

// The verdict, and what doctor asks.
extension DescribedProvider {
  /// Dead is the provider's own word that this credential has ended, or a refusal beside another credential that it accepts
  /// before, between and after. Without such a control a refusal is unknown.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let names: Names = (ref ?? account).map { ["ref": .string($0.rawValue)] } ?? [:]
    let question: SafeRequest
    do throws(CapabilityError) {
      question = try await self.question(description.verify.call, names, leaked: secret)
    } catch  where error.class == .invalid { return CredentialProbe(.unknown, code: error.because) }
    let control = await control(besides: secret, names)
    let (verification, scope) = (description.verify, settings.scope)
    let probe = KeyProbe(
      base: settings.base, trust: settings.trust, environment: environment, request: { _ in question },
      read: { answer in
        let (reading, code) = verification.read(ProviderAnswer(answer), settings: scope)
        switch reading {
        case .alive: return CredentialProbe(.alive, code: code)
        case .dead: return CredentialProbe(.dead, code: code)
        case .refused where control != nil: return CredentialProbe(.dead, code: code)
        case .refused:
          return CredentialProbe(
            .unknown, code: "\(code), and none to compare with: name one in control in staunch.yaml",
            isRefused: true)
        case .unknown: return CredentialProbe(.unknown, code: code)
        }
      })
    return try await probe.verdict(on: secret, hasControl: control != nil) {
      () async throws(CapabilityError) in
      guard let control else { return nil }
      return await isAccepted(control) ? nil : "one that worked a moment ago is refused as well"
    }
  }

  /// The question with another credential that is accepted now: the one that the entry names, what the store holds, or the
  /// runner's own where the file says so.
  private func control(besides secret: Secret, _ names: Names) async -> SafeRequest? {
    var candidates: [(secret: Secret, user: String?)] = []
    if let reference = settings.control {
      // A reference that leads nowhere is doctor's to tell; without it the verdict stands on less.
      do throws(CapabilityError) {
        candidates.append((try await environment.sources.resolve(reference), controlUser))
      } catch {}
    }
    candidates += await present().map { ($0, nil) }
    for candidate in candidates where candidate.user != nil || !candidate.secret.isSame(as: secret) {
      do throws(CapabilityError) {
        let question = try await question(
          description.verify.call, names, leaked: candidate.secret, user: candidate.user)
        if await isAccepted(question) { return question }
      } catch { continue }
    }
    guard description.verify.isControlledByRunner else { return nil }
    do throws(CapabilityError) {
      guard let question = try await questionOfRunner(names) else { return nil }
      return await isAccepted(question) ? question : nil
    } catch { return nil }
  }

  /// Another account, whose credential the entry's control is.
  private var controlUser: String? { description.verify.controlUser.flatMap { text($0, [:]) } }

  private func isAccepted(_ question: SafeRequest) async -> Bool {
    do throws(CapabilityError) {
      let answer = ProviderAnswer(try await environment.http.fetch(question.alone(at: nil)))
      return description.verify.read(answer, settings: settings.scope).reading == .alive
    } catch { return false }
  }

  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    if let missing = missingRunner {
      found.append(
        Readiness(
          missing,
          .unknown(because: "none is named: what the API does for the runner alone is left to a person")))
    } else if !description.rights.isEmpty {
      for right in description.rights { found.append(await readiness(of: right)) }
    } else {
      for runner in description.runner {
        found.append(Readiness(runner.setting, .unknown(because: "nothing of the API tells what it may do")))
      }
    }
    found.append(await controlReadiness())
    for (what, change) in [("disable", description.disable), ("delete", description.delete)]
    where change != nil {
      found.append(
        Readiness(what, .unknown(because: "the API tells only by doing; needed: \(description.privilege)")))
    }
    return found
  }

  private func readiness(of right: ProviderRight) async -> Readiness {
    do throws(CapabilityError) {
      let answer = try await checked(right.call, [:])
      let isReady = try truth(right.ready, ["answer": ProviderAnswer(answer).value]) ?? (right.ready == nil)
      guard isReady else {
        return Readiness(
          right.what,
          .missing(
            because: "\(shown(right.call)): the answer does not say so (HTTP \(answer.status))",
            fix: "the runner's credential needs: \(description.privilege)"))
      }
      return Readiness(right.what, .ready("HTTP \(answer.status)"))
    } catch { return Readiness(right.what, error) }
  }

  private func controlReadiness() async -> Readiness {
    guard let reference = settings.control else {
      return Readiness(
        "control",
        .unknown(
          because: description.verify.isControlledByRunner
            ? "none is named; the runner's own credential is asked instead"
            : "none is named: until the store holds a new one, a refusal cannot be told from a gateway's"))
    }
    do throws(CapabilityError) {
      let secret = try await environment.sources.resolve(reference)
      let names: Names = account.map { ["ref": .string($0.rawValue)] } ?? [:]
      let question = try await question(description.verify.call, names, leaked: secret, user: controlUser)
      return await isAccepted(question)
        ? Readiness("control", .ready("accepted"))
        : Readiness(
          "control",
          .missing(because: "the provider does not accept it", fix: "name one that works in control"))
    } catch { return Readiness("control", error) }
  }
}
