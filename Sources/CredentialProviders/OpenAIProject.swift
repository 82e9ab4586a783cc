public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

/// API keys of one OpenAI project. Replacements belong to service accounts named after the run's marker.
///
/// Tested against a simulation of the API on loopback, written from the reference; not against api.openai.com.
/// There is no reversible way to disable a key: it is deleted, by its id. Where the API refuses that of a service account's key,
/// as older ones do, the account is deleted, unless it holds other keys.
/// What the holder of a leaked key may have prepared: nothing with the key itself, which manages none; a key that looks like it
/// in the list (its id is asked for then).
/// Sources: https://platform.openai.com/docs/api-reference/project-service-accounts,
/// …/project-api-keys, …/usage, https://platform.openai.com/docs/guides/error-codes
public struct OpenAIProject: CredentialProvider {
  public static let kind = "openai"
  public static let summary = "API keys of an OpenAI project, replaced through service accounts."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "an admin key of the organisation",
    survives: "what was made with it: files, fine-tuned models, stored responses",
    abuse: "the usage report, by key",
    can: [.delete])
  public static let settings = [
    SettingDeclaration("base_url", "https://api.openai.com when absent"),
    SettingDeclaration("project", required: true, "the project's id, proj_…"),
    SettingDeclaration("admin_key", required: true, secret: true, "an admin API key of the organisation"),
    SettingDeclaration("key_id", "the leaked key's id, when several keys look alike in the list"),
    SettingDeclaration(
      "expected_requests_per_day",
      "the most requests that your programs make in a day with one key: a day with more counts as abuse"),
    SettingDeclaration(
      "scopes",
      "what new keys may do, in the API's words, as a list; everything that the project allows when absent"),
    SettingDeclaration(
      "expires_in_seconds", "how long new keys live; for ever when absent, unless the organisation limits it"),
    .propagation("60"),
  ]

  public let capabilities: ProviderCapabilities
  public var lock: String { "openai/\(project)" }
  public var account: CredentialRef? { keyID.map { CredentialRef($0) } }

  let project: String
  private let keyID: String?
  private let expectedRequests: Int?
  /// Of new keys; empty: everything.
  let scopes: [String]
  /// Of new keys, in seconds.
  let lifetime: Int?
  let api: RESTClient
  let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    self.environment = environment
    project = try target.text("project")
    keyID = try target.optionalText("key_id")
    expectedRequests =
      target.settings["expected_requests_per_day"] == nil
      ? nil : try target.integer("expected_requests_per_day", default: 0)
    scopes = try target.texts("scopes")
    lifetime =
      target.settings["expires_in_seconds"] == nil
      ? nil : try target.integer("expires_in_seconds", default: 0)
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .none, issuing: .named,
      propagation: try target.propagation(default: .seconds(60)))
    let base = try target.optionalText("base_url") ?? "https://api.openai.com"
    api = .openAI(base: base, adminKey: try target.text("admin_key"), in: environment)
    guard project.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }) else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "project is no project id",
        fix: "copy it from the project's settings page: it begins with proj_")
    }
    guard lifetime.map({ $0 > 0 }) ?? true else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "expires_in_seconds is no lifetime",
        fix: "write whole seconds, for example 7776000 for 90 days, or leave it out")
    }
  }

  var path: String { "/v1/organization/projects/\(project)" }

  func keys() async throws(CapabilityError) -> [OpenAIKey] {
    try await api.pages(path + "/api_keys", by: .afterID("after")).compactMap(OpenAIKey.init)
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify key in \(project)"
    if let secret = leak.value, try await api.isLogin(secret) {
      throw CapabilityError(
        .unsafe, operation, because: "the leaked key is the admin key that the runner uses itself",
        fix:
          "make another admin key, name it in admin_key, delete the leaked one in the organisation's settings"
      )
    }
    let known = try await keys()
    // The id that staunch.yaml gives, then the value, then the id that the report gives.
    let matches = known.filter { key in
      if let keyID { return key.id == keyID }
      return leak.value.map { key.looksLike($0) } ?? (key.id == leak.handle)
    }
    guard let match = matches.first else {
      throw CapabilityError(
        .notFound, operation,
        because: "no key of the project looks like it: deleted already, or of another project",
        fix: "check \"project\" in staunch.yaml")
    }
    guard matches.count == 1 else {
      throw CapabilityError(
        .conflict, operation,
        because: "several keys look like it: \(matches.map(\.id).joined(separator: ", "))",
        fix: "write the right one as key_id in staunch.yaml")
    }
    return Subject(CredentialRef(match.id))
  }

  /// Reading is tried; the reference has no question about what an admin key may change.
  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let known = try await keys()
      return [
        Readiness("project keys", .ready("\(known.count) listed")),
        Readiness(
          "issuing and deleting keys",
          .unknown(because: "OpenAI's API tells only by trying whether an admin key may change the project")),
      ]
    } catch { return [Readiness("project keys", error)] }
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    guard let key = try await keys().first(where: { $0.id == ref.rawValue }) else {
      throw CapabilityError(.notFound, "inspect \(ref)", because: "the project has no such key")
    }
    var facts: [String: JSONValue] = ["owner": .string(key.owner.description)]
    if let date = key.created { facts["created"] = .string(Timestamp.text(date)) }
    if let date = key.lastUsed { facts["last_used"] = .string(Timestamp.text(date)) }
    return CredentialFacts(facts)
  }

  /// Requests per day under the key. The reference gives no caller's address, so what is expected is what staunch.yaml says.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    let usage = try await OpenAIUsage.read(of: ref, since: since, now: environment.now(), from: api)
    return usage.report(expected: expectedRequests)
  }

  /// Only a 401 of the API itself is dead, only with a code that speaks of the key, and only while the admin key works
  /// and the project no longer lists the key: a gateway that refuses everybody proves nothing.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let base = api.base
    let probe = KeyProbe(
      base: base, environment: environment,
      request: { .get(base + "/v1/models", headers: [("Authorization", .secret(prefix: "Bearer ", $0))]) },
      read: Self.reading)
    return try await probe.verdict(on: secret) { () async throws(CapabilityError) in
      do throws(CapabilityError) {
        let listed = try await keys().first { ref == nil ? $0.looksLike(secret) : $0.id == ref?.rawValue }
        return listed.map { "the project still lists \($0.id)" }
      } catch { return "the admin key gets no answer either (\(error.class.rawValue))" }
    }
  }

  private static func reading(_ answer: HTTPResponse) -> CredentialProbe {
    // No body of the documented shape: a proxy or a portal answered, not the API.
    let error = (try? JSONValue(parsing: answer.body))?["error"]
    let code = error?["code"]?.string
    let shown = code.map { "\(answer.status) \($0)" } ?? "\(answer.status)"
    switch answer.status {
    case 200: return CredentialProbe(.alive, code: shown)
    case 403 where code == "insufficient_permissions" || code == "missing_scope":
      return CredentialProbe(.alive, code: shown)  // known and restricted
    case 401:
      // The same status also says "your address" or "your organisation": the key may live on elsewhere.
      let aboutKey = ["invalid_api_key", "account_deactivated", "key_revoked", "deactivated_workspace"]
      let isDead = error != nil && (code == nil || aboutKey.contains(code ?? ""))
      return CredentialProbe(isDead ? .dead : .unknown, code: shown)
    default: return CredentialProbe(.unknown, code: shown)
    }
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    try await keys().map { CredentialRef($0.id) }
  }

  public func generate() throws(CapabilityError) -> Secret? { nil }
}
