public import Capabilities
public import Foundation
public import Incidents
import JSON
public import Secrets

/// A credential that a person issues, with whatever HTTP calls its provider offers described in staunch.yaml.
///
/// The long tail: without any call, people issue and revoke and staunch keeps the order; each described call takes one
/// step over.
/// ```yaml
/// kind: generic
/// console: https://provider.example.org/tokens
/// replacement: prompt
/// verify: {url: https://api.example.org/whoami, alive: [200], dead: [401], control: env:OTHER_TOKEN}
/// revoke: {method: DELETE, url: "https://api.example.org/tokens/{ref}", credential: env:ADMIN_TOKEN}
/// ```
public struct GenericCredential: CredentialProvider {
  public static let kind = "generic"
  public static let summary = "Any credential: a person issues it, HTTP calls described here do the rest."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "that of the calls that the entry describes",
    survives: "nobody knows: a person asks its provider")
  public static let settings = [
    SettingDeclaration(
      "id", "the leaked credential's public id at its provider; the entry's name when absent"),
    SettingDeclaration("console", "where a person issues and revokes it"),
    SettingDeclaration(
      "replacement", secret: true, "where the person puts the new value: a reference; `prompt` when absent"),
    SettingDeclaration("replacement_id", "the new credential's public id, where it has one"),
    SettingDeclaration(
      "verify",
      "a call that answers whether a secret lives: url, header, prefix, alive, dead, and control, a reference to one of "
        + "the same kind that works (the replacement when absent): it is asked between refusals"),
    SettingDeclaration(
      "revoke", "a call that makes the leaked one useless: method, url, credential, body, success"),
    .propagation("60"),
  ]

  public let capabilities: ProviderCapabilities
  public let lock: String
  public var account: CredentialRef? { CredentialRef(id) }

  private let name: String
  private let id: String
  private let replacementID: String
  private let replacement: String
  /// How a person puts the new value there.
  private let handingOver: String
  private let console: String?
  private let verifyCall: GenericCall?
  private let revokeCall: GenericCall?
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    self.environment = environment
    name = target.name
    id = try target.optionalText("id") ?? target.name
    replacementID = try target.optionalText("replacement_id") ?? target.name + "-replacement"
    replacement = try target.optionalText("replacement") ?? "prompt:the new \(target.name)"
    handingOver = try SecretReference(replacement).fix
    console = try target.optionalText("console")
    verifyCall = try GenericCall(target, "verify", method: .get, credential: .subject)
    revokeCall = try GenericCall(target, "revoke", method: .post, credential: .none)
    lock = "generic/\(target.name)"
    capabilities = ProviderCapabilities(
      authority: .human, overlap: .several, disable: revokeCall == nil ? .none : .irreversible,
      sessions: .none,
      issuing: .human, propagation: try target.propagation(default: .seconds(60)))
    guard id != replacementID else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "id and replacement_id are the same",
        fix: "write the new credential's own id, or leave replacement_id out")
    }
  }

  private var place: String { console.map { "at \($0)" } ?? "at its provider" }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    guard let secret = leak.value else {
      guard leak.handle == id else {
        throw CapabilityError(
          .notFound, "identify \(name)",
          because: "the report names \(leak.handle ?? "no id"), the entry \(id)",
          fix: "check \"id\" in staunch.yaml")
      }
      return Subject(CredentialRef(id))
    }
    if let revokeCall, try await revokeCall.usesItself(secret, environment) {
      throw CapabilityError(
        .unsafe, "identify \(name)", because: "the runner itself uses the leaked credential",
        fix: "give the runner another one: revoke.credential in staunch.yaml")
    }
    guard verifyCall != nil else { return Subject(CredentialRef(id)) }
    let probe = try await verify(secret, ref: nil)
    switch probe.state {
    case .alive: return Subject(CredentialRef(id))
    case .dead:
      throw CapabilityError(
        .notFound, "identify \(name)", because: "the provider does not accept it (\(probe.code))",
        fix: "nothing is left to revoke, unless it belongs to another target")
    case .unknown:
      throw CapabilityError(
        .network, "identify \(name)", because: "the provider gave no verdict (\(probe.code))")
    }
  }

  /// What its calls need is there; whether they work is known only with a secret in hand.
  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    if let problem = await revokeCall?.missingCredential(environment) {
      found.append(Readiness("revoke.credential", problem))
    }
    found.append(
      verifyCall == nil
        ? Readiness(
          "verify", .unknown(because: "no call is described: whether a secret is dead is a person's word"))
        : Readiness("verify", .unknown(because: "the call can be tried only with a secret")))
    if revokeCall != nil {
      found.append(Readiness("revoke", .unknown(because: "the call can be tried only by revoking")))
    }
    return found
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts: [String: JSONValue] = ["owner": "unknown"]
    if let console { facts["console"] = .string(console) }
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(seen: nil, covered: nil, findings: ["search the provider's own log \(place)"])
  }

  /// Refusals for one verdict at one address, each on a connection of its own.
  private static let refusals = 2

  /// Dead means that every address refused it, while a credential of the same kind was accepted before, between and after:
  /// a gateway that refuses everybody proves nothing. Without such a control a refusal is unknown.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    guard let verifyCall else { return CredentialProbe(.unknown, code: "no verify call is configured") }
    do throws(CapabilityError) {
      let request = try await verifyCall.safeRequest(
        ref: ref ?? CredentialRef(id), secret: secret, environment)
      let first = try await environment.http.fetch(request.alone(at: nil)).status
      guard verifyCall.dead.contains(first), !verifyCall.alive.contains(first) else {
        return CredentialProbe(verifyCall.alive.contains(first) ? .alive : .unknown, code: "\(first)")
      }
      guard let control = try await workingQuestion(verifyCall, besides: secret) else {
        return CredentialProbe(
          .unknown,
          code: "\(first), and no control to compare with: add verify: {control: REFERENCE} in staunch.yaml")
      }
      let addresses = try await environment.http.addresses(behind: request.request.url)
      var refusals = 0
      var controls = 0
      for address in addresses.isEmpty ? [nil] : addresses.map({ Optional($0) }) {
        for round in 0...Self.refusals {
          let word = try await environment.http.fetch(control.alone(at: address)).status
          guard verifyCall.alive.contains(word) else {
            return CredentialProbe(.unknown, code: "\(first), but the control gets \(word)")
          }
          controls += 1
          guard round < Self.refusals else { break }
          let status = try await environment.http.fetch(request.alone(at: address)).status
          if verifyCall.alive.contains(status) {
            return CredentialProbe(
              .alive, code: "\(status) after \(refusals + 1) refusals: its servers disagree")
          }
          guard verifyCall.dead.contains(status) else { return CredentialProbe(.unknown, code: "\(status)") }
          refusals += 1
        }
      }
      return CredentialProbe(
        .dead, code: "\(first)",
        evidence: ProbeEvidence(refusals: refusals, controls: controls, addresses: addresses))
    } catch  where [.network, .timeout].contains(error.class) {
      return CredentialProbe(.unknown, code: error.class.rawValue)
    }
  }

  /// The question that a working credential of the same kind is asked; nil when there is none.
  private func workingQuestion(_ call: GenericCall, besides secret: Secret) async throws(CapabilityError)
    -> SafeRequest?
  {
    // The replacement serves, once a person has put it there.
    for reference in [call.control, replacement].compactMap({ $0 }) where !reference.hasPrefix("prompt") {
      let found: Secret
      do throws(CapabilityError) {
        found = try await environment.sources.resolve(reference)
      } catch {
        guard error.class == .notFound else { throw error }
        continue
      }
      guard !found.isSame(as: secret) else { continue }
      return try await call.safeRequest(ref: CredentialRef(replacementID), secret: found, environment)
    }
    return nil
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] { [CredentialRef(id)] }

  public func generate() throws(CapabilityError) -> Secret? { nil }

  public var handOverPlace: String? { replacement.hasPrefix("prompt") ? "the terminal" : replacement }

  /// The value that a person has issued, from where `replacement` points.
  public func handedOver() async throws(CapabilityError) -> IssuedCredential {
    do throws(CapabilityError) {
      let secret = try await environment.sources.resolve(replacement)
      return IssuedCredential(ref: CredentialRef(replacementID), secret: secret)
    } catch  where error.class == .notFound {
      throw CapabilityError(
        .awaitsPerson, "issue \(name)",
        because: "a person issues it, and the new value is not there yet: \(error.because)",
        fix: "make a new one \(place), then \(handingOver)")
    }
  }

  /// Nothing is sent: a person has issued it.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  { try await handedOver() }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard let revokeCall else {
      // A person may have done it already.
      if let leaked = leak.value, try await verify(leaked, ref: ref).state == .dead { return }
      throw CapabilityError(
        .unsupported, "disable \(name)", because: "no revoke call is configured",
        fix: "revoke the leaked one \(place), then: staunch resume")
    }
    // A call that does not show the secret works with the id alone.
    let leaked =
      revokeCall.needsSecret ? try leak.requireValue(to: "disable \(name)") : leak.value ?? Secret("")
    let request = try await revokeCall.request(ref: ref, secret: leaked, environment)
    let answer = try await environment.http.send(request, under: authority)
    guard !revokeCall.success.contains(answer.status) else { return }
    if let failure = answer.failure(revokeCall.operation, changes: true, now: environment.now()) {
      throw failure
    }
    throw CapabilityError(
      .unknownOutcome, revokeCall.operation, because: "status \(answer.status) is not listed as success",
      fix: "add it to revoke.success in staunch.yaml when it is one")
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    throw CapabilityError(
      .unsupported, "end sessions of \(name)", because: "staunch does not know this provider's sessions",
      fix: "end them \(place) if there are any")
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    throw CapabilityError(
      .unsupported, "delete \(ref)", because: "a person issues and deletes it", fix: "delete it \(place)")
  }
}
