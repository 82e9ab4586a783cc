import Capabilities
import CredentialProviders
import Cryptography
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import Simulators
import Synchronization
import TestSupport

/// Two RSA keys, made once by `openssl`: the leaked one and every other.
struct GoogleKeys: Sendable {
  struct Pair: Sendable {
    let pem: String
    let publicHalf: String
  }
  let leaked: Pair
  let other: Pair

  private static let made = Task { () async throws -> GoogleKeys in
    GoogleKeys(leaked: try await pair(), other: try await pair())
  }

  static func shared() async throws -> GoogleKeys { try await made.value }

  private static func pair() async throws -> Pair {
    let directory = try TemporaryDirectory()
    let pem = try await Program.run(
      ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], in: directory.path)
    try pem.write(toFile: directory.path("key.pem"), atomically: true, encoding: .utf8)
    let half = try await Program.run(
      ["openssl", "pkey", "-in", "key.pem", "-pubout"], in: directory.path)
    withExtendedLifetime(directory) {}  // openssl reads there until it ends
    return Pair(pem: pem, publicHalf: half)
  }
}

/// Google Cloud's IAM, its token endpoint and Cloud Logging in the words of the documentation (read on 2026-11-30), over the
/// simulator of a key that is a document. No Google stands behind it.
///
/// - https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys
/// - https://developers.google.com/identity/protocols/oauth2/service-account#jwt-error-codes
/// - https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
/// - https://cloud.google.com/apis/design/errors
struct GCPServiceAccountWorld: ContractFixture {
  static let against = "a simulator in the words of the documentation"
  static let account = "app@shop-project.iam.gserviceaccount.com"
  static let project = "shop-project"
  static let accountPath = "/v1/projects/\(project)/serviceAccounts/\(account)"

  /// What a test changes of it.
  struct Whims: Sendable {
    var isAccountDisabled = false
    /// What the token endpoint says instead.
    var grant: LoopbackServer.Reply?
    /// Entries of the audit log.
    var entries: [JSONValue] = []
    var permissions: Set<String>?
    /// Answers before anything else does.
    var first: @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply? = { _ in nil }
  }

  final class State: Sendable {
    let whims = Mutex(Whims())
  }

  let front: SimulatorFront<SimulatedDocument>
  let keys: GoogleKeys
  let state: State
  let server: LoopbackServer
  let provider: any CredentialProvider
  var leak: Leak { Leak(Secret(keys.leaked.pem), handle: "\(Self.account)/doc-0") }

  static func make() async throws -> Self { try await Self([:]) }

