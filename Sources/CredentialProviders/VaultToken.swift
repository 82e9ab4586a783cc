public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

/// Service tokens of a Vault or OpenBao server, named by their accessors.
///
/// A token is found by its value or its accessor and revoked by its accessor: nothing that lives on is ever sent. With it end
/// its children and the leases that they drew; **orphan** tokens that it made live on (``successors(_:since:)`` names them), and
/// so do sessions at a database that were opened with a leased login: they are ended at the database. A batch token has no
/// accessor and cannot be revoked. The new token is an orphan, too: as a child of the runner's own it would end with that.
///
/// What the holder of the leaked token may have prepared:
/// - another token with our marker in its `meta`, to be taken for the one whose reply was lost: what is found by its marker is
///   only ever revoked, never handed out;
/// - names (`display_name`, `meta`) that say something else: none of them is shown or believed;
/// - a token whose uses are counted, so that asking wears it out, or without `default`, so that it may not look itself up and
///   seems dead: the server is asked about it, with the runner's token, before the token itself is tried;
/// - that the runner's own token is a child of the leaked one and ends with it: `doctor` says where it is no orphan.
///
/// Sources: https://openbao.org/api-docs/auth/token/, https://developer.hashicorp.com/vault/api-docs/auth/token
public struct VaultToken: CredentialProvider {
  struct Settings: AdapterSettings {
    let base: String
    let namespace: String?
    let adminToken: String
    let role: String?
    let policies: [String]
    let ttl: String?
    let propagation: Duration
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://127.0.0.1:8200")
      namespace = try read.optionalText(
        "namespace", "the namespace, where there are some: `team`, without a slash at either end")
      adminToken = try read.reference(
        "admin_token", "the runner's own token, an orphan; staunch doctor lists the rights that it needs")
      role = try read.optionalText(
        "role",
        "the token role that new tokens are made with, `orphan: true`; auth/token/create-orphan, which wants sudo, when absent"
      )
      policies = try read.texts(
        "policies", "what a new token may do; what the leaked one may when absent, unless that is root")
      ttl = try read.optionalText(
        "ttl", "how long a new token lives (`720h`); as long as the leaked one did when absent")
      propagation = try read.propagation(.seconds(5))
      trust = try read.trust()
      try read.check(
        role.map { VaultClient.isPath($0) && !$0.contains("/") } ?? true, "role is no role's name",
        fix: "vault list auth/token/roles shows them")
      try read.check(
        namespace.map { VaultClient.isPath($0) } ?? true, "namespace is no namespace",
        fix: "write it without a slash at either end, for example namespace: team")
    }
  }

  public static let kind = "vault"
  public static let summary = "Service tokens of a Vault or OpenBao server."
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  let settings: Settings
  let vault: VaultClient
  let environment: AdapterEnvironment
  /// One question each: on a server with more it takes too long, which is said.
  static let mostTokens = 2000

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    lock = "vault/\(settings.base)/\(target.name)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .none, issuing: .named,
      propagation: settings.propagation)
    vault = VaultClient(
      base: settings.base, token: settings.adminToken, namespace: settings.namespace, trust: settings.trust,
      environment: environment,
      fix: "admin_token in staunch.yaml needs the rights that staunch doctor lists for this entry")
  }

  // MARK: looking up

  /// What the server says of a token, whoever asks. No name that its maker chose is read.
  struct Token {
    let json: JSONValue
    /// Empty for a batch token.
    var accessor: String { json["accessor"]?.string ?? "" }
    var policies: [String] {
      ["policies", "identity_policies"].flatMap { json[$0]?.array?.compactMap(\.string) ?? [] }
    }
    var isOrphan: Bool { json["orphan"]?.boolean ?? false }
    var made: Date? { seconds("creation_time").map { Date(timeIntervalSince1970: Double($0)) } }
    /// Where it was made: `auth/token/create-orphan`, `auth/approle/login`.
    var path: String { json["path"]?.string ?? "" }
    /// Empty: the root namespace, or a server that has none.
    var namespace: String {
      (json["namespace_path"]?.string ?? "").trimmingCharacters(in: CharacterSet(charactersIn: "/"))
    }
    var isMadeByToken: Bool { path.hasPrefix("auth/token/") }
    /// ``path`` without what may be a person's name: `auth/userpass`.
    var origin: String { isMadeByToken ? path : path.split(separator: "/").prefix(2).joined(separator: "/") }

    /// Nil: it does not end by itself.
    func end(after now: Date) -> String? {
      seconds("ttl").map { Timestamp.text(now.addingTimeInterval(Double($0))) }
    }

    /// Nil: none, or unlimited.
    func seconds(_ name: String) -> Int? {
      guard let value = json[name]?.integer, value > 0 else { return nil }
      return value
    }
  }

  /// Nil: the server knows no such token, which it says of one that has ended, too.
  func lookUp(_ secret: Secret) async throws(CapabilityError) -> Token? {
    let operation = "POST auth/token/lookup"
    let text = secret.exposeAsText()
    // Asked about an empty one, the server tells of the runner's own.
    guard !text.isEmpty else { return nil }
    let answer = try await vault.api.ask(
      "/v1/auth/token/lookup", ["token": .string(text)],
      readOnlyBecause: "the token stands in the body, so that no log has it")
    if VaultClient.says("bad token", answer) { return nil }
    let found = try vault.checked(answer, operation)["data"] ?? .null
    guard found["id"]?.string == text else {
      throw CapabilityError(
        .invalid, operation, because: "the answer is not about the token that was asked about",
        fix: "check base_url in staunch.yaml: it must be the server itself")
    }
    return Token(json: found)
  }

  func lookUp(_ ref: CredentialRef) async throws(CapabilityError) -> Token? {
    let answer = try await vault.api.ask(
      "/v1/auth/token/lookup-accessor", ["accessor": .string(ref.rawValue)],
      readOnlyBecause: "it looks a token up")
    if Self.isUnknown(answer) { return nil }
    return Token(json: try vault.checked(answer, "POST auth/token/lookup-accessor")["data"] ?? .null)
  }

  /// The server, or this namespace of it, has no such accessor. By version that is 400, 403, 404 or 500.
  private static func isUnknown(_ answer: HTTPResponse) -> Bool {
    VaultClient.says("invalid accessor", answer) || VaultClient.says("token in different namespace", answer)
  }

  /// The runner's own.
  func own() async throws(CapabilityError) -> Token {
    let answer = try await vault.api.answer("/v1/auth/token/lookup-self")
    return Token(json: try vault.checked(answer, "GET auth/token/lookup-self")["data"] ?? .null)
  }

  private func refuseOwn(_ ref: CredentialRef, to operation: String) async throws(CapabilityError) {
    guard try await own().accessor == ref.rawValue else { return }
    throw CapabilityError(
      .unsafe, operation, because: "it is the token that the runner uses itself",
      fix: "give the runner another one: admin_token in staunch.yaml")
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify token"
    let found: Token?
    if let value = leak.value {
      guard try await !vault.api.isLogin(value) else {
        throw CapabilityError(
          .unsafe, operation, because: "it is the token that the runner uses itself",
          fix: "give the runner another one: admin_token in staunch.yaml")
      }
      found = try await lookUp(value)
    } else if let handle = leak.handle {
      found = try await lookUp(CredentialRef(handle))
    } else {
      found = nil
    }
    guard let found else {
      throw CapabilityError(
        .notFound, operation, because: "the server knows no such token: it has ended, or is another server's",
        fix: "check base_url and namespace in staunch.yaml")
    }
    guard found.namespace == (settings.namespace ?? "") else {
      throw CapabilityError(
        .notFound, operation,
        because: "it is a token of "
          + (found.namespace.isEmpty ? "the root namespace" : "the namespace \(found.namespace)"),
        fix: "make an entry with that namespace in staunch.yaml")
    }
    guard !found.accessor.isEmpty else {
      let end = found.end(after: environment.now())
      throw CapabilityError(
        .unsupported, operation,
        because: "it is a batch token, which nobody can revoke: it ends by itself"
          + (end.map { " at \($0)" } ?? ""),
        fix: "revoke the token that made it, whose batch tokens end with it, or take its policies away")
    }
    let ref = CredentialRef(found.accessor)
    try await refuseOwn(ref, to: operation)
    return Subject(ref)
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    guard let token = try await lookUp(ref) else {
      throw CapabilityError(.notFound, "inspect \(ref)", because: "the server knows no such token")
    }
    var facts: [String: JSONValue] = [:]
    // The entity's id, never a display name: people stay out of journals.
    let owner = token.json["entity_id"]?.string ?? ""
    facts["owner"] = JSONValue.string(owner.isEmpty ? "none" : owner)
    if let made = token.made { facts["created"] = JSONValue.string(Timestamp.text(made)) }
    facts["expires"] = JSONValue.string(token.end(after: environment.now()) ?? "never")
    facts["renewable"] = token.json["renewable"]
    if let period = token.seconds("period") { facts["period_seconds"] = JSONValue.integer(period) }
    if let left = token.seconds("num_uses") { facts["uses_left"] = JSONValue.integer(left) }
    facts["scopes"] = JSONValue.array(token.policies.map { .string($0) })
    if token.policies.contains("root") { facts["privilege"] = "root" }
    facts["orphan"] = JSONValue.boolean(token.isOrphan)
    facts["made_at"] = JSONValue.string(token.origin)
    facts["survives"] = "orphan tokens that it made; sessions at databases opened with logins that it leased"
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(
      seen: nil, covered: nil,
      findings: [
        "the API tells no uses: search the audit log for the accessor as vault write sys/audit-hash/DEVICE "
          + "input=\(ref) prints it"
      ])
  }

  // MARK: verdict

  /// What the server says to the runner comes first: a counted token is not worn out, and one that may not look itself up is
  /// not called dead. Dead is one that the server no longer knows and refuses at every address.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    do throws(CapabilityError) {
      if try await lookUp(secret) != nil { return CredentialProbe(.alive, code: "200 lookup") }
    } catch {
      return CredentialProbe(.unknown, code: "the runner's token gets no answer (\(error.class.rawValue))")
    }
    let base = vault.api.base
    let namespace = vault.api.headers
    let probe = KeyProbe(
      base: base, trust: settings.trust, environment: environment,
      request: {
        .get(
          base + "/v1/auth/token/lookup-self",
          headers: [("X-Vault-Token", .secret(prefix: "", $0))] + namespace)
      },
      read: { answer in
        let errors = VaultClient.errors(of: answer) ?? []
        switch answer.status {
        case 200: return CredentialProbe(.alive, code: "200")
        case 403 where errors.contains(where: Self.isRefusal):
          return CredentialProbe(.dead, code: "403 permission denied")
        default: return CredentialProbe(.unknown, code: "\(answer.status)")
        }
      })
    return try await probe.verdict(on: secret) { () async throws(CapabilityError) in
      do throws(CapabilityError) {
        return try await lookUp(secret) == nil ? nil : "the server lists it"
      } catch { return "the runner's token gets no answer either (\(error.class.rawValue))" }
    }
  }

  /// The API's own word for a token that it does not know. A known one that lacks the right gets
  /// "1 error occurred:\n\t* permission denied", and a gateway says 403 without any.
  private static func isRefusal(_ text: String) -> Bool {
    text == "permission denied" || text.contains("invalid token") || text.contains("bad token")
  }

  // MARK: stopping

  /// Its children and the leases that they drew end with it. Repeating it is fine.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, "revoke \(ref)", because: "it is the replacement itself")
    }
    try await revoke(ref, under: authority)
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await revoke(ref, under: authority) }

  func revoke(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    try await refuseOwn(ref, to: "revoke \(ref)")
    let answer = try await vault.api.change(
      .post, "/v1/auth/token/revoke-accessor", ["accessor": .string(ref.rawValue)], under: authority)
    // One of another namespace lives on.
    if VaultClient.says("invalid accessor", answer) { return }
    guard !Self.isUnknown(answer) else {
      throw CapabilityError(
        .configuration, "revoke \(ref)", because: "it is a token of another namespace",
        fix: "make an entry with that namespace in staunch.yaml")
    }
    _ = try vault.done(answer, "POST auth/token/revoke-accessor")
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { SessionCount(found: 0, ended: 0, left: 0) }  // a token is asked about at each request
}
