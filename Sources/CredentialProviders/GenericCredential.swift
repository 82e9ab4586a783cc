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
/// verify: {url: https://api.example.org/whoami, alive: [200], dead: [401]}
/// revoke: {method: DELETE, url: "https://api.example.org/tokens/{ref}", credential: env:ADMIN_TOKEN}
/// ```
public struct GenericCredential: CredentialProvider {
  public static let kind = "generic"
  public static let summary = "Any credential: a person issues it, HTTP calls described here do the rest."
  public static let settings = [
    SettingDeclaration(
      "id", "the leaked credential's public id at its provider; the entry's name when absent"),
    SettingDeclaration("console", "where a person issues and revokes it"),
    SettingDeclaration(
      "replacement", secret: true, "where the person puts the new value: a reference; `prompt` when absent"),
    SettingDeclaration("replacement_id", "the new credential's public id, where it has one"),
    SettingDeclaration(
      "verify", "a call that answers whether a secret lives: url, header, prefix, alive, dead"),
    SettingDeclaration(
      "revoke", "a call that makes the leaked one useless: method, url, credential, body, success"),
    SettingDeclaration(
      "propagation_seconds", "how long revoking may take to hold everywhere; 60 when absent"),
  ]

  public let capabilities: ProviderCapabilities
  public let lock: String

  private let name: String
  private let id: String
  private let replacementID: String
  private let replacement: String
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
    console = try target.optionalText("console")
    verifyCall = try GenericCall(target, "verify", method: .get, credential: .subject)
    revokeCall = try GenericCall(target, "revoke", method: .post, credential: .none)
    lock = "generic/\(target.name)"
    capabilities = ProviderCapabilities(
      authority: .human, overlap: .several, disable: revokeCall == nil ? .none : .irreversible,
      sessions: .none,
      issuing: .human, propagation: .seconds(try target.integer("propagation_seconds", default: 60)))
    guard id != replacementID else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "id and replacement_id are the same",
        fix: "write the new credential's own id, or leave replacement_id out")
    }
  }

  private var place: String { console.map { "at \($0)" } ?? "at its provider" }

  public func identify(_ secret: Secret) async throws(CapabilityError) -> CredentialRef {
    if let revokeCall, try await revokeCall.usesItself(secret, environment) {
      throw CapabilityError(
        .unsafe, "identify \(name)", because: "the runner itself uses the leaked credential",
        fix: "give the runner another one: revoke.credential in staunch.yaml")
    }
    guard verifyCall != nil else { return CredentialRef(id) }
    let probe = try await verify(secret, ref: nil)
    switch probe.state {
    case .alive: return CredentialRef(id)
    case .dead:
      throw CapabilityError(
        .notFound, "identify \(name)", because: "the provider does not accept it (\(probe.code))",
        fix: "nothing is left to revoke, unless it belongs to another target")
    case .unknown:
      throw CapabilityError(
        .network, "identify \(name)", because: "the provider gave no verdict (\(probe.code))")
    }
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts: [String: JSONValue] = ["owner": "unknown"]
    if let console { facts["console"] = .string(console) }
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(seen: nil, covered: nil, findings: ["search the provider's own log \(place)"])
  }

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    guard let verifyCall else { return CredentialProbe(.unknown, code: "no verify call is configured") }
    do throws(CapabilityError) {
      let request = try await verifyCall.safeRequest(
        ref: ref ?? CredentialRef(id), secret: secret, environment)
      let status = try await environment.http.fetch(request).status
      let state: CredentialState =
        verifyCall.alive.contains(status) ? .alive : verifyCall.dead.contains(status) ? .dead : .unknown
      return CredentialProbe(state, code: "\(status)")
    } catch  where [.network, .timeout].contains(error.class) {
      return CredentialProbe(.unknown, code: error.class.rawValue)
    }
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
        fix: "make a new one \(place), then \(error.fix ?? "put it where \"replacement\" points")")
    }
  }

  /// Nothing is sent: a person has issued it.
  public func issue(marker: String, generated: Secret?, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  { try await handedOver() }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  public func disable(
    _ ref: CredentialRef, leaked: Secret, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard let revokeCall else {
      // A person may have done it already.
      if try await verify(leaked, ref: ref).state == .dead { return }
      throw CapabilityError(
        .unsupported, "disable \(name)", because: "no revoke call is configured",
        fix: "revoke the leaked one \(place), then: staunch resume")
    }
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
