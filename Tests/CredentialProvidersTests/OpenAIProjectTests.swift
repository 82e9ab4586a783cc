import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// Against the simulation in TestSupport, over libcurl.
@Suite struct OpenAIProjectTests {
  private let api: OpenAISimulation
  private let provider: OpenAIProject

  init() throws {
    api = try OpenAISimulation()
    provider = try Self.provider(api)
  }

  private static func provider(_ api: OpenAISimulation, _ more: [String: JSONValue] = [:], now: Date? = nil)
    throws
    -> OpenAIProject
  {
    let settings: [String: JSONValue] = [
      "base_url": .string(api.url), "project": .string(api.project), "admin_key": "env:ADMIN",
    ]
    return try OpenAIProject(
      TargetConfiguration(
        name: "openai", kind: "openai", settings: settings.merging(more) { _, new in new }, position: "s:1:1"),
      in: .forTests(
        http: CurlTransport(), secrets: ["env:ADMIN": Secret(api.adminKey)], now: { now ?? Date() }))
  }

  @Test func `the whole rotation: found, replaced, deleted, dead, and the new one alive`() async throws {
    _ = api.addKey()
    _ = api.addKey(account: "other")
    let leaked = api.addKey()
    let secret = Secret(leaked.value)
    let ref = try await provider.identify(secret)
    #expect(ref.rawValue == leaked.id)
    #expect(try await provider.verify(secret, ref: ref).state == .alive)
    let issued = try await provider.issue(marker: "staunch-run-1-issue-1", generated: nil, under: .forTests())
    #expect(api.accountNames.contains("staunch-run-1-issue-1"))
    try await provider.disable(ref, leaked: secret, replacedBy: issued.ref, under: .forTests())
    #expect(
      try await provider.verify(secret, ref: ref) == CredentialProbe(.dead, code: "401 invalid_api_key"))
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    #expect(api.keyIDs.contains(issued.ref.rawValue))
    #expect(!api.keyIDs.contains(leaked.id))
  }

  @Test func `of an account with several keys the leaked one alone is deleted`() async throws {
    let leaked = api.addKey(account: "shared")
    let other = api.addKey(account: "shared")
    let ref = try await provider.identify(Secret(leaked.value))
    try await provider.disable(ref, leaked: Secret(leaked.value), replacedBy: nil, under: .forTests())
    #expect(api.keyIDs == [other.id])
    #expect(api.accountNames == ["shared"])
    #expect(try await provider.verify(Secret(other.value), ref: nil).state == .alive)
  }

  /// An account that people have made is theirs; one that a run has made is a leftover without its key.
  @Test(arguments: [("trainer", ["trainer"]), ("staunch-run-1-issue-1", [])])
  func `an account that lost its last key stays, unless a run made it`(name: String, left: [String])
    async throws
  {
    let leaked = api.addKey(account: name)
    for _ in 0..<2 { try await provider.delete(CredentialRef(leaked.id), under: .forTests()) }
    #expect(api.keyIDs.isEmpty)
    #expect(api.accountNames == left)
  }

  @Test func `where the API refuses to delete a service account's key alone, its account is deleted`()
    async throws
  {
    api.refuseSingleKeys()
    let leaked = api.addKey(account: "trainer")
    let ref = try await provider.identify(Secret(leaked.value))
    try await provider.disable(ref, leaked: Secret(leaked.value), replacedBy: nil, under: .forTests())
    #expect(api.keyIDs.isEmpty)
    #expect(api.accountNames.isEmpty)
  }

  @Test func `an account with other keys is not deleted for one that the API refuses to delete alone`()
    async throws
  {
    api.refuseSingleKeys()
    let leaked = api.addKey(account: "shared")
    let other = api.addKey(account: "shared")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.delete(CredentialRef(leaked.id), under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(error?.because.contains(other.id) == true)
    #expect(api.keyIDs.count == 2)
  }

  @Test(arguments: [
    (500, CapabilityError.Class.unknownOutcome), (503, .serverError), (429, .rateLimit), (401, .refused),
  ])
  func `a failure that is no refusal of the key costs no account`(
    status: Int, expected: CapabilityError.Class
  )
    async throws
  {
    let leaked = api.addKey(account: "trainer")
    api.answer("DELETE", "/v1/organization/projects/\(api.project)/api_keys/\(leaked.id)", with: status)
    if status == 401 {
      api.answer(
        "DELETE", "/v1/organization/projects/\(api.project)/service_accounts/svc_acct_1", with: status)
    }
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.delete(CredentialRef(leaked.id), under: .forTests())
    }
    #expect(error?.class == expected)
    #expect(api.accountNames == ["trainer"])
    #expect(api.keyIDs == [leaked.id])
  }

  @Test func `a new key has the scopes and the lifetime of the entry, and no other key beside it`()
    async throws
  {
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    let limited = try Self.provider(
      api, ["scopes": ["api.model.read", "api.model.request"], "expires_in_seconds": 7_776_000], now: now)
    let issued = try await limited.issue(marker: "staunch-m", generated: nil, under: .forTests())
    #expect(api.keyIDs == [issued.ref.rawValue])
    let grant = try #require(api.grant(of: issued.ref.rawValue))
    #expect(grant.scopes == ["api.model.read", "api.model.request"])
    #expect(grant.lifetime == 7_776_000)
    #expect(issued.material.expiry == now.addingTimeInterval(7_776_000))
    #expect(try await limited.verify(issued.secret, ref: issued.ref).state == .alive)
    // One that may not list models is alive, too.
    let narrow = try Self.provider(api, ["scopes": ["api.model.request"]])
    let other = try await narrow.issue(marker: "staunch-n", generated: nil, under: .forTests())
    #expect(other.material.expiry == nil)
    #expect(try await narrow.verify(other.secret, ref: other.ref).state == .alive)
  }

  @Test func `a lifetime alone is that of the key that comes with the account`() async throws {
    let limited = try Self.provider(api, ["expires_in_seconds": 3600])
    let issued = try await limited.issue(marker: "staunch-m", generated: nil, under: .forTests())
    let grant = try #require(api.grant(of: issued.ref.rawValue))
    #expect(grant.scopes == nil && grant.lifetime == 3600)
    #expect(throws: CapabilityError.self) { try Self.provider(api, ["expires_in_seconds": 0]) }
  }

  @Test func `a scoped key that is refused leaves no account`() async throws {
    let limited = try Self.provider(api, ["scopes": ["api.nonsense"]])
    let accounts = "/v1/organization/projects/\(api.project)/service_accounts"
    api.answer("POST", accounts + "/svc_acct_1/api_keys", with: 400)
    let error = await #expect(throws: CapabilityError.self) {
      try await limited.issue(marker: "staunch-m", generated: nil, under: .forTests())
    }
    #expect(error?.class == .invalid)
    #expect(api.accountNames.isEmpty)
    // Not even deleted: it is found by its name when the run ends.
    api.answer("POST", accounts + "/svc_acct_2/api_keys", with: 400)
    api.answer("DELETE", accounts + "/svc_acct_2", with: 403)
    let left = await #expect(throws: CapabilityError.self) {
      try await limited.issue(marker: "staunch-m", generated: nil, under: .forTests())
    }
    #expect(left?.class == .unknownOutcome)
    #expect(try await limited.issued(marker: "staunch-m", before: []).map(\.rawValue) == ["svc_acct_2"])
  }

  @Test func `deleting twice is fine`() async throws {
    let leaked = api.addKey()
    for _ in 0..<2 { try await provider.delete(CredentialRef(leaked.id), under: .forTests()) }
    #expect(api.keyIDs.isEmpty)
  }

  @Test func `a lost reply to issuing is found by its name and removed`() async throws {
    api.loseReply(to: "POST", "/v1/organization/projects/\(api.project)/service_accounts")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issue(marker: "staunch-m", generated: nil, under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
    let orphans = try await provider.issued(marker: "staunch-m", before: [])
    #expect(orphans.count == 1)
    for orphan in orphans { try await provider.delete(orphan, under: .forTests()) }
    #expect(api.accountNames.isEmpty)
    #expect(try await provider.issued(marker: "staunch-m", before: []).isEmpty)
  }

  @Test func `keys that look alike need their id`() async throws {
    let first = "sk-" + "proj-AAAA-end1"
    let second = "sk-" + "proj-BBBB-end1"
    _ = api.addKey(value: first)
    let right = api.addKey(value: second)
    let error = await #expect(throws: CapabilityError.self) { try await provider.identify(Secret(second)) }
    #expect(error?.class == .conflict)
    let told = try Self.provider(api, ["key_id": .string(right.id)])
    #expect(try await told.identify(Secret(second)).rawValue == right.id)
  }

  @Test func `the admin key itself and a stranger's key are refused`() async throws {
    let own = await #expect(throws: CapabilityError.self) {
      try await provider.identify(Secret(api.adminKey))
    }
    #expect(own?.class == .unsafe)
    let stranger = await #expect(throws: CapabilityError.self) {
      try await provider.identify(Secret("sk-strange"))
    }
    #expect(stranger?.class == .notFound)
  }

  @Test(arguments: [
    (401, #"{"error":{"code":"invalid_api_key"}}"#, CredentialState.dead),
    (401, #"{"error":{"code":null}}"#, .dead),
    (401, #"{"error":{"code":"ip_not_authorized"}}"#, .unknown),
    (401, "<html>captive portal</html>", .unknown),
    (403, #"{"error":{"code":"unsupported_country_region_territory"}}"#, .unknown),
    (403, #"{"error":{"code":"missing_scope"}}"#, .alive),
    (429, #"{"error":{"code":"insufficient_quota"}}"#, .unknown),
    (500, "{}", .unknown), (503, "", .unknown), (302, "", .unknown), (200, "{}", .alive),
  ])
  func `a verdict needs the API's own word`(status: Int, body: String, state: CredentialState) async throws {
    let server = try LoopbackServer { request in
      request.path == "/v1/models" ? .json(status, body) : .json(200, #"{"data":[],"has_more":false}"#)
    }
    let provider = try Self.provider(api, ["base_url": .string(server.url)])
    #expect(try await provider.verify(Secret("k"), ref: nil).state == state)
  }

  @Test func `while the API is away nothing is dead`() async throws {
    let server = try LoopbackServer { _ in .hangUp }
    let provider = try Self.provider(api, ["base_url": .string(server.url)])
    #expect(try await provider.verify(Secret("k"), ref: nil) == CredentialProbe(.unknown, code: "network"))
  }

  @Test func `facts name ids and times, never people`() async throws {
    let leaked = api.addKey()
    _ = try await provider.verify(Secret(leaked.value), ref: nil)
    let facts = try await provider.inspect(CredentialRef(leaked.id)).facts
    #expect(facts["owner"] == "user user_1")
    #expect(facts["created"]?.string?.hasPrefix("2026-") == true)
    #expect(facts["last_used"] != nil)
    #expect(!"\(facts)".contains("Person"))
    #expect(!"\(facts)".contains("example.org"))
  }

  // The usage of one key: today is day 20,000 since 1970, noon.
  private static let today = Date(timeIntervalSince1970: 20_000 * 86_400 + 43_200)
  private static func day(_ number: Int) -> Date { Date(timeIntervalSince1970: Double(number) * 86_400) }

  /// - Parameter kept: days that the API still has, today included.
  private func usage(kept: Int, _ requests: [String: [Int: Int]] = [:], without kind: String? = nil) {
    var usage = OpenAISimulation.Usage()
    usage.days = (20_001 - kept)..<20_001
    usage.requests = requests
    if let kind { usage.kinds.remove(kind) }
    api.use(usage)
  }

  private func search(since: Date?, _ settings: [String: JSONValue] = [:]) async throws -> AbuseReport {
    try await Self.provider(api, settings, now: Self.today).searchAbuse(CredentialRef("key_1"), since: since)
  }

  @Test func `coverage is the stretch that the API answered for, not the one that was asked for`()
    async throws
  {
    usage(kept: 30)
    #expect(try await search(since: Self.day(19_900)).covered == Self.day(19_971)...Self.today)
    usage(kept: 100)
    #expect(try await search(since: Self.day(19_990)).covered == Self.day(19_990)...Self.today)
  }

  @Test func `a day whose requests cannot be counted is not a day without requests`() async throws {
    var usage = OpenAISimulation.Usage()
    usage.days = 19_971..<20_001
    usage.uncounted = [19_992]
    api.use(usage)
    let report = try await search(since: Self.day(19_990), ["expected_requests_per_day": 5])
    #expect(report.covered == Self.day(19_993)...Self.today)
  }

  @Test func `an API that answers with no day covers nothing`() async throws {
    usage(kept: 0)
    let report = try await search(since: Self.day(19_990), ["expected_requests_per_day": 5])
    #expect(report.covered == nil)
    #expect(report.seen == nil, "nothing was searched, so nothing was not seen")
  }

  @Test func `the search starts at the first commit, and half a year back when nobody knows it`() async throws
  {
    usage(kept: 400)
    #expect(try await search(since: Self.day(19_950)).covered?.lowerBound == Self.day(19_950))
    #expect(try await search(since: nil).covered?.lowerBound == Self.today.addingTimeInterval(-180 * 86_400))
    #expect(
      try await search(since: Self.day(1)).covered?.lowerBound == Self.today.addingTimeInterval(-180 * 86_400)
    )
  }

  @Test func `a kind of usage that cannot be read is named, and then nothing is covered`() async throws {
    usage(kept: 30, without: "images")
    let report = try await search(since: Self.day(19_990), ["expected_requests_per_day": 5])
    #expect(report.covered == nil)
    #expect(report.seen == nil)
    #expect(report.findings == ["not readable: usage of images"])
  }

  @Test func `usage without a word of what is expected is told, not judged`() async throws {
    usage(kept: 30, ["completions": [19_995: 7], "embeddings": [19_995: 2, 19_996: 1]])
    let report = try await search(since: Self.day(19_990))
    #expect(report.seen == nil)
    #expect(report.findings.prefix(2) == ["9 requests on 2024-09-29", "1 requests on 2024-09-30"])
  }

  @Test(arguments: [(9, false), (8, true)])
  func `a day with more requests than are expected is abuse`(expected: Int, seen: Bool) async throws {
    usage(kept: 30, ["completions": [19_995: 7], "embeddings": [19_995: 2]])
    let report = try await search(
      since: Self.day(19_990), ["expected_requests_per_day": .integer(expected)])
    #expect(report.seen == seen)
    #expect(report.findings.first?.contains("more than the") == seen)
  }

  @Test func `a wrong admin key is a refusal with its remedy, and no key in the text`() async throws {
    let provider = try OpenAIProject(
      TargetConfiguration(
        name: "openai", kind: "openai",
        settings: ["base_url": .string(api.url), "project": "proj_simulated", "admin_key": "env:ADMIN"],
        position: "s:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:ADMIN": Secret("sk-wrong-admin")]))
    let error = await #expect(throws: CapabilityError.self) { try await provider.existing() }
    #expect(error?.class == .refused)
    #expect(error?.fix?.contains("admin_key") == true)
    #expect(error?.requestID == "req_simulated")
    #expect(error?.description.contains("sk-wrong") == false)
  }

  @Test(arguments: [
    (500, CapabilityError.Class.unknownOutcome), (503, .serverError), (429, .rateLimit), (403, .refused),
  ])
  func `a server's failure while issuing is told apart`(status: Int, expected: CapabilityError.Class)
    async throws
  {
    api.answer("POST", "/v1/organization/projects/\(api.project)/service_accounts", with: status)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issue(marker: "m", generated: nil, under: .forTests())
    }
    #expect(error?.class == expected)
    #expect(api.accountNames.isEmpty)
  }

  @Test func `401 for everybody while DELETE did nothing is no death`() async throws {
    let leaked = api.addKey()
    api.keepWhatIsDeleted()
    let ref = try await provider.identify(Secret(leaked.value))
    try await provider.disable(ref, leaked: Secret(leaked.value), replacedBy: nil, under: .forTests())
    api.refuseEveryKey()
    for ref in [ref, nil] {
      let probe = try await provider.verify(Secret(leaked.value), ref: ref)
      #expect(probe.state == .unknown, "\(probe)")
    }
    api.refuseEveryKey(false)
    #expect(try await provider.verify(Secret(leaked.value), ref: ref).state == .alive)
  }

  @Test func `while the admin key is refused too, nothing is dead`() async throws {
    let server = try LoopbackServer { _ in .json(401, #"{"error":{"code":"invalid_api_key"}}"#) }
    let provider = try Self.provider(api, ["base_url": .string(server.url)])
    #expect(try await provider.verify(Secret("k"), ref: nil).state == .unknown)
  }

  @Test func `the control is asked between two refusals`() async throws {
    let probe = try await provider.verify(Secret("sk-" + "gone"), ref: nil)
    #expect(probe.state == .dead)
    #expect(probe.evidence == ProbeEvidence(refusals: 2, controls: 2))
    let paths = api.requests.map(\.path).suffix(4)
    let list = "/v1/organization/projects/\(api.project)/api_keys"
    #expect(Array(paths) == ["/v1/models", list, "/v1/models", list])
  }

  @Test func `the declared propagation time is a minute, and staunch.yaml's word goes before it`() throws {
    #expect(try Self.provider(api).capabilities.propagation == .seconds(60))
    #expect(try Self.provider(api, ["propagation_seconds": 5]).capabilities.propagation == .seconds(5))
    #expect(throws: CapabilityError.self) { try Self.provider(api, ["propagation_seconds": -1]) }
  }
}

@Suite struct OpenAIProjectContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(OpenAIProjectFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(OpenAIProjectFixture.self)
  }
}

private struct OpenAIProjectFixture: ContractFixture {
  static let against = "a mock written from the reference"
  let api: OpenAISimulation
  let provider: any CredentialProvider
  let leak: Leak

  static func make() throws -> Self {
    let api = try OpenAISimulation()
    let key = api.addKey()
    let target = TargetConfiguration(
      name: "it", kind: OpenAIProject.kind,
      settings: ["base_url": .string(api.url), "project": .string(api.project), "admin_key": "env:A"],
      position: "staunch.yaml:1:1")
    return Self(
      api: api,
      provider: try CredentialProviderRegistry.make(
        target, in: .forTests(http: CurlTransport(), secrets: ["env:A": Secret(api.adminKey)])),
      leak: Leak(Secret(key.value), handle: key.id))
  }

  func loseNextReply() -> Bool {
    api.loseReply(to: "POST", "/v1/organization/projects/\(api.project)/service_accounts")
    return true
  }

  func refuseNextCall() -> Bool {
    api.answer("GET", "/v1/models", with: 429)
    return true
  }
}
