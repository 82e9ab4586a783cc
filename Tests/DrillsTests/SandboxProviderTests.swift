import Capabilities
import Cryptography
import Drills
import Foundation
import HTTP
import JSON
import PostgresClient
import Secrets
import TestSupport
import Testing

/// The sandbox provider over real HTTP, with the faults of a scenario.
@Suite struct SandboxProviderTests {
  private let directory: TemporaryDirectory
  private let http = CurlTransport()

  init() throws { directory = try TemporaryDirectory() }

  private func start(_ injects: String) async throws -> Sandbox {
    try await DrillSandbox.start(
      try ScenarioReader.read(
        "drill: 1\nid: x\ntitle: t\ntrigger: r\ncomplication: c\ninjects: \(injects)\nobjectives: [{reach: contain}]",
        file: "x.yaml"), in: directory.path("drill"), postgres: PostgresConnector(),
      now: { Date(timeIntervalSince1970: 1_800_000_000) })
  }

  private func secret(_ name: String, in sandbox: Sandbox) throws -> Secret {
    try #require(sandbox.secrets[name])
  }

  private func bearer(_ secret: Secret) -> [(name: String, value: HTTPField)] {
    [("Authorization", .secret(prefix: "Bearer ", secret))]
  }

  private func models(_ key: Secret, in sandbox: Sandbox) async throws -> HTTPResponse {
    try await http.fetch(.get(sandbox.endpoints[0].url + "/v1/models", headers: bearer(key)))
  }

  private func admin(_ method: HTTPRequest.Method, _ path: String, _ body: String = "", in sandbox: Sandbox)
    async throws -> HTTPResponse
  {
    try await http.send(
      HTTPRequest(
        method, sandbox.endpoints[0].url + "/v1/organization/projects/proj_drill/" + path,
        headers: bearer(try secret("runner's openai-admin", in: sandbox)),
        body: body.isEmpty ? .none : .bytes(Data(body.utf8))), under: try ExecutionAuthority.forTests())
  }

