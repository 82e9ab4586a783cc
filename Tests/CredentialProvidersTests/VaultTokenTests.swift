import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Synchronization
import Testing

/// On a real OpenBao server, over libcurl, each test in a namespace of its own.
@Suite struct VaultTokenTests {
  private let world: VaultWorld

  init() async throws { world = try await VaultWorld() }

  @Test func `with a token its children end, and the orphans that it made are named and live on`()
    async throws
  {
    let policy = try await world.server.makePolicy([
      "auth/token/create": ["update"], "auth/token/create-orphan": ["update", "sudo"],
    ])
    let leaked = try await world.server.makeToken([policy])
    let stranger = try await world.server.makeToken(["default"])
    let child = try await world.server.call(
      "POST", "auth/token/create", ["policies": ["default"]], as: leaked.value)
    let orphan = try await world.server.makeToken(["default"], as: leaked.value)
    let provider = try world.provider()
    let subject = try await provider.identify(Leak(leaked.value))
    #expect(subject.identity.rawValue == leaked.accessor)
    let made = try await provider.successors(subject.identity, since: nil)
    #expect(Set(made.found.map(\.ref.rawValue)) == [orphan.accessor, stranger.accessor])
    #expect(made.covered == nil)
    #expect(
      made.found.first { $0.ref.rawValue == orphan.accessor }?.what
        == "orphan token with default, made at auth/token/create-orphan, which the leaked one may use")
    try await provider.disable(subject.identity, leaked: leaked.value, replacedBy: nil, under: .forTests())
    #expect(
      try await provider.verify(leaked.value, ref: nil)
        == CredentialProbe(.dead, code: "403 permission denied"))
    let childsValue = Secret(child["client_token"]?.string ?? "")
    #expect(try await provider.verify(childsValue, ref: nil).state == .dead)
    #expect(try await provider.verify(orphan.value, ref: nil).state == .alive)
    // Also when the leaked one is gone, and nobody can say any more what it could do.
    let after = try await provider.successors(subject.identity, since: nil)
    #expect(
      after.found.first { $0.ref.rawValue == orphan.accessor }?.what
        == "orphan token with default, made at auth/token/create-orphan")
  }

  @Test func `where the leaked one may make no orphans that is said, and older ones are not named`()
    async throws
  {
    let leaked = try await world.server.makeToken(["default"])
    _ = try await world.server.makeToken(["default"])
    let provider = try world.provider()
    let ref = CredentialRef(leaked.accessor)
    #expect(
      try await provider.successors(ref, since: nil).found.map(\.what) == [
        "orphan token with default, made at auth/token/create-orphan, which the leaked one may not use now"
      ])
    #expect(try await provider.successors(ref, since: Date() + 60).found.isEmpty)
  }

  @Test func `the new token may do what the leaked one could, lives as long and is an orphan`() async throws {
    let policy = try await world.server.makePolicy(["secret/data/app": ["read"]])
    let leaked = try await world.server.makeToken(
      [policy], ["ttl": "2h", "explicit_max_ttl": "4h", "no_default_policy": true])
    let provider = try world.provider()
    let issued = try await provider.issue(
      IssueOrder(marker: "staunch-run-1", replacing: Leak(leaked.value)), under: .forTests())
    let seen = try await world.look(issued.ref)
    #expect(seen["policies"] == JSONValue.array([.string(policy)]))
    #expect(seen["creation_ttl"] == 7200)
    #expect(seen["explicit_max_ttl"] == 14_400)
    #expect(seen["orphan"] == true)
    #expect(seen["renewable"] == true)
    let life = try #require(issued.material.expiry).timeIntervalSinceNow
    #expect((7000...7200).contains(life))
    // Its program renews it by itself, as before.
    try await world.server.call(
      "POST", "auth/token/renew",
      [
        "token": .string(issued.secret.exposeAsText()), "increment": "3h",
      ])
    let renewed = try await world.look(issued.ref)["ttl"]?.integer ?? 0
    #expect(renewed > 7200)
    #expect(
      try await provider.issued(marker: "staunch-run-1", before: [CredentialRef(leaked.accessor)]) == [
        issued.ref
      ])
    #expect(try await provider.issued(marker: "staunch-run-1", before: [issued.ref]).isEmpty)
  }

  @Test func `a periodic token is replaced by a periodic one`() async throws {
    let leaked = try await world.server.makeToken(["default"], ["period": "1h"])
    let issued = try await world.provider().issue(
      IssueOrder(marker: "m", replacing: Leak(handle: leaked.accessor)), under: .forTests())
    #expect(try await world.look(issued.ref)["period"] == 3600)
  }

  @Test func `a token that has ended leaves nobody to ask what the new one may do`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider().issue(
        IssueOrder(marker: "m", replacing: Leak(Secret("s.gone"))), under: .forTests())
    }
    #expect(error?.class == .configuration)
    let told = try world.provider(["policies": ["default"], "ttl": "1h"])
    let issued = try await told.issue(
      IssueOrder(marker: "m", replacing: Leak(Secret("s.gone"))), under: .forTests())
    #expect(try await world.look(issued.ref)["policies"] == ["default"])
  }

  /// A report may name anybody's accessor beside a value that has ended.
  @Test func `rights are those of the value, never those of an accessor that stands beside it`() async throws
  {
    let mighty = try await world.server.makeToken([
      try await world.server.makePolicy(["secret/*": ["read", "update"]])
    ])
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider().issue(
        IssueOrder(marker: "m", replacing: Leak(Secret("s.gone"), handle: mighty.accessor)),
        under: .forTests())
    }
    #expect(error?.class == .configuration)
  }

  @Test func `a token that was bound to networks is not replaced by one that works everywhere`() async throws
  {
    try await world.server.call(
      "POST", "auth/token/roles/bound", ["orphan": true, "token_bound_cidrs": ["127.0.0.0/8"]])
    let made = try await world.server.call(
      "POST", "auth/token/create/bound", ["policies": ["default"]])
    let order = IssueOrder(marker: "m", replacing: Leak(Secret(made["client_token"]?.string ?? "")))
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider().issue(order, under: .forTests())
    }
    #expect(error?.class == .configuration)
    let issued = try await world.provider(["role": "bound"]).issue(order, under: .forTests())
    #expect(try await world.look(issued.ref)["bound_cidrs"]?.array?.count == 1)
  }

  @Test func `a login's token is not replaced by another kind of token`() async throws {
    try await world.server.call("POST", "sys/auth/approle", ["type": "approle"])
    try await world.server.call("POST", "auth/approle/role/app", ["token_policies": "default"])
    let role = try await world.server.call("GET", "auth/approle/role/app/role-id")["role_id"] ?? .null
    let secret = try await world.server.call("POST", "auth/approle/role/app/secret-id", [:])["secret_id"]
    let login = try await world.server.call(
      "POST", "auth/approle/login", ["role_id": role, "secret_id": secret ?? .null])
    let leaked = Secret(login["client_token"]?.string ?? "")
    let provider = try world.provider()
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issue(IssueOrder(marker: "m", replacing: Leak(leaked)), under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(error?.because.contains("a login at auth/approle") == true)
    // A destroyed secret id leaves its tokens alive: the token itself is revoked.
    let subject = try await provider.identify(Leak(leaked))
    try await world.server.call(
      "POST", "auth/approle/role/app/secret-id/destroy", ["secret_id": secret ?? .null])
    #expect(try await provider.verify(leaked, ref: nil).state == .alive)
    try await provider.disable(subject.identity, leaked: leaked, replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(leaked, ref: nil).state == .dead)
  }

  @Test func `a role that makes children of the runner is told, and nothing is left behind`() async throws {
    try await world.server.call("POST", "auth/token/roles/app", ["orphan": false])
    let leaked = try await world.server.makeToken(["default"])
    let provider = try world.provider(["role": "app"])
    let before = Set(try await provider.existing())
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issue(
        IssueOrder(marker: "m", replacing: Leak(leaked.value)), under: .forTests())
    }
    #expect(error?.class == .configuration)
    #expect(error?.fix == "vault write auth/token/roles/app orphan=true")
    #expect(Set(try await provider.existing()) == before)
  }

  // MARK: verdicts

  @Test func `a token that may not look itself up is not dead`() async throws {
    let leaked = try await world.server.makeToken(
      [try await world.server.makePolicy(["secret/data/app": ["read"]])], ["no_default_policy": true])
    try #require(
      try await world.server.answer("GET", "auth/token/lookup-self", as: leaked.value).status == 403)
    #expect(try await world.provider().verify(leaked.value, ref: nil).state == .alive)
  }

  @Test func `a token whose uses are counted is not worn out by asking`() async throws {
    let leaked = try await world.server.makeToken(["default"], ["num_uses": 2])
    let provider = try world.provider()
    for _ in 0..<4 { #expect(try await provider.verify(leaked.value, ref: nil).state == .alive) }
    #expect(try await world.look(CredentialRef(leaked.accessor))["num_uses"] == 2)
  }

  @Test func `while the runner's own token is refused nothing is called dead`() async throws {
    let runner = try await world.server.makeToken([try await world.runnerPolicy()])
    let provider = try world.provider(as: runner.value)
    let leaked = try await world.server.makeToken(["default"])
    try await world.server.call("POST", "auth/token/revoke", ["token": .string(leaked.value.exposeAsText())])
    #expect(try await provider.verify(leaked.value, ref: nil).state == .dead)
    try await world.server.call("POST", "auth/token/revoke", ["token": .string(runner.value.exposeAsText())])
    let probe = try await provider.verify(leaked.value, ref: nil)
    #expect(probe == CredentialProbe(.unknown, code: "the runner's token gets no answer (refused)"))
  }

  @Test(arguments: [
    (403, "<html>no</html>"), (403, #"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#),
    (503, #"{"errors":["Vault is sealed"]}"#),
    (429, #"{"errors":["request path rate limit quota exceeded"]}"#),
    (400, #"{"errors":["missing client token"]}"#),
  ])
  func `an answer that is not about the token proves nothing`(status: Int, body: String) async throws {
    let gateway = try LoopbackServer { request in
      request.target == "/v1/auth/token/lookup"
        ? .json(403, #"{"errors":["bad token"]}"#) : .json(status, body)
    }
    let probe = try await world.provider(["base_url": .string(gateway.url)]).verify(
      Secret("s.leaked"), ref: nil)
    #expect(probe.state == .unknown)
  }

  @Test func `an answer about another token is none about this one`() async throws {
    let gateway = try LoopbackServer { _ in .json(200, #"{"data":{"id":"s.other","accessor":"a"}}"#) }
    let provider = try world.provider(["base_url": .string(gateway.url)])
    #expect(
      try await provider.verify(Secret("s.leaked"), ref: nil)
        == CredentialProbe(.unknown, code: "the runner's token gets no answer (invalid)"))
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.identify(Leak(Secret("s.leaked")))
    }
    #expect(error?.class == .invalid)
  }

  /// Else a token whose reply was lost would be taken for never made, and live on.
  @Test(arguments: ["{}", #"{"data":null}"#, #"{"data":{"keys":["a",7]}}"#])
  func `an answer that lists no tokens is not taken for there being none`(body: String) async throws {
    let gateway = try LoopbackServer { _ in .json(200, body) }
    let provider = try world.provider(["base_url": .string(gateway.url)])
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issued(marker: "m", before: [])
    }
    #expect(error?.class == .serverError)
  }

  // MARK: whose it is

  @Test func `the runner's own token is never revoked, by its value or its accessor`() async throws {
    let runner = try await world.server.makeToken([try await world.runnerPolicy()])
    let provider = try world.provider(as: runner.value)
    for leak in [Leak(runner.value), Leak(handle: runner.accessor)] {
      let error = await #expect(throws: CapabilityError.self) { try await provider.identify(leak) }
      #expect(error?.class == .unsafe)
    }
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.delete(CredentialRef(runner.accessor), under: .forTests())
    }
    #expect(error?.class == .unsafe)
    #expect(try await provider.existing().contains(CredentialRef(runner.accessor)))
  }

  /// Asked about an empty token, the server tells of the one that asks.
  @Test func `an empty value is nobody's token`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider().identify(Leak(Secret("")))
    }
    #expect(error?.class == .notFound)
  }

  /// The trap: whoever takes the answer for a revocation calls a token dead that lives on at another server.
  @Test func `a token that never existed is revoked with 204, and that is no revocation here`() async throws {
    let never = "s." + UUID().uuidString.replacing("-", with: "")
    #expect(
      try await world.server.answer("POST", "auth/token/revoke", ["token": .string(never)]).status == 204)
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider().identify(Leak(Secret(never)))
    }
    #expect(error?.class == .notFound)
    #expect(error?.because == "the server knows no such token: it has ended, or is another server's")
    #expect(error?.fix == "check base_url and namespace in staunch.yaml")
  }

  @Test func `a token of another namespace is told by its namespace`() async throws {
    let leaked = try await world.server.makeToken(["default"])
    let other = try await VaultWorld()
    let error = await #expect(throws: CapabilityError.self) {
      try await other.provider().identify(Leak(leaked.value))
    }
    #expect(error?.class == .notFound)
    #expect(error?.because == "it is a token of the namespace \(world.server.namespace ?? "")")
    let byAccessor = await #expect(throws: CapabilityError.self) {
      try await other.provider().identify(Leak(handle: leaked.accessor))
    }
    #expect(byAccessor?.class == .notFound)
    let revoked = await #expect(throws: CapabilityError.self) {
      try await other.provider().delete(CredentialRef(leaked.accessor), under: .forTests())
    }
    #expect(revoked?.class == .configuration)
    #expect(try await other.provider().verify(leaked.value, ref: nil).state == .alive)
  }

  @Test func `a batch token cannot be revoked, which is said with its end`() async throws {
    let made = try await world.server.call(
      "POST", "auth/token/create", ["type": "batch", "policies": ["default"], "ttl": "1h"])
    let leaked = Secret(made["client_token"]?.string ?? "")
    let provider = try world.provider()
    let error = await #expect(throws: CapabilityError.self) { try await provider.identify(Leak(leaked)) }
    #expect(error?.class == .unsupported)
    #expect(error?.because.contains("it ends by itself at ") == true)
    #expect(try await provider.verify(leaked, ref: nil).state == .alive)
  }

  @Test func `a root token is not replaced by another root token`() async throws {
    let leaked = try await world.root.makeToken(["root"])
    let provider = try VaultWorld.provider(world.root)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issue(
        IssueOrder(marker: "m", replacing: Leak(leaked.value)), under: .forTests())
    }
    #expect(error?.class == .unsafe)
    let ref = CredentialRef(leaked.accessor)
    #expect(try await provider.inspect(ref).facts["privilege"] == "root")
    #expect(
      try await provider.reach(ref).allows(.read, ResourceName("vault:\(world.root.url)/secret/app")) == true)
    try await provider.delete(ref, under: .forTests())
  }

  @Test func `names that a token's maker chose are neither told nor believed`() async throws {
    let leaked = try await world.server.makeToken(
      ["default"], ["display_name": "mallory-was-here", "meta": ["staunch": "staunch-run-1"]])
    let provider = try world.provider()
    let ref = CredentialRef(leaked.accessor)
    var told = "\(try await provider.inspect(ref)) \(try await provider.successors(ref, since: nil))"
    told += "\(try await provider.searchAbuse(ref, since: nil))"
    #expect(!told.contains("mallory") && !told.contains("staunch-run-1"))
    // With a forged marker it is found as what a lost call left, which is only ever taken away.
    #expect(try await provider.issued(marker: "staunch-run-1", before: []) == [ref])
  }

  // MARK: rights and reach

  @Test func `the rights that doctor lists are enough for all of it`() async throws {
    let runner = try await world.server.makeToken([try await world.runnerPolicy()], ["ttl": "48h"])
    let provider = try world.provider(as: runner.value)
    for need in await provider.readiness() {
      guard case .ready = need.verdict else {
        Issue.record("\(need)")
        continue
      }
    }
    let leaked = try await world.server.makeToken(
      [try await world.server.makePolicy(["secret/data/app": ["read"]])])
    let subject = try await provider.identify(Leak(leaked.value))
    _ = try await provider.inspect(subject.identity)
    _ = try await provider.successors(subject.identity, since: nil)
    let reach = try await provider.reach(subject.identity)
    #expect(!reach.grants.isEmpty)
    let issued = try await provider.issue(
      IssueOrder(marker: "m", replacing: Leak(leaked.value)), under: .forTests())
    try await provider.disable(
      subject.identity, leaked: leaked.value, replacedBy: issued.ref, under: .forTests())
    #expect(try await provider.verify(leaked.value, ref: nil).state == .dead)
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
  }

  @Test func `a right that is missing, a short life and a parent are said`() async throws {
    let policy = try await world.server.makePolicy(["auth/token/lookup": ["update"]])
    let made = try await world.server.call(
      "POST", "auth/token/create", ["policies": [.string(policy)], "ttl": "30m"])
    let needs = try await world.provider(as: Secret(made["client_token"]?.string ?? "")).readiness()
    let verdict = needs.first { $0.what == "revoking" }?.verdict
    #expect(
      verdict
        == .missing(
          because: "the runner's token lacks update on auth/token/revoke-accessor",
          fix: "add to its policy: path \"auth/token/revoke-accessor\" { capabilities = [\"update\"] }"))
    let said = needs.map { "\($0.verdict)" }.joined()
    #expect(said.contains("it ends in "))
    #expect(said.contains("child, and ends if that one"))
  }

  @Test func `what a token reads is told as the stores spell it`() async throws {
    let url = world.server.url
    let namespace = world.server.namespace ?? ""
    func reach(_ text: String) async throws -> Reach {
      let name = "policy-" + UUID().uuidString.prefix(8).lowercased()
      try await world.server.call("PUT", "sys/policies/acl/\(name)", ["policy": .string(text)])
      let token = try await world.server.makeToken([name], ["no_default_policy": true])
      return try await world.provider().reach(CredentialRef(token.accessor))
    }
    func name(_ path: String) -> ResourceName { ResourceName("vault:\(url)/\(namespace)/\(path)") }
    let plain = try await reach(
      """
      # path "secret/data/no" { capabilities = ["read"] }
      path "secret/data/app" { capabilities = ["read", "list"] } // and no more
      /* path "secret/data/no" { capabilities = ["read"] } */
      path "secret/data/team/*" {
        allowed_parameters = { "note" = ["a", "}"] }
        capabilities = ["create", "update"]
      }
      """)
    #expect(plain.allows(.read, name("secret/app")) == true)
    #expect(plain.allows(.change, name("secret/app")) == nil)
    #expect(plain.allows(.read, name("secret/no")) == nil)
    #expect(plain.allows(.change, name("secret/team/x")) == true)
    #expect(plain.allows(.read, name("secret/team/x")) == nil)
    // As JSON, and by a prefix of the engine's data.
    let wide = try await reach(#"{"path": {"secret/da*": {"capabilities": ["read"]}}}"#)
    #expect(wide.allows(.read, name("secret/app")) == true)
    // A narrower rule takes the right away: nobody can say.
    let narrowed = try await reach(
      """
      path "secret/*" { capabilities = ["read"] }
      path "secret/data/app" { capabilities = ["deny"] }
      """)
    #expect(narrowed.allows(.read, name("secret/app")) == nil)
    let patterned = try await reach("path \"secret/data/+/app\" { capabilities = [\"read\"] }")
    #expect(patterned.allows(.read, name("secret/x/app")) == nil)
  }
}

