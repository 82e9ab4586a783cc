public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

/// API keys of an Anthropic organisation, through its Admin API.
///
/// The API makes no keys: a person issues the replacement in the Console and puts it where `replacement` points. A key is
/// found by its visible hint, and stopped by `status: inactive`, which an administrator could undo; staunch never does.
/// Tested against exchanges written from the reference, not against api.anthropic.com.
/// Sources: https://platform.claude.com/docs/en/api/admin/api_keys/list, …/api_keys/update,
/// …/admin/usage_report/retrieve_messages, https://platform.claude.com/docs/en/api/errors
public struct AnthropicKey: CredentialProvider {
  struct Settings: AdapterSettings {
    let base: String
    let adminKey: String
    let workspace: String?
    let replacement: String
    let expectedTokens: Int?
    let propagation: Duration
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://api.anthropic.com")
      adminKey = try read.reference("admin_key", "an Admin API key of the organisation (sk-ant-admin…)")
      workspace = try read.optionalText("workspace", "only keys of this workspace (wrkspc_…) are meant")
      replacement =
        try read.optionalReference(
          "replacement", "where a person puts the new key; `prompt` when absent")
        ?? "prompt:the new key of \(read.name)"
      expectedTokens = try read.integer(
        "expected_tokens_per_day",
        "the most tokens that your programs use in a day with one key: a day with more counts as abuse")
      propagation = try read.propagation(.seconds(60))
      trust = try read.trust()
    }
  }

  public static let kind = "anthropic"
  public static let summary = "API keys of an Anthropic organisation; a person issues the new one."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "an Admin API key of the organisation",
    survives: "what was made with it: files and batches",
    abuse: "the usage report, by key",
    can: [.delete])
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  private let settings: Settings
  private let handingOver: String
  private let api: RESTClient
  private let environment: AdapterEnvironment

  private static let version: [(name: String, value: HTTPField)] = [
    ("anthropic-version", .text("2023-06-01"))
  ]

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    lock = "anthropic/\(settings.base)/\(target.name)"
    handingOver = try SecretReference(settings.replacement).fix
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .reversible, sessions: .none, issuing: .human,
      propagation: settings.propagation)
    api = RESTClient(
      base: settings.base, login: .init(header: "x-api-key", prefix: "", settings.adminKey),
      headers: Self.version, trust: settings.trust, environment: environment,
      fix:
        "admin_key in staunch.yaml must be an Admin API key of this organisation (Console, Settings, Admin keys)"
    )
  }

  /// A key as the list shows it.
  private struct Key {
    let id: String
    let json: JSONValue
    var isActive: Bool { json["status"]?.string == "active" }
    func looksLike(_ secret: Secret) -> Bool {
      json["partial_key_hint"]?.string.flatMap { KeyHint($0) }?.fits(secret) == true
    }
  }

  private func keys() async throws(CapabilityError) -> [Key] {
    let scope = settings.workspace.map { "?workspace_id=\(RESTClient.escaped($0))" } ?? ""
    return try await api.pages("/v1/organizations/api_keys" + scope, by: .afterID("after_id"))
      .compactMap { json in json["id"]?.string.map { Key(id: $0, json: json) } }
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    if let value = leak.value, try await api.isLogin(value) {
      throw CapabilityError(
        .unsafe, "identify key", because: "the leaked key is the Admin API key that the runner uses itself",
        fix: "make another one in the Console, name it in admin_key, then delete the leaked one there")
    }
    let matches = try await keys().filter { key in
      leak.value.map { key.looksLike($0) } ?? (key.id == leak.handle)
    }
    // A key that works is active: an inactive one with the same hint is another.
    let candidates = matches.contains(where: \.isActive) ? matches.filter(\.isActive) : matches
    guard let only = candidates.first else {
      throw CapabilityError(
        .notFound, "identify key", because: "no key of the organisation looks like it",
        fix: "check admin_key and workspace in staunch.yaml: it may be of another organisation")
    }
    guard candidates.count == 1 else {
      throw CapabilityError(
        .conflict, "identify key",
        because: "several keys look like it: \(candidates.map(\.id).joined(separator: ", "))",
        fix: "see in the Console which one it is, then give its id to staunch credential disable with --id")
    }
    return Subject(CredentialRef(only.id))
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      return [
        Readiness("API keys", .ready("\(try await keys().count) listed")),
        Readiness("stopping a key", .unknown(because: "the API tells only by trying")),
      ]
    } catch { return [Readiness("API keys", error)] }
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    let key = try await api.get("/v1/organizations/api_keys/\(RESTClient.escaped(ref.rawValue))")
    var facts: [String: JSONValue] = [:]
    // The owner's id, never a name or address: people stay out of journals.
    facts["owner"] = key["created_by"]?["id"] ?? "unknown"
    facts["created"] = key["created_at"]
    facts["expires"] = key["expires_at"]
    facts["status"] = key["status"]
    facts["scopes"] = key["workspace_id"].map { ["workspace": $0] }
    return CredentialFacts(facts)
  }

  /// Tokens a day under the key. The report names no caller, so what is expected is what staunch.yaml says.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    let now = environment.now()
    let start = min(now, since ?? now.addingTimeInterval(-90 * 86_400))
    let buckets = try await api.pages(
      "/v1/organizations/usage_report/messages?starting_at=\(RESTClient.escaped(Timestamp.text(start)))"
        + "&bucket_width=1d&api_key_ids%5B%5D=\(RESTClient.escaped(ref.rawValue))", by: .token(limit: 31))
    var findings: [String] = []
    var spans: [ClosedRange<Date>] = []
    var isExceeded = false
    for bucket in buckets {
      guard let from = bucket["starting_at"]?.string.flatMap(Timestamp.date),
        let until = bucket["ending_at"]?.string.flatMap(Timestamp.date), from < until,
        let results = bucket["results"]?.array
      else { continue }
      // A day without counts that can be read is not a day without tokens: it is not covered.
      let counts = results.compactMap(Self.tokens)
      guard counts.count == results.count else { continue }
      spans.append(from...until)
      let tokens = counts.reduce(0, +)
      guard tokens > 0 else { continue }
      let excess = settings.expectedTokens.map { tokens > $0 } ?? false
      isExceeded = isExceeded || excess
      findings.append(
        "\(tokens) tokens on \(Timestamp.text(from).prefix(10))"
          + (excess ? ", more than the \(settings.expectedTokens ?? 0) expected" : ""))
    }
    let covered = UsageStretch.longest(spans)
    guard settings.expectedTokens != nil else {
      return AbuseReport(
        seen: nil, covered: covered,
        findings: findings + [
          "no expected_tokens_per_day in staunch.yaml: nobody can say which of them were yours"
        ])
    }
    return AbuseReport(
      seen: isExceeded ? true : covered == nil ? nil : false, covered: covered, findings: findings)
  }

  /// Nil: the result does not say how many were read and written.
  private static func tokens(_ result: JSONValue) -> Int? {
    guard let read = result["uncached_input_tokens"]?.integer, let written = result["output_tokens"]?.integer
    else { return nil }
    let created = result["cache_creation"]
    return [
      result["cache_read_input_tokens"], created?["ephemeral_5m_input_tokens"],
      created?["ephemeral_1h_input_tokens"],
    ].compactMap { $0?.integer }.reduce(read + written, +)
  }

  /// Only a 401 in the API's own form is dead, and only while the Admin API answers and lists the key as not active.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let base = settings.base
    let probe = KeyProbe(
      base: base, trust: settings.trust, environment: environment,
      request: {
        .get(base + "/v1/models", headers: [("x-api-key", .secret(prefix: "", $0))] + Self.version)
      },
      read: { answer in
        let json = try? JSONValue(parsing: answer.body)  // no JSON: a proxy answered, not the API
        let type = json?["error"]?["type"]?.string
        let code = type.map { "\(answer.status) \($0)" } ?? "\(answer.status)"
        switch (answer.status, type) {
        case (200, _): return CredentialProbe(.alive, code: code)
        case (403, "permission_error"?): return CredentialProbe(.alive, code: code)  // known and restricted
        case (401, "authentication_error"?): return CredentialProbe(.dead, code: code)
        default: return CredentialProbe(.unknown, code: code)
        }
      })
    return try await probe.verdict(on: secret) { () async throws(CapabilityError) in
      do throws(CapabilityError) {
        let active = try await keys().first { key in
          key.isActive && (ref.map { key.id == $0.rawValue } ?? key.looksLike(secret))
        }
        return active.map { "the organisation lists \($0.id) as active" }
      } catch { return "the Admin API gives no answer either (\(error.class.rawValue))" }
    }
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    try await keys().map { CredentialRef($0.id) }
  }

  public func generate() throws(CapabilityError) -> Secret? { nil }

  public var handOverPlace: String? {
    settings.replacement.hasPrefix("prompt") ? "the terminal" : settings.replacement
  }

  public func handedOver() async throws(CapabilityError) -> IssuedCredential {
    let secret: Secret
    do throws(CapabilityError) {
      secret = try await environment.sources.resolve(settings.replacement)
    } catch {
      guard error.class == .notFound else { throw error }
      throw CapabilityError(
        .awaitsPerson, "issue a key",
        because: "only a person can issue one, and the new key is not there yet: \(error.because)",
        fix: "make one in the Console (Settings, API keys), then \(handingOver)")
    }
    return IssuedCredential(ref: try await identify(Leak(secret)).identity, secret: secret)
  }

  /// Nothing is sent: a person has issued it.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  { try await handedOver() }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  {
    []
  }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, "disable \(ref)", because: "it is the replacement itself")
    }
    try await set("inactive", ref, under: authority)
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }  // a key opens no sessions

  /// The API has no deletion: an archived key is gone for good.
  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await set("archived", ref, under: authority) }

  private func set(_ status: String, _ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    try await api.send(
      .post, "/v1/organizations/api_keys/\(RESTClient.escaped(ref.rawValue))", ["status": .string(status)],
      under: authority)
  }
}
