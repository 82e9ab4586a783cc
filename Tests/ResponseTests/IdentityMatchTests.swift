import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Simulators
import StaunchConfiguration
import ResponseSupport
import Testing

@testable import Response

/// A finding reaches its target by identity, not by route alone.
@Suite struct IdentityMatchTests {
  private struct World {
    var configuration = Configuration(file: "staunch.yaml")
    var targets = Targets()

    /// An entry of staunch.yaml whose provider is played by a simulator.
    mutating func add(
      _ name: CredentialName, kind: String, _ provider: any CredentialProvider,
      settings: [String: JSONValue] = [:], leaks: [CredentialKind] = []
    ) {
      configuration.credentials[name] = Configuration.Credential(
        target: TargetConfiguration(name: name.rawValue, kind: kind, settings: settings, position: "1:1"),
        store: nil, key: "KEY", consumers: [], leaks: leaks)
      targets.credentials[name] = Targets.Credential(provider: provider, store: nil, key: "KEY")
    }

    var match: IdentityMatch { IdentityMatch(configuration: configuration, targets: targets) }
  }

  private func incident(_ kind: CredentialKind, value: String?, handle: String? = nil) throws -> Incident {
    var finding = Finding(
      source: .manual, kind: kind, detector: Detector(rule: "r"), observedAt: Date(timeIntervalSince1970: 0))
    finding.handle = handle
    finding.secret = value.map { Secret($0) }
    let key = FingerprintKey(SecretBytes(copying: Array(repeating: 1, count: 32)))
    return try #require(
      IncidentGrouping.group([finding], key: key, now: Date(timeIntervalSince1970: 0)).first)
  }

  private let calm = ScriptedConditions()

  @Test func `two credentials of one kind are told apart by asking their providers`() async throws {
    var world = World()
    world.add("ml", kind: "openai", SimulatedKeyPair(conditions: calm))
    world.add("web", kind: "openai", SimulatedHandIssued(conditions: calm))
    let leak = try incident("openai_api_key", value: "token-leaked-00000000")
    #expect(world.match.candidates(for: leak) == ["ml", "web"])
    #expect(await world.match.answer(for: leak, values: leak.values.map(\.secret)) == .one("web"))
  }

  @Test func `one entry is for every token of a kind, where the provider knows whose each is`() async throws {
    var world = World()
    world.add(
      "any-token", kind: "generic", SimulatedHandIssued(conditions: calm), leaks: ["github_pat_classic"])
    for value in ["token-leaked-00000000", "token-innocent-000000"] {
      let leak = try incident("github_pat_classic", value: value)
      #expect(await world.match.answer(for: leak, values: leak.values.map(\.secret)) == .one("any-token"))
    }
  }

  @Test func `a leak that nobody knows is said to be nobody's, and one that nobody could judge is not`()
    async throws
  {
    var world = World()
    world.add("ml", kind: "openai", SimulatedKeyPair(conditions: calm))
    let leak = try incident("openai_api_key", value: "a stranger's value")
    #expect(await world.match.answer(for: leak, values: leak.values.map(\.secret)) == .none(["ml"]))
    calm.set { $0.tooManyRequests = 1 }
    guard
      case .undecided(let reasons) = await world.match.answer(for: leak, values: leak.values.map(\.secret))
    else {
      Issue.record("429 was taken for an answer")
      return
    }
    #expect(reasons["ml"] == "too many requests (HTTP 429)")
  }

  @Test func `several that know it are a person's question`() async throws {
    var world = World()
    world.add("one", kind: "openai", SimulatedKeyPair(conditions: calm))
    world.add("other", kind: "openai", SimulatedKeyPair(conditions: calm))
    let leak = try incident("openai_api_key", value: "pair-leaked-0000000000")
    #expect(
      await world.match.answer(for: leak, values: leak.values.map(\.secret)) == .several(["one", "other"]))
  }

  @Test func `an entry of another account is for the kind and no candidate`() throws {
    var world = World()
    world.add(
      "db", kind: "postgres", SimulatedKeyPair(conditions: calm),
      settings: ["host": "db1", "role": "app", "database": "app"])
    let leak = try incident("postgres_uri", value: "a password", handle: "svc@db2/shop")
    #expect(world.match.entries(for: leak) == ["db"])
    #expect(world.match.candidates(for: leak).isEmpty)
  }

  @Test func `an id without a value finds its credential too`() async throws {
    var world = World()
    world.add("iam", kind: "generic", SimulatedKeyPair(conditions: calm), leaks: ["aws_access_key"])
    let leak = try incident("aws_access_key", value: nil, handle: "AKIASIMULATED000")
    #expect(await world.match.answer(for: leak, values: []) == .one("iam"))
  }

  @Test func `the ready line for staunch yaml says what the leak says of itself`() throws {
    #expect(
      try ReadyEntry(kind: "postgres_uri", handle: "svc@db1.example:6432/app").line()
        == "svc: {kind: postgres, host: db1.example, port: 6432, database: app, role: svc, admin_user: ADMIN_USER, "
        + "store: STORE, key: KEY}")
    #expect(
      try ReadyEntry(kind: "pypi_token", handle: nil).line()
        == "pypi-token: {kind: generic, leaks: [pypi_token], store: STORE, key: KEY}")
    #expect(
      try ReadyEntry(kind: "sendgrid_api_key", handle: nil).line()
        == "sendgrid-api-key: {kind: sendgrid, admin_key: env:ADMIN_KEY, scope: SCOPE, store: STORE, key: KEY}",
      "a provider that a file describes")
    #expect(
      try ReadyEntry(
        kind: "gcp_service_account_key", handle: "app@shop-1.iam.gserviceaccount.com/0123abcd"
      ).line()
        == "app: {kind: gcp_service_account_key, project: shop-1, "
        + "account: \"app@shop-1.iam.gserviceaccount.com\", store: STORE, key: KEY}")
    #expect(
      try ReadyEntry(kind: "azure_storage_key", handle: "shopstore").line()
        == "shopstore: {kind: azure_storage_key, subscription: SUBSCRIPTION, resource_group: RESOURCE_GROUP, "
        + "account: shopstore, store: STORE, key: KEY}")
  }

  @Test(arguments: [
    ("AKIA0123", "AKIA0123"), ("x; rm -rf ~", "'x; rm -rf ~'"), ("$(id)", "'$(id)'"), ("it's", #"'it'\''s'"#),
    ("-rf", "'-rf'"),
  ])
  func `an id of a report is one word of the command that is printed`(id: String, word: String) {
    #expect(PlanMaker.shellWord(id) == word)
  }

  @Test
  func
    `the ready line's name is not one that stands in staunch yaml already, and a user named true stays text`()
    throws
  {
    let entry = ReadyEntry(kind: "postgres_uri", handle: "svc@db2/app", taken: ["svc", "svc-2"])
    #expect(try entry.line().hasPrefix("svc-3: {"))
    #expect(try ReadyEntry(kind: "postgres_uri", handle: "@db2/app").line().hasPrefix("postgres-uri: {"))
    #expect(try ReadyEntry(kind: "postgres_uri", handle: "null@db2/app").line().contains("role: \"null\""))
  }

  @Test func `the ready line is read back as an entry`() throws {
    let line = try ReadyEntry(kind: "postgres_uri", handle: "svc@db1.example:6432/app").line()
      .replacingOccurrences(of: "store: STORE", with: "store: env")
    let configuration = try ConfigurationReader.read(
      "staunch: 1\nstores:\n  env: {kind: env-file, path: .env}\ncredentials:\n  \(line)\n", file: "s.yaml",
      directory: "/", catalogue: AdapterCatalogue.real)
    #expect(configuration.credentials["svc"]?.target.settings["role"] == "svc")
  }
}
