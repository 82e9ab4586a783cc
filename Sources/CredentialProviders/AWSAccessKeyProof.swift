public import Capabilities
public import Incidents
import RESTClient
public import Secrets

// Whether a key is accepted, and what a refusal proves.
extension AWSAccessKey {
  func question(_ ref: CredentialRef, _ secret: Secret) -> SafeRequest {
    client.identityQuestion(as: AWSKeys(accessKeyID: ref.rawValue, secretAccessKey: secret))
  }

  /// Dead is `InvalidClientTokenId` for the id that the secret goes with, while the runner's own key is accepted at the same
  /// place and IAM does not list it as active.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    if let ref = ref ?? memory.ref(of: secret) { return try await verdict(on: secret, of: ref) }
    let keys: [Key]
    do throws(CapabilityError) { keys = try await self.keys() } catch {
      guard [.rateLimit, .network, .timeout, .serverError].contains(error.class) else { throw error }
      return CredentialProbe(.unknown, code: error.class.rawValue)
    }
    var stopped: CredentialProbe?
    for key in keys {
      let probe = try await verdict(on: secret, of: key.ref)
      switch probe.state {
      case .alive:
        memory.keep(secret, key.ref)
        return probe
      case .unknown where !probe.isRefused: return probe
      case .unknown: continue
      case .dead: stopped = probe
      }
    }
    // Nobody can see which secret an inactive id had; but no active one takes this.
    if let stopped { return stopped }
    return CredentialProbe(
      .unknown,
      code:
        "403 SignatureDoesNotMatch, of no key of user \(settings.user); only with its id can it be judged",
      isRefused: true)
  }

  private func verdict(on secret: Secret, of ref: CredentialRef) async throws(CapabilityError)
    -> CredentialProbe
  {
    let probe = KeyProbe(
      base: client.place(of: .sts).url, trust: settings.aws.trust, environment: environment,
      request: { question(ref, $0) }, read: { Self.word(AWSAnswer($0)) })
    let verdict = try await probe.verdict(on: secret) { () async throws(CapabilityError) in
      do throws(CapabilityError) {
        _ = try await client.get(.sts, "GetCallerIdentity")
      } catch { return "the runner's own key is not accepted there either (\(error.class.rawValue))" }
      do throws(CapabilityError) {
        if try await keys().contains(where: { $0.ref == ref && $0.isActive }) {
          return "IAM lists it as active"
        }
      } catch {
        guard error.class == .notFound else {
          return "IAM does not say whether it is active (\(error.class.rawValue))"
        }
      }
      guard let check = sessionCheck else { return nil }
      return await memory.witness.objection(check, over: client)
    }
    guard verdict.state == .unknown, verdict.code.hasPrefix(Self.wrong) else { return verdict }
    return CredentialProbe(.unknown, code: "\(verdict.code) with \(ref)", isRefused: true)
  }

  private static let wrong = "403 SignatureDoesNotMatch"

  static func word(_ answer: AWSAnswer) -> CredentialProbe {
    if (200...299).contains(answer.response.status) {
      let told = AWSElement(parsing: answer.response.body)
      guard told?.name == "GetCallerIdentityResponse",
        told?["GetCallerIdentityResult"]?["Account"]?.text.isEmpty == false
      else { return CredentialProbe(.unknown, code: "\(answer.word), and the answer is not AWS's") }
      return CredentialProbe(.alive, code: answer.word)
    }
    if answer.isSkewed { return CredentialProbe(.unknown, code: "\(answer.word), the clocks differ") }
    if answer.isStranger || answer.isExpired { return CredentialProbe(.dead, code: answer.word) }
    return CredentialProbe(.unknown, code: answer.word)
  }
}
