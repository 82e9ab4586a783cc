import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import Secrets
import Simulators
import TestSupport
import Testing

@Suite struct GCPServiceAccountKeyContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(GCPServiceAccountWorld.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(GCPServiceAccountWorld.self)
  }
}

/// Against the simulator of ``GCPServiceAccountWorld``, over libcurl.
@Suite struct GCPServiceAccountKeyTests {
  private typealias World = GCPServiceAccountWorld
  private static let signature = World.refusal("invalid_grant", "Invalid JWT Signature.")

  private func verdict(_ world: World) async throws -> CredentialProbe {
    try await world.provider.verify(Secret(world.keys.leaked.pem), ref: CredentialRef("doc-0"))
  }

  // MARK: verdicts

  @Test func `a disabled and a deleted key are dead, each with its cause`() async throws {
    let world = try await World.make()
    #expect(try await verdict(world).state == .alive)
    let ref = CredentialRef("doc-0")
    try await world.provider.disable(ref, leak: world.leak, replacedBy: nil, under: .forTests())
    let disabled = try await verdict(world)
    #expect(disabled.code == "400 invalid_grant (Invalid JWT Signature), the key is disabled")
    #expect(disabled.evidence?.controls == 2)
    try await world.provider.delete(ref, under: .forTests())
    #expect(try await verdict(world).code == "400 invalid_grant (Invalid JWT Signature), the key is deleted")
    #expect(try await verdict(world).state == .dead)
  }

  @Test(
    arguments: [
      (
        "invalid_grant",
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
        "400 invalid_grant (the clock of this machine and Google's differ)"
      ),
      (
        "invalid_grant", "Invalid JWT Signature.",
        "400 invalid_grant (Invalid JWT Signature), but IAM says that the key is enabled"
      ),
      (
        "disabled_client", "The OAuth client was disabled.",
        "400 invalid_grant (account disabled), but IAM says that the key is enabled"
      ),
      (
        "invalid_grant", "Invalid JWT: Failed audience check.",
        "400 invalid_grant, for another reason than the key"
      ),
      ("invalid_scope", "Empty or missing scope not allowed.", "400"),
    ])
  func `a refusal that IAM does not explain is unknown, with the reason`(
    error: String, words: String, code: String
  ) async throws {
    let world = try await World.make()
    world.set { $0.grant = World.refusal(error, words) }
    #expect(try await verdict(world) == CredentialProbe(.unknown, code: code))
  }

  @Test func `an account that is switched off kills no key, unless that was what a person chose`()
    async throws
  {
    let off = World.refusal("disabled_client", "The OAuth client was disabled.")
    let world = try await World.make()
    world.set {
      $0.grant = off
      $0.isAccountDisabled = true
    }
    let probe = try await verdict(world)
    #expect(probe.state == .unknown)
    #expect(probe.code.hasSuffix("only the account is disabled: the key works again when it is enabled"))
    let chosen = try await World(["access_tokens": "disable-account"])
    chosen.set {
      $0.grant = off
      $0.isAccountDisabled = true
    }
    #expect(try await verdict(chosen).state == .dead)
    #expect(try await verdict(chosen).code == "400 invalid_grant (account disabled), the account is disabled")
  }

  @Test func `IAM that does not answer makes no death, and neither does a gateway that refuses everybody`()
    async throws
  {
    let world = try await World.make()
    world.set {
      $0.grant = Self.signature
      $0.first = { $0.path.hasPrefix("/v1/") ? .json(503, "{}") : nil }
    }
    let probe = try await verdict(world)
    #expect(probe.state == .unknown)
    #expect(probe.code.hasSuffix("but IAM gives no answer (server_error)"))
    // A proxy's 404 is no word of Google's.
    world.set { $0.first = { $0.path.hasPrefix("/v1/") ? .json(404, "<html>") : nil } }
    #expect(try await verdict(world).code.hasSuffix("but IAM gives no answer (not_found)"))
    world.set {
      $0.grant = .json(400, "<html>")
      $0.first = { _ in nil }
    }
    #expect(try await verdict(world) == CredentialProbe(.unknown, code: "400"))
  }