  private func json(_ response: HTTPResponse) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: response.body)
  }

  /// Deletes the leaked key through the API.
  private func deleteLeaked(in sandbox: Sandbox) async throws {
    let keys = try json(try await admin(.get, "api_keys", in: sandbox))["data"]?.array ?? []
    let id = try #require(keys.first { $0["name"] == "training" }?["id"]?.string)
    #expect(try await admin(.delete, "api_keys/\(id)", in: sandbox).status == 200)
  }

  @Test func `a key works until it is deleted, another goes on working, and a wrong one never works`()
    async throws
  {
    let sandbox = try await start("[]")
    let leaked = try secret("leaked openai_api_key", in: sandbox)
    #expect(try await models(leaked, in: sandbox).status == 200)
    #expect(try await models(Secret("nobody's"), in: sandbox).status == 401)
    try await deleteLeaked(in: sandbox)
    let refusal = try await models(leaked, in: sandbox)
    #expect(refusal.status == 401)
    #expect(try json(refusal)["error"]?["code"] == "invalid_api_key")
    #expect(try await models(try secret("unrelated key", in: sandbox), in: sandbox).status == 200)
    await sandbox.stop()
  }

  @Test func `a service account's key is issued, works, and dies with its account only`() async throws {
    let sandbox = try await start("[]")
    let made = try json(try await admin(.post, "service_accounts", #"{"name":"marker"}"#, in: sandbox))
    let value = Secret(try #require(made["api_key"]?["value"]?.string))
    let key = try #require(made["api_key"]?["id"]?.string)
    #expect(try await models(value, in: sandbox).status == 200)
    #expect(try await admin(.delete, "api_keys/\(key)", in: sandbox).status == 400)
    let account = try #require(made["id"]?.string)
    #expect(try await admin(.delete, "service_accounts/\(account)", in: sandbox).status == 200)
    #expect(try await models(value, in: sandbox).status == 401)
    await sandbox.stop()
  }

  @Test func `nobody manages keys without the admin key`() async throws {
    let sandbox = try await start("[]")
    let leaked = try secret("leaked openai_api_key", in: sandbox)
    let answer = try await http.fetch(
      .get(
        sandbox.endpoints[0].url + "/v1/organization/projects/proj_drill/api_keys", headers: bearer(leaked)))
    #expect(answer.status == 401)
    await sandbox.stop()
  }

  @Test func `rate limits strike as often as the scenario says`() async throws {
    let sandbox = try await start("[{fault: rate_limit, times: 2}]")
    let leaked = try secret("leaked openai_api_key", in: sandbox)
    let first = try await models(leaked, in: sandbox)
    #expect(first.status == 429)
    #expect(first.headers["retry-after"] == "1")
    #expect(try await models(leaked, in: sandbox).status == 429)
    #expect(try await models(leaked, in: sandbox).status == 200)
    await sandbox.stop()
  }

  @Test func `a fault that is not due does not strike`() async throws {
    let sandbox = try await start("[{at: 1h, fault: rate_limit}]")
    #expect(try await models(try secret("leaked openai_api_key", in: sandbox), in: sandbox).status == 200)
    await sandbox.stop()
  }

  @Test func `a deleted key survives as often as the scenario says`() async throws {
    let sandbox = try await start("[{fault: still_alive, times: 2}]")
    let leaked = try secret("leaked openai_api_key", in: sandbox)
    try await deleteLeaked(in: sandbox)
    #expect(try await models(leaked, in: sandbox).status == 200)
    #expect(try await models(leaked, in: sandbox).status == 200)
    #expect(try await models(leaked, in: sandbox).status == 401)
    await sandbox.stop()
  }

  @Test func `a lingering key is seen at the end, too, and looking uses nothing up`() async throws {
    let sandbox = try await start("[{fault: still_alive, times: 2}]")
    let leaked = try secret("leaked openai_api_key", in: sandbox)
    try await deleteLeaked(in: sandbox)
    for _ in 1...3 { #expect(try await sandbox.observe().acceptedLeaks.contains("openai_api_key")) }
    #expect(sandbox.injections == [Injection("still_alive", wanted: 2, struck: 0)])
    for _ in 1...2 { _ = try await models(leaked, in: sandbox) }
    #expect(try await !sandbox.observe().acceptedLeaks.contains("openai_api_key"))
    #expect(sandbox.injections == [Injection("still_alive", wanted: 2, struck: 2)])
    await sandbox.stop()
  }

  @Test func `an issue tracker that loses a comment has the issue and not the comment`() async throws {
    let sandbox = try await start("[{fault: lost_comment}]")
    let base = sandbox.endpoints[3].url + "/repos/drill/incidents"
    let authority = try ExecutionAuthority.forTests()
    let token = bearer(try secret("runner's issues", in: sandbox))
    let text = { (event: String) in
      Data(
        "{\"title\":\"t\",\"body\":\"<!-- staunch incident inc-1 --><!-- staunch event incident.\(event) -->\"}"
          .utf8)
    }
    #expect(
      try await http.send(
        HTTPRequest(.post, base + "/issues", headers: token, body: .bytes(text("opened"))), under: authority
      ).status == 201)
    let comment = HTTPRequest(
      .post, base + "/issues/1/comments", headers: token, body: .bytes(text("contained")))
    await #expect(throws: CapabilityError.self) { try await http.send(comment, under: authority) }
    #expect(try await sandbox.observe().tickets == ["inc-1": ["incident.opened"]])
    #expect(try await http.send(comment, under: authority).status == 200)
    #expect(try await sandbox.observe().tickets == ["inc-1": ["incident.opened", "incident.contained"]])
    await sandbox.stop()
  }

  @Test func `a lost reply leaves a key behind`() async throws {
    let sandbox = try await start("[{fault: lost_reply}]")
    let error = await #expect(throws: CapabilityError.self) {
      try await admin(.post, "service_accounts", #"{"name":"marker"}"#, in: sandbox)
    }
    #expect(error?.class == .unknownOutcome)
    #expect(try await sandbox.observe().replacementKeys == 1)
    await sandbox.stop()
  }

  @Test func `the trainer works with what it read until it is restarted`() async throws {
    let sandbox = try await start("[]")
    let health = sandbox.endpoints[2].url + "/healthz"
    let made = try json(try await admin(.post, "service_accounts", #"{"name":"marker"}"#, in: sandbox))
    let value = try #require(made["api_key"]?["value"]?.string)
    let file = sandbox.directory + "/trainer/.env"
    let leaked = try secret("leaked openai_api_key", in: sandbox).exposeAsText()
    let text = try String(contentsOfFile: file, encoding: .utf8).replacing(leaked, with: value)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    try await deleteLeaked(in: sandbox)
    #expect(try await http.fetch(.get(health)).status == 503)
    try Data().write(to: URL(filePath: sandbox.directory + "/trainer/restart"))
    #expect(try await http.fetch(.get(health)).status == 200)
    await sandbox.stop()
  }

  @Test func `a repeated message counts once, and a sink that is down takes none`() async throws {
    let sandbox = try await start("[{fault: notifier_down}]")
    let body = Data(#"{"type":"incident.opened","data":{"incident":"inc-1"}}"#.utf8)
    let key = try #require(
      Data(base64Encoded: String(secret("runner's tickets", in: sandbox).exposeAsText().dropFirst(6))))
    let code = HMAC<SHA256>.authenticationCode(
      for: Array("m-1.1800000000.".utf8) + body, using: SymmetricKey(data: key))
    func message(_ signature: String, at time: String = "1800000000") -> HTTPRequest {
      HTTPRequest(
        .post, sandbox.endpoints[1].url + "/hooks/staunch",
        headers: [
          ("webhook-id", .text("m-1")), ("webhook-timestamp", .text(time)),
          ("webhook-signature", .text(signature)),
        ], body: .bytes(body))
    }
    let request = message("v1,\(Data(code).base64EncodedString())")
    let authority = try ExecutionAuthority.forTests()
    #expect(try await http.send(request, under: authority).status == 503)
    #expect(try await http.send(message("v1,x"), under: authority).status == 401)
    #expect(
      try await http.send(
        message("v1,\(Data(code).base64EncodedString())", at: "1799999000"), under: authority
      ).status == 401)
    #expect(try await http.send(request, under: authority).status == 204)
    #expect(try await http.send(request, under: authority).status == 204)
    #expect(try await sandbox.observe().tickets == ["inc-1": ["incident.opened"]])
    await sandbox.stop()
  }
}
