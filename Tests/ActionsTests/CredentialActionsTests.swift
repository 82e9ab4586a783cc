import Actions
import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Synchronization
import Testing

@Suite struct CredentialActionsTests {
  private static let inputs: [String: Value] = [
    "credential": .credential("openai"), "secret": .secret("leaked"),
  ]
  private static let issue: [String: Value] = ["credential": .credential("openai"), "store": .store("env")]

  private static func world(_ accepted: [String: String]) -> FakeProvider.World {
    FakeProvider.World(accepted: accepted)
  }

  @Test(arguments: [
    (CredentialProbe(.alive, code: "200"), "alive"), (CredentialProbe(.dead, code: "401"), "dead"),
    (CredentialProbe(.unknown, code: "429"), "unknown"),
  ])
  func `verify answers with the probe and keeps it as evidence`(probe: CredentialProbe, answer: String)
    async throws
  {
    let stage = Stage(provider: FakeProvider(.named, world: .init(probe: probe)))
    let result = try await stage.read("credential.verify", Self.inputs)
    #expect(result.answer == answer)
    #expect(result.outputs["code"] == .string(probe.code))
    #expect(result.probes == [ProbeRecord(credential: "openai", secret: "leaked", probe: probe)])
  }

  @Test func `facts from outside cannot pass for a handle of a secret`() async throws {
    let stage = Stage(provider: FakeProvider(.named, world: Self.world(["key-0": "leaked-value"])))
    let result = try await stage.read("credential.inspect", Self.inputs)
    let facts = try #require(result.outputs["facts"])
    #expect(facts == .record(["owner": .string("batch"), "_secret": .string("forged")]))
    #expect(Value(json: facts.json) == facts)
  }

  /// A search over the last 1000 seconds; the provider covers `covered` seconds before now.
  private func search(seen: Bool?, covered: ClosedRange<Double>?, since: Double? = 1000) async throws
    -> (result: ActionResult, since: [Date?])
  {
    let stage = Stage(provider: FakeProvider(.named, world: Self.world(["key-0": "leaked-value"])))
    let now = stage.clock.now
    stage.provider.world.withLock {
      $0.abuse = AbuseReport(
        seen: seen,
        covered: covered.map {
          now.addingTimeInterval(-$0.upperBound)...now.addingTimeInterval(-$0.lowerBound)
        },
        findings: [])
    }
    var inputs = Self.inputs
    inputs["since"] = since.map { .timestamp(now.addingTimeInterval(-$0)) } ?? .null
    let result = try await stage.read("abuse.search", inputs)
    return (result, stage.provider.world.withLock { $0.searchedSince })
  }