  @Test func `the whole file and its private key alone are the same leak`() async throws {
    let world = try await World.make()
    let file = Secret(World.file("doc-0", world.keys))
    let escaped = Secret(world.keys.leaked.pem.replacing("\n", with: "\\n"))
    for value in [file, Secret(world.keys.leaked.pem), escaped] {
      #expect(try await world.provider.identify(Leak(value)).identity.rawValue == "doc-0")
      #expect(
        try await world.provider.identify(Leak(value, handle: "SHA256:a/b")).identity.rawValue == "doc-0")
      #expect(try await world.provider.verify(value, ref: nil).state == .alive)
    }
  }

  @Test func `the address that a file names is never asked`() async throws {
    let world = try await World.make()
    _ = try await world.provider.verify(Secret(World.file("doc-0", world.keys)), ref: nil)
    #expect(world.server.requests.contains { $0.path == "/token" })
  }

  // MARK: whose it is

  /// The threat: a report that names an innocent key's id.
  @Test func `a file that names another key's id leads to the key whose half it is, and to no other`()
    async throws
  {
    let world = try await World.make()
    let other = try await world.provider.issue(IssueOrder(marker: "m"), under: .forTests())
    let leaked = JSONValue.object([
      "type": "service_account", "client_email": .string(World.account),
      "private_key_id": .string(other.ref.rawValue), "private_key": .string(world.keys.leaked.pem),
    ]).canonicalText
    #expect(try await world.provider.identify(Leak(Secret(leaked))).identity.rawValue == "doc-0")
    try await world.provider.delete(CredentialRef("doc-0"), under: .forTests())
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.identify(Leak(Secret(leaked)))
    }
    #expect(error?.class == .notFound)
  }

  @Test func `another account's file and a wrong project are told apart`() async throws {
    let world = try await World.make()
    let stranger = Secret(World.file("doc-0", world.keys, email: "x@other.iam.gserviceaccount.com"))
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.identify(Leak(stranger))
    }
    #expect(error?.because == "it is of another account than \(World.account)")
    #expect(try await world.provider.verify(stranger, ref: nil).state == .unknown)
    let elsewhere = try await World(["project": "other-project"])
    let missing = await #expect(throws: CapabilityError.self) {
      try await elsewhere.provider.identify(elsewhere.leak)
    }
    #expect(missing?.class == .notFound)
    #expect(missing?.because == "there is no such account in project other-project")
  }

  @Test func `the key that the runner logs in with is neither taken for a leak nor stopped`() async throws {
    let keys = try await GoogleKeys.shared()
    let world = try await World(
      ["login_key": "env:KEY"], secrets: ["env:KEY": Secret(World.file("doc-0", keys))])
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.identify(world.leak)
    }
    #expect(error?.class == .unsafe)
    let stopping = await #expect(throws: CapabilityError.self) {
      try await world.provider.disable(
        CredentialRef("doc-0"), leak: world.leak, replacedBy: nil, under: .forTests())
    }
    #expect(stopping?.class == .unsafe)
    #expect(world.posts.isEmpty)
    let both = await #expect(throws: CapabilityError.self) {
      _ = try await World(["login_key": "env:KEY", "login_token": "env:LOGIN"])
    }
    #expect(both?.class == .configuration)
  }

  // MARK: changes

  @Test func `a lost reply of stopping is settled by asking, and nothing is sent again`() async throws {
    let world = try await World.make()
    _ = world.loseNextReply()
    try await world.provider.disable(
      CredentialRef("doc-0"), leak: world.leak, replacedBy: nil, under: .forTests())
    try await world.provider.disable(
      CredentialRef("doc-0"), leak: world.leak, replacedBy: nil, under: .forTests())
    #expect(world.posts == ["\(World.accountPath)/keys/doc-0:disable"])
    world.front.conditions.set { $0.lostRequests = 1 }
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.delete(CredentialRef("doc-0"), under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
  }

  @Test func `a full account is a conflict that names the oldest key, and too many calls are not`()
    async throws
  {
    let world = try await World.make()
    for _ in 1..<10 { _ = try await world.provider.issue(IssueOrder(marker: "m"), under: .forTests()) }
    let full = await #expect(throws: CapabilityError.self) {
      try await world.provider.issue(IssueOrder(marker: "m"), under: .forTests())
    }
    #expect(full?.class == .conflict)
    #expect(full?.because == "the account has 10 keys, and no more are allowed; the oldest is doc-0")
    try await world.provider.delete(CredentialRef("doc-0"), under: .forTests())
    world.set {
      $0.first = { $0.method == "POST" ? World.error(429, "RESOURCE_EXHAUSTED") : nil }
    }
    let busy = await #expect(throws: CapabilityError.self) {
      try await world.provider.issue(IssueOrder(marker: "m"), under: .forTests())
    }
    #expect(busy?.class == .rateLimit)
  }

  @Test func `a policy that forbids keys is said, with what to look at`() async throws {
    let world = try await World.make()
    world.set { $0.first = { $0.method == "POST" ? World.error(400, "FAILED_PRECONDITION") : nil } }
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.issue(IssueOrder(marker: "m"), under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(error?.fix?.contains("iam.disableServiceAccountKeyCreation") == true)
  }

  @Test func `an API that is switched off is the entry's fault`() async throws {
    let world = try await World.make()
    world.set {
      $0.first = { request in
        request.path == "/token"
          ? nil
          : .json(
            403,
            #"{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}"#)
      }
    }
    let error = await #expect(throws: CapabilityError.self) { try await world.provider.existing() }
    #expect(error?.class == .configuration)
  }

  // MARK: what outlives it

  /// A hard truth: the access token that was drawn before lives on, whatever becomes of the key.
  @Test func `access tokens outlive the key, which is said, unless a person chose to switch the account off`()
    async throws
  {
    let world = try await World.make()
    let facts = try await world.provider.inspect(CredentialRef("doc-0")).facts
    #expect(
      facts["survives"]?.string?.contains("access tokens that were drawn with it, for up to an hour") == true)
    #expect(world.provider.capabilities.sessions == .none)
    _ = try await world.provider.endSessions(CredentialRef("doc-0"), before: Date(), under: .forTests())
    #expect(world.posts.isEmpty)
    let chosen = try await World(["access_tokens": "disable-account"])
    #expect(chosen.provider.capabilities.sessions == .end)
    for _ in 0..<2 {
      _ = try await chosen.provider.endSessions(CredentialRef("doc-0"), before: Date(), under: .forTests())
    }
    #expect(chosen.posts == ["\(World.accountPath):disable"])
    #expect(try await chosen.provider.inspect(CredentialRef("doc-0")).facts["account_disabled"] == true)
  }

  /// The threat: the holder has made keys and more, under names of their own.
  @Test
  func `keys made since and what the log says that it made are named, and names of others are not shown`()
    async throws
  {
    let world = try await World.make()
    let mine = try await world.provider.issue(IssueOrder(marker: "m"), under: .forTests())
    world.set {
      $0.entries = [
        [
          "timestamp": "2026-11-21T00:00:00Z",
          "protoPayload": [
            "methodName": "google.iam.admin.v1.CreateServiceAccountKey",
            "resourceName": "projects/-/serviceAccounts/1032",
            "requestMetadata": ["callerIp": "198.51.100.7"],
          ],
        ],
        [
          "timestamp": "2026-11-21T00:00:01Z",
          "protoPayload": ["methodName": "storage.buckets.create", "resourceName": "\u{1b}[2Jyours"],
        ],
      ]
    }
    let since = Date(timeIntervalSince1970: 1_793_491_200)  // 2026-11-01
    let made = try await world.provider.successors(CredentialRef("doc-0"), since: since)
    #expect(
      made.found.map { "\($0.ref): \($0.what)" } == [
        "\(mine.ref): key of \(World.account), made by Google",
        "projects/-/serviceAccounts/1032: made or changed by google.iam.admin.v1.CreateServiceAccountKey",
        "unreadable: made or changed by storage.buckets.create",
      ])
    #expect(made.covered == nil)
    let asked = try #require(world.server.requests.last { $0.path == "/v2/entries:list" })
    let filter = try JSONValue(parsing: asked.body)["filter"]?.string ?? ""
    #expect(
      filter.hasPrefix(
        "protoPayload.authenticationInfo.serviceAccountKeyName=\"//iam.googleapis.com/projects/shop-project/"
          + "serviceAccounts/\(World.account)/keys/doc-0\" AND timestamp>=\"2026-11-01T00:00:00.000Z\""))
  }

  @Test func `a call from nowhere expected is abuse, and that none is seen says nothing`() async throws {
    let entry: JSONValue = [
      "protoPayload": [
        "methodName": "storage.objects.get", "requestMetadata": ["callerIp": "198.51.100.7"],
      ]
    ]
    let world = try await World(["expected_clients": ["10.0.0.0/8"]])
    world.set { $0.entries = [entry, entry] }
    let report = try await world.provider.searchAbuse(CredentialRef("doc-0"), since: nil)
    #expect(report.seen == true)
    #expect(report.findings.first == "2 calls from 198.51.100.7: storage.objects.get, not expected")
    world.set { $0.entries = [] }
    #expect(try await world.provider.searchAbuse(CredentialRef("doc-0"), since: nil).seen == nil)
  }

  // MARK: rights

  @Test func `doctor asks for each right, both ways`() async throws {
    let world = try await World.make()
    func missing() async -> [String: String] {
      var found: [String: String] = [:]
      for need in await world.provider.readiness() {
        if case .missing(let because, _) = need.verdict { found[need.what] = because }
      }
      return found
    }
    let enough: Set<String> = [
      "iam.serviceAccounts.get", "iam.serviceAccountKeys.list", "iam.serviceAccountKeys.get",
      "iam.serviceAccountKeys.disable", "iam.serviceAccountKeys.delete", "iam.serviceAccountKeys.create",
      "logging.logEntries.list", "logging.privateLogEntries.list",
    ]
    world.set { $0.permissions = enough }
    #expect(await missing().isEmpty)
    world.set { $0.permissions = enough.subtracting(["iam.serviceAccountKeys.create"]) }
    #expect(await missing() == ["making keys": "the runner lacks iam.serviceAccountKeys.create"])
    world.set { $0.permissions = enough.union(["iam.serviceAccounts.actAs"]) }
    #expect(
      await missing() == ["least privilege": "the runner has iam.serviceAccounts.actAs, which no run needs"])
  }

  @Test(arguments: [("project", "a/b"), ("account", "app"), ("access_tokens", "forever")])
  func `a setting that cannot be is refused before anything is asked`(key: String, value: String) async throws
  {
    let error = await #expect(throws: CapabilityError.self) { _ = try await World([key: .string(value)]) }
    #expect(error?.class == .configuration)
  }
}