@Suite struct VaultTokenContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(VaultTokenFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(VaultTokenFixture.self)
  }
}

private struct VaultTokenFixture: ContractFixture {
  static let against = "a real server"
  let transport: ShakyTransport
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let world = try await VaultWorld()
    let transport = ShakyTransport()
    let leaked = try await world.server.makeToken(["default"], ["ttl": "1h"])
    return Self(
      transport: transport, provider: try world.provider(over: transport),
      leak: Leak(leaked.value, handle: leaked.accessor))
  }

  func loseNextReply() -> Bool {
    transport.losesReply.withLock { $0 = true }
    return true
  }

  func refuseNextCall() -> Bool {
    transport.isBusy.withLock { $0 = true }
    return true
  }
}

/// A namespace of a real OpenBao server.
private struct VaultWorld {
  let root: OpenBaoServer
  let server: OpenBaoServer

  init() async throws {
    root = try OpenBaoServer.shared()
    server = try await root.makeNamespace()
  }

  func provider(
    _ more: [String: JSONValue] = [:], as token: Secret? = nil, over http: any HTTPTransport = CurlTransport()
  ) throws -> any CredentialProvider {
    try Self.provider(server, more, as: token, over: http)
  }

  static func provider(
    _ server: OpenBaoServer, _ more: [String: JSONValue] = [:], as token: Secret? = nil,
    over http: any HTTPTransport = CurlTransport()
  ) throws -> any CredentialProvider {
    var settings: [String: JSONValue] = ["base_url": .string(server.url), "admin_token": "env:ADMIN"]
    if let namespace = server.namespace { settings["namespace"] = .string(namespace) }
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "vault", kind: VaultToken.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: http, secrets: ["env:ADMIN": token ?? server.root]))
  }

  /// What doctor lists.
  func runnerPolicy() async throws -> String {
    try await server.makePolicy([
      "auth/token/lookup": ["update"], "auth/token/lookup-accessor": ["update"],
      "auth/token/revoke-accessor": ["update"], "auth/token/accessors/": ["list", "sudo"],
      "auth/token/create-orphan": ["update", "sudo"], "sys/policies/acl/*": ["read"],
      "sys/capabilities-accessor": ["update"],
    ])
  }

  /// What the server says of a token.
  func look(_ ref: CredentialRef) async throws -> JSONValue {
    try await server.call("POST", "auth/token/lookup-accessor", ["accessor": .string(ref.rawValue)])
  }
}