  @Test(
    arguments: [
      (0...999, 99), (0...400, 40), (0...5000, 100), (500...900, 40), (2000...3000, 0),
    ] as [(ClosedRange<Double>, Int)])
  func `coverage is the overlap of the evidence with the exposure, never rounded up`(
    covered: ClosedRange<Double>, percent: Int
  ) async throws {
    let result = try await search(seen: false, covered: covered).result
    #expect(result.outputs["coverage_percent"] == .integer(percent))
    #expect(
      result.answer == (percent > 0 ? "not_seen" : "unknown"), "what was not searched was not \"not seen\"")
  }

  @Test func `coverage that cannot be measured is null, not 100`() async throws {
    let silent = try await search(seen: false, covered: nil).result
    #expect(silent.outputs["coverage_percent"] == .null)
    #expect(silent.outputs["seen"] == .null)
    // Nobody knows when the exposure began: searched as far as possible, and no share of it.
    let (endless, since) = try await search(seen: true, covered: 0...1000, since: nil)
    #expect(since == [nil])
    #expect(endless.outputs["coverage_percent"] == .null)
    #expect(endless.outputs["covered_from"] != .null)
    #expect(endless.answer == "seen")
  }

  @Test(arguments: [ProviderCapabilities.Issuing.generated, .named, .unnamed])
  func `issuing makes one credential and stores its value`(issuing: ProviderCapabilities.Issuing) async throws
  {
    let stage = Stage(provider: FakeProvider(issuing))
    let result = try await stage.run("credential.issue", Self.issue)
    guard case .secret(let ref)? = result.outputs["secret"] else {
      Issue.record("no handle")
      return
    }
    let value = try await stage.secrets.secret(ref).exposeAsText()
    #expect(stage.provider.accepted.values.contains(value))
    #expect(try await stage.store.read("OPENAI_API_KEY").exposeAsText() == value)
    #expect(result.outputs["version"] == .string("v1"))
    #expect(stage.provider.calls.count == 1)
  }

  @Test func `a credential that only a person can issue is waited for, then taken and stored`() async throws {
    let stage = Stage(provider: FakeProvider(.human))
    let plan = try await stage.effect("credential.issue").plan(stage.call(Self.issue))
    #expect(
      plan.will.hasPrefix("wait until a person has issued a new value for openai, take it from file:/new"))
    let error = await #expect(throws: CapabilityError.self) {
      try await stage.run("credential.issue", Self.issue)
    }
    #expect(error?.class == .awaitsPerson)
    stage.provider.world.withLock { $0.handedOver = "leaked-value" }
    var inputs = Self.issue
    inputs["replaces"] = .list([.secret("other"), .secret("leaked")])
    let again = await #expect(throws: CapabilityError.self) {
      try await stage.run("credential.issue", inputs)
    }
    #expect(again?.because.contains("a leaked one") == true)
    stage.provider.world.withLock { $0.handedOver = "by hand" }
    let result = try await stage.run("credential.issue", Self.issue)
    #expect(result.outputs["ref"] == .string("key-by-hand"))
    #expect(try await stage.store.read("OPENAI_API_KEY").exposeAsText() == "by hand")
    #expect(stage.provider.calls == [])
  }

  @Test func `sessions that stay fail the step`() async throws {
    var world = Self.world(["key-0": "leaked-value"])
    world.sessions = 9
    world.endable = 2
    let stage = Stage(provider: FakeProvider(.named, world: world))
    let error = await #expect(throws: CapabilityError.self) {
      try await stage.run("credential.end-sessions", Self.inputs)
    }
    #expect(error?.because.contains("3 of 9") == true)
  }

  @Test func `a session that ends late is counted again`() async throws {
    var world = Self.world(["key-0": "leaked-value"])
    world.sessions = 3
    world.endable = 2
    let stage = Stage(provider: FakeProvider(.named, world: world))
    let result = try await stage.run("credential.end-sessions", Self.inputs)
    #expect(result.answer == "none_left")
    #expect(result.outputs["ended"] == .integer(3))
  }

  @Test func `a provider without sessions is not asked to end any`() async throws {
    let stage = Stage(provider: FakeProvider(.named, sessions: .none))
    let result = try await stage.run("credential.end-sessions", Self.inputs)
    #expect(result.answer == "none_left")
    #expect(stage.provider.calls.isEmpty)
  }

  @Test func `disabling leaves the new value alone where it replaced the old one under the same id`()
    async throws
  {
    let stage = Stage(provider: FakeProvider(.generated, world: Self.world(["role": "new-value"])))
    var inputs = Self.inputs
    inputs["replaced_by"] = .string("role")
    let result = try await stage.run("credential.disable", inputs)
    #expect(stage.provider.calls.isEmpty)
    #expect(result.probes.map(\.probe.state) == [.dead])
    #expect(stage.provider.accepted == ["role": "new-value"])
  }

  @Test func `disabling goes ahead while the leaked value is still accepted`() async throws {
    let stage = Stage(provider: FakeProvider(.generated, world: Self.world(["role": "leaked-value"])))
    var inputs = Self.inputs
    inputs["replaced_by"] = .string("role")
    try await stage.run("credential.disable", inputs)
    #expect(stage.provider.calls == ["disable role"])
  }

  @Test func `the replacement under another id survives the disabling`() async throws {
    let stage = Stage(
      provider: FakeProvider(.named, world: Self.world(["key-0": "leaked-value", "key-1": "new-value"])))
    var inputs = Self.inputs
    inputs["replaced_by"] = .string("key-1")
    try await stage.run("credential.disable", inputs)
    #expect(stage.provider.accepted == ["key-1": "new-value"])
  }

  @Test func `a plan names no effect on the world`() async throws {
    let stage = Stage(provider: FakeProvider(.named, world: Self.world(["key-0": "leaked-value"])))
    var inputs = Self.inputs.merging(Self.issue) { old, _ in old }
    inputs["ref"] = .unknown
    for id in [
      "credential.issue", "credential.disable", "credential.end-sessions", "credential.delete",
    ] {
      _ = try await stage.effect(id).plan(stage.call(inputs))
    }
    #expect(stage.provider.calls.isEmpty)
    #expect(try await stage.store.currentVersion("OPENAI_API_KEY") == nil)
  }

  @Test func `other entries that hold the old value follow, and what cannot is named in plan and run`()
    async throws
  {
    let stage = Stage(provider: FakeProvider(.named, world: Self.world(["key-0": "leaked-value"])))
    for key in ["OPENAI_API_KEY", "COPY", "ODD_COPY"] { stage.store.plant(key, "leaked-value") }
    let inputs: [String: Value] = [
      "credential": .credential("openai"), "store": .store("env"), "replaces": .list([.secret("leaked")]),
    ]
    let plan = try await stage.effect("credential.issue").plan(stage.call(inputs))
    #expect(plan.affected.contains("COPY in env, which holds the old value too: it is written along"))
    #expect(plan.affected.contains { $0.hasPrefix("ODD_COPY in env") && $0.contains("change it by hand") })
    let result = try await stage.run("credential.issue", inputs)
    #expect(result.outputs["followed"] == .list([.string("COPY in env")]))
    #expect(result.outputs["still_old"] == .list([.string("ODD_COPY in env")]))
    #expect(stage.store.value("COPY") == stage.store.value("OPENAI_API_KEY"))
    #expect(stage.store.value("ODD_COPY") == "leaked-value")
  }

  @Test func `a playbook that does not name the leaked value moves what holds the store's own`() async throws
  {
    let stage = Stage(provider: FakeProvider(.named, world: Self.world(["key-0": "leaked-value"])))
    for key in ["OPENAI_API_KEY", "COPY"] { stage.store.plant(key, "rotated-by-hand") }
    let result = try await stage.run(
      "credential.issue", ["credential": .credential("openai"), "store": .store("env")])
    #expect(result.outputs["followed"] == .list([.string("COPY in env")]))
  }
}