  init(
    _ more: [String: JSONValue], secrets: [String: Secret] = [:],
    now: @escaping @Sendable () -> Date = { Date() }
  ) async throws {
    let keys = try await GoogleKeys.shared()
    let front = SimulatorFront { SimulatedDocument(conditions: $0) { id, _ in Self.file(id, keys) } }
    let state = State()
    (self.front, self.keys, self.state) = (front, keys, state)
    server = try LoopbackServer { request in Self.answer(request, front, keys, state) }
    let settings: [String: JSONValue] = [
      "base_url": .string(server.url), "token_url": .string(server.url + "/token"),
      "logging_url": .string(server.url), "resource_manager_url": .string(server.url),
      "project": .string(Self.project), "account": .string(Self.account),
    ].merging(more["login_key"] == nil ? ["login_token": "env:LOGIN"] : [:]) { _, new in new }
    provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "gcp", kind: GCPServiceAccountKey.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(),
        secrets: secrets.merging(["env:LOGIN": Secret("ya29.runner")]) { old, _ in old }, now: now))
  }

  func set(_ change: (inout Whims) -> Void) { state.whims.withLock { change(&$0) } }
  var posts: [String] {
    server.requests.filter { $0.method == "POST" || $0.method == "DELETE" }
      .map { $0.path.removingPercentEncoding ?? "" }.filter { $0.hasPrefix("/v1/") }
  }

  func loseNextReply() -> Bool { front.loseNextReply() }
  func refuseNextCall() -> Bool { front.refuseNextCall() }
  func answerOldThings(takingTurns: Bool) -> Duration? { front.answerOldThings(takingTurns: takingTurns) }
  func pass(_ time: Duration) { front.conditions.advance(by: time) }

  // MARK: answers

  static func pair(_ id: String, _ keys: GoogleKeys) -> GoogleKeys.Pair {
    id == "doc-0" ? keys.leaked : keys.other
  }

  /// A key file as the documentation shows it.
  static func file(_ id: String, _ keys: GoogleKeys, email: String = account) -> String {
    JSONValue.object([
      "type": "service_account", "project_id": .string(project), "private_key_id": .string(id),
      "private_key": .string(pair(id, keys).pem), "client_email": .string(email),
      "client_id": "103271949540120710052", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
      "token_uri": "https://token.attacker.example/token",
      "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
      "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/app",
      "universe_domain": "googleapis.com",
    ]).canonicalText
  }

  static func error(_ status: Int, _ word: String) -> LoopbackServer.Reply {
    .json(status, #"{"error":{"code":\#(status),"message":"as documented","status":"\#(word)"}}"#)
  }

  static func refusal(_ error: String, _ description: String) -> LoopbackServer.Reply {
    .json(400, #"{"error":"\#(error)","error_description":"\#(description)"}"#)
  }

  private static func answer(
    _ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedDocument>, _ keys: GoogleKeys,
    _ state: State
  ) -> LoopbackServer.Reply {
    let whims = state.whims.withLock { $0 }
    if let first = whims.first(request) { return first }
    let path = request.path.removingPercentEncoding ?? ""
    if path == "/token" {
      if let obstacle = front.obstacle() { return obstacle }
      return whims.grant ?? grant(request, front, keys)
    }
    let isRunner = ["Bearer ya29.runner", "Bearer ya29.granted"].contains(request.headers["authorization"])
    guard isRunner else {
      return error(401, "UNAUTHENTICATED")
    }
    let simulator = front.simulator
    let id =
      path.hasPrefix("\(accountPath)/keys/") ? String(path.dropFirst("\(accountPath)/keys/".count)) : ""
    switch (request.method, path) {
    case ("GET", accountPath):
      return .json(
        200,
        JSONValue.object(
          [
            "name": .string(String(accountPath.dropFirst(4))), "projectId": .string(project),
            "uniqueId": "103271949540120710052", "email": .string(account),
          ].merging(whims.isAccountDisabled ? ["disabled": true] : [:]) { _, new in new }
        ).canonicalText)
    case ("GET", "\(accountPath)/keys"):
      let keys = simulator.world.entries.map { record($0, front, nil) }
      // An empty list has no member.
      return .json(200, keys.isEmpty ? "{}" : JSONValue.object(["keys": .array(keys)]).canonicalText)
    case ("POST", "\(accountPath)/keys"):
      switch awaited({ try await simulator.issue(IssueOrder(marker: ""), under: .forTests()) }) {
      case .success(let issued):
        let id = issued.ref.rawValue
        return .json(
          200,
          JSONValue.object([
            "name": .string("\(accountPath.dropFirst(4))/keys/\(id)"),
            "privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE", "keyAlgorithm": "KEY_ALG_RSA_2048",
            "privateKeyData": .string(Data(file(id, keys).utf8).base64EncodedString()),
          ]).canonicalText)
      case .failure(let failure):
        return (failure as? CapabilityError)?.class == .conflict
          ? error(429, "RESOURCE_EXHAUSTED") : SimulatorFront<SimulatedDocument>.reply(to: failure)
      }
    case ("POST", "\(accountPath):disable"):
      state.whims.withLock { $0.isAccountDisabled = true }
      return .json(200, "{}")
    case ("POST", "\(accountPath):testIamPermissions"),
      ("POST", "/v1/projects/\(project):testIamPermissions"):
      let asked = (try? JSONValue(parsing: request.body))?["permissions"]?.array?.compactMap(\.string) ?? []
      let has = asked.filter { whims.permissions?.contains($0) ?? true }
      return .json(
        200,
        has.isEmpty
          ? "{}" : JSONValue.object(["permissions": .array(has.map { .string($0) })]).canonicalText)
    case ("POST", "/v2/entries:list"):
      return .json(
        200,
        whims.entries.isEmpty ? "{}" : JSONValue.object(["entries": .array(whims.entries)]).canonicalText)
    case ("GET", _) where !id.isEmpty:
      guard let entry = simulator.world.entry(CredentialRef(id)) else { return error(404, "NOT_FOUND") }
      return .json(200, record(entry, front, pair(id, keys).publicHalf).canonicalText)
    case ("POST", _) where id.hasSuffix(":disable"):
      let ref = CredentialRef(String(id.dropLast(":disable".count)))
      guard simulator.world.entry(ref) != nil else { return error(404, "NOT_FOUND") }
      let done = awaited {
        try await simulator.disable(ref, leak: Leak(), replacedBy: nil, under: .forTests())
      }
      return reply(to: done)
    case ("DELETE", _) where !id.isEmpty:
      guard simulator.world.entry(CredentialRef(id)) != nil else { return error(404, "NOT_FOUND") }
      return reply(to: awaited { try await simulator.delete(CredentialRef(id), under: .forTests()) })
    default: return error(404, "NOT_FOUND")
    }
  }

  private static func reply(to done: Result<Void, any Error>) -> LoopbackServer.Reply {
    switch done {
    case .success: .json(200, "{}")
    case .failure(let error): SimulatorFront<SimulatedDocument>.reply(to: error)
    }
  }

  private static func record(
    _ entry: SimulatedAccount.Entry, _ front: SimulatorFront<SimulatedDocument>, _ half: String?
  ) -> JSONValue {
    var record: [String: JSONValue] = [
      "name": .string("\(accountPath.dropFirst(4))/keys/\(entry.ref)"),
      "validAfterTime": entry.ref.rawValue == "doc-0" ? "2026-01-01T00:00:00Z" : "2026-11-20T00:00:00Z",
      "validBeforeTime": "9999-12-31T23:59:59Z", "keyAlgorithm": "KEY_ALG_RSA_2048",
      "keyOrigin": "GOOGLE_PROVIDED", "keyType": "USER_MANAGED",
    ]
    if !front.simulator.world.isAccepted(entry.value) { record["disabled"] = true }
    record["publicKeyData"] = half.map { .string(Data($0.utf8).base64EncodedString()) }
    return .object(record)
  }

  /// Looks at the assertion as Google does: the key that its header names, the signature, the account and the time.
  private static func grant(
    _ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedDocument>, _ keys: GoogleKeys
  ) -> LoopbackServer.Reply {
    let invalid = refusal("invalid_grant", "Invalid JWT Signature.")
    let form = String(decoding: request.body, as: UTF8.self)
    guard
      form.hasPrefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="),
      let jwt = form.split(separator: "=").last
    else { return refusal("unsupported_grant_type", "Invalid grant_type") }
    let parts = jwt.split(separator: ".").map(String.init)
    guard parts.count == 3, let header = json(parts[0]), let claims = json(parts[1]),
      let signature = data(parts[2]), header["alg"]?.string == "RS256"
    else { return refusal("invalid_grant", "Invalid JWT: malformed") }
    guard claims["iss"]?.string == account else {
      return refusal("invalid_grant", "Invalid grant: account not found")
    }
    guard claims["aud"]?.string == "https://oauth2.googleapis.com/token" else {
      return refusal("invalid_grant", "Invalid JWT: Failed audience check.")
    }
    let id = header["kid"]?.string ?? "doc-0"
    let signed = Array("\(parts[0]).\(parts[1])".utf8)
    guard let key = try? RSA.PublicKey(pem: pair(id, keys).publicHalf),
      key.isValidSignature(signature, for: signed, digest: .sha256), front.accepts(file(id, keys))
    else { return invalid }
    return .json(200, #"{"access_token":"ya29.granted","expires_in":3599,"token_type":"Bearer"}"#)
  }

  private static func data(_ text: String) -> Data? {
    let padded = text.replacing("-", with: "+").replacing("_", with: "/")
    return Data(base64Encoded: padded + String(repeating: "=", count: (4 - padded.count % 4) % 4))
  }

  private static func json(_ text: String) -> JSONValue? {
    data(text).flatMap { try? JSONValue(parsing: $0) }
  }
}
