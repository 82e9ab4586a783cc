public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

// Whether a session still may do what its role could, what was done with it, and the rights of the runner.
extension AWSRoleSession {
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let text = memory.put(AWSSessionText(secret, id: ref.flatMap { Self.id(in: $0.rawValue) }))
    guard let keys = text.keys else {
      return CredentialProbe(
        .unknown, code: "only a whole session can be tried: its id, its secret and its token")
    }
    let trust = settings.aws.trust
    let isKnown = KeyProbe(
      base: client.place(of: .sts).url, trust: trust, environment: environment,
      request: { _ in client.identityQuestion(as: keys) }, read: { AWSAccessKey.word(AWSAnswer($0)) })
    let identity = try await isKnown.verdict(on: secret) { () async throws(CapabilityError) in
      await runnersOwn()
    }
    // Over by itself, or unknown for a reason that is not the role's.
    guard identity.state == .alive else {
      return identity.code.hasPrefix("403 SignatureDoesNotMatch")
        ? CredentialProbe(.unknown, code: "\(identity.code) with \(keys.accessKeyID)", isRefused: true)
        : identity
    }
    let wasAllowed = memory.wasAllowed(keys.accessKeyID)
    let action = KeyProbe(
      base: check.base(over: client), trust: trust, environment: environment,
      request: { _ in check.request(as: keys, over: client) },
      read: { word(AWSAnswer($0), wasAllowed: wasAllowed) })
    let verdict = try await action.verdict(on: secret) { () async throws(CapabilityError) in
      if let objection = await runnersOwn() { return objection }
      do throws(CapabilityError) {
        return try await standingCut() == nil
          ? "no policy denies older sessions of role \(settings.role) anything" : nil
      } catch {
        return "IAM does not say whether older sessions are denied everything (\(error.class.rawValue))"
      }
    }
    if verdict.state == .alive { memory.noteAllowed(keys.accessKeyID) }
    return verdict
  }

  /// Why a refusal says nothing; nil: the runner's own key is accepted there.
  private func runnersOwn() async -> String? {
    do throws(CapabilityError) {
      _ = try await client.get(.sts, "GetCallerIdentity")
      return nil
    } catch { return "the runner's own key is not accepted there either (\(error.class.rawValue))" }
  }

  private func word(_ answer: AWSAnswer, wasAllowed: Bool) -> CredentialProbe {
    let code = "\(answer.word) at \(check.action)"
    if (200...299).contains(answer.response.status) { return CredentialProbe(.alive, code: code) }
    if answer.isExplicitlyDenied { return CredentialProbe(.dead, code: "\(code), by an explicit deny") }
    if answer.isExpired || answer.isStranger { return CredentialProbe(.dead, code: code) }
    guard answer.isDenied else { return CredentialProbe(.unknown, code: code) }
    return wasAllowed
      ? CredentialProbe(.dead, code: "\(code), which it could do before")
      : CredentialProbe(
        .unknown, code: "\(code), and nobody has seen that it ever could do that", isRefused: true)
  }

  // MARK: what was done with it

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    let role = try await role()
    var facts: [String: JSONValue] = [
      "owner": .string("role \(settings.role)"),
      "survives": .string(
        "sessions of other roles that it took, logins of Redshift that it drew (an hour at most), connections to databases, and every key, user, role and policy that it made"
      ),
      "ends": "every older session of the role, also those of programs until they draw another",
    ]
    facts["service_linked"] = .boolean(role.isServiceLinked)
    facts["denied_before"] = .string(try await standingCut().map { Timestamp.text($0) } ?? "nothing")
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    guard let id = Self.id(in: ref.rawValue) else {
      return AbuseReport(
        seen: nil, covered: nil, findings: ["without a session's id nobody can say what was done with it"])
    }
    return try await trail.abuse(of: id, since: since, expected: expected)
  }

  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    guard let id = Self.id(in: ref.rawValue) else { return .unknown }
    let made = try await trail.made(by: id, of: "role \(settings.role)", since: since)
    return Successors(made.found, covered: made.covered)
  }

  // MARK: rights

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let account = try await runner().account
      let role = try await role()
      guard !role.isServiceLinked else {
        return [
          Readiness(
            "role",
            .missing(
              because: "\(settings.role) is a service-linked role, which takes no policy",
              fix: "name a role of your own"))
        ]
      }
      var found = [Readiness("role", .ready("\(role.arn)"))]
      let rights = AWSRights(client: client)
      do throws(CapabilityError) {
        let resource = check.arn(client, account: account)
        let isDenied = try await !rights.denied([check.action], on: resource, role.arn).isEmpty
        found.append(
          Readiness(
            "probe",
            isDenied
              ? .missing(
                because:
                  "\(settings.role) may not do \(check.action) on \(resource): its refusal would prove nothing",
                fix: "name an action in probe that the role has")
              : .ready("\(settings.role) may do \(check.action) on \(resource)")))
      } catch {
        found.append(
          Readiness(
            "probe",
            .unknown(because: "grant iam:SimulatePrincipalPolicy on \(role.arn) (\(error.class.rawValue))")))
      }
      found += await rights.readiness(
        [
          .init(role.arn, "iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy", "sts:AssumeRole"),
          .init("*", "sts:GetAccessKeyInfo", "cloudtrail:LookupEvents"),
        ], excess: ["iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy", "iam:CreateRole"])
      return found
    } catch { return [Readiness("role", error)] }
  }
}
