import Actions
import Capabilities
import Incidents
import JSON
import Secrets
import Synchronization
import TestSupport
import Testing

/// No second rotation, and nothing alive that nobody knows.
@Suite struct StandingReplacementTests {
  private static func issue(_ leaked: SecretRef...) -> [String: Value] {
    [
      "credential": .credential("openai"), "store": .store("env"),
      "replaces": .list(leaked.map { .secret($0) }),
    ]
  }

  private static func issues(_ stage: Stage) -> Int { stage.provider.calls.count { $0.hasPrefix("issue") } }

  @Test func `two leaked keys of one entry get one replacement`() async throws {
    let stage = Stage(
      provider: FakeProvider(.named, world: .init(accepted: ["a": "leaked-value", "b": "other-value"])))
    let first = try await stage.run("credential.issue", Self.issue("leaked"))
    #expect(first.outputs["kept"] == .boolean(false))
    let second = try await stage.run("credential.issue", Self.issue("other"))
    #expect(Self.issues(stage) == 1)
    #expect(second.outputs["kept"] == .boolean(true))
    #expect(second.outputs["ref"] == first.outputs["ref"])
  }

  @Test func `a second plan of an incident that is done issues nothing`() async throws {
    let stage = Stage(provider: FakeProvider(.named, world: .init(accepted: ["a": "leaked-value"])))
    _ = try await stage.run("credential.issue", Self.issue("leaked"))
    stage.provider.world.withLock { $0.accepted["a"] = nil }
    let will = try await stage.effect("credential.issue").plan(stage.call(Self.issue("leaked"))).will
    #expect(will.hasPrefix("keep the value"))
    _ = try await stage.run("credential.issue", Self.issue("leaked"))
    #expect(Self.issues(stage) == 1)
  }

  @Test func `a store that holds the leaked value itself gets a new one`() async throws {
    let stage = Stage(provider: FakeProvider(.named, world: .init(accepted: ["a": "leaked-value"])))
    _ = try await stage.store.put(
      "OPENAI_API_KEY", Secret("leaked-value"), replacing: [], sparing: [], marker: "old", under: .forTests())
    _ = try await stage.run("credential.issue", Self.issue("leaked"))
    #expect(Self.issues(stage) == 1)
  }

  @Test func `a value of the store that is refused is replaced`() async throws {
    let stage = Stage(provider: FakeProvider(.named, world: .init(accepted: ["a": "leaked-value"])))
    _ = try await stage.store.put(
      "OPENAI_API_KEY", Secret("stale"), replacing: [], sparing: [], marker: "old", under: .forTests())
    _ = try await stage.run("credential.issue", Self.issue("leaked"))
    #expect(Self.issues(stage) == 1)
  }

  @Test func `what a team has set by hand is not overwritten`() async throws {
    let stage = Stage(
      provider: FakeProvider(
        .generated,
        world: .init(
          accepted: ["role": "theirs"], probe: CredentialProbe(.dead, code: "28P01", isReplaced: true))))
    let plan = try await stage.effect("credential.issue").plan(stage.call(Self.issue("leaked")))
    #expect(plan.will.hasPrefix("nothing:"))
    #expect(plan.preconditions["replaced"] == true)
    let error = await #expect(throws: CapabilityError.self) {
      try await stage.run("credential.issue", Self.issue("leaked"))
    }
    #expect(error?.class == .conflict)
    let words = "--run run-00000001 --reason \"rotated by hand\""
    #expect(
      error?.fix
        == "put their value into the store, then: staunch plan inc-00000001; or go on without a new one: "
        + "staunch skip step \(words), staunch skip prove_alive \(words), then: staunch resume run-00000001")
    #expect(stage.provider.accepted == ["role": "theirs"])
  }

  @Test func `whoever goes on without a rotation leaves its proof out, too`() async throws {
    let stage = Stage(provider: FakeProvider(.rotated, world: .init(accepted: [:])))
    let error = await #expect(throws: CapabilityError.self) {
      try await stage.run("credential.issue", Self.issue("leaked"))
    }
    #expect(error?.class == .conflict)
    #expect(error?.fix?.contains("staunch skip prove_alive --run run-00000001") == true)
    #expect(error?.fix?.hasSuffix("then: staunch resume run-00000001") == true)
  }

  @Test func `what nobody here knows is not overwritten, and not called the owner's`() async throws {
    let stage = Stage(
      provider: FakeProvider(
        .generated,
        world: .init(
          accepted: ["role": "the-attackers"], probe: CredentialProbe(.dead, code: "28P01", isForeign: true)))
    )
    let plan = try await stage.effect("credential.issue").plan(stage.call(Self.issue("leaked")))
    #expect(plan.preconditions["replaced"] == false)
    let looked = try await stage.read(
      "credential.verify", ["credential": .credential("openai"), "secret": .secret("leaked")])
    #expect(looked.outputs["replaced"] == .boolean(false))
    let error = await #expect(throws: CapabilityError.self) {
      try await stage.run("credential.issue", Self.issue("leaked"))
    }
    #expect(error?.class == .conflict)
    #expect(error?.because.contains("is not known here") == true)
    #expect(stage.provider.accepted == ["role": "the-attackers"])
  }

  @Test func `the attempt after a lost reply sets the same value again`() async throws {
    let stage = Stage(provider: FakeProvider(.generated, world: .init(accepted: ["role": "leaked-value"])))
    stage.secrets.seal(["staunch-run-00000001-step-1.1": Secret("value-of-the-first-attempt")])
    let action = try stage.effect("credential.issue")
    let prepared = try await action.prepare(stage.call(Self.issue("leaked"), attempt: 2), phase: "issue")
    #expect(prepared.secrets.values.map { $0.exposeAsText() } == ["value-of-the-first-attempt"])
  }

  @Test func `a key that came late is told at the end, and the one in use is not`() async throws {
    let stage = Stage(provider: FakeProvider(.named, world: .init(accepted: ["a": "leaked-value"])))
    let done = try await stage.run("credential.issue", Self.issue("leaked"))
    stage.provider.world.withLock { world in
      world.accepted["key-late"] = "late-value"
      world.names["key-late"] = "staunch-run-00000001-step-1"
      world.accepted["key-of-others"] = "theirs"
    }
    let action = try stage.effect("credential.issue")
    let left = try await action.leftovers(stage.call(Self.issue("leaked"), earlier: done.outputs), [])
    #expect(left.map(\.ref) == ["key-late"])
    #expect(!left.contains { !$0.isRemovable })
  }

  /// A provider whose keys carry no name of ours: only what was there before tells a new one.
  private static func unnamed() -> Stage {
    Stage(
      provider: FakeProvider(.unnamed, world: .init(accepted: ["a": "leaked-value", "b": "other-value"])))
  }

  @Test func `what is new without a name is told at the end and not removed`() async throws {
    let stage = Self.unnamed()
    let action = try stage.effect("credential.issue")
    let prepared = Preparation(snapshot: ["existing": ["a"]])
    let left = try await action.leftovers(stage.call(Self.issue("leaked")), [prepared])
    #expect(left.map(\.ref) == ["b"])
    #expect(left.allSatisfy { !$0.isRemovable })
  }

  @Test func `a step that kept what was there has asked for nothing, so nothing is called new`() async throws
  {
    let stage = Self.unnamed()
    let action = try stage.effect("credential.issue")
    let kept = Preparation(snapshot: ["keeps": "v1"])
    #expect(try await action.leftovers(stage.call(Self.issue("leaked")), [kept]).isEmpty)
    #expect(try await action.leftovers(stage.call(Self.issue("leaked")), []).isEmpty)
    // Settled, too: what others have issued meanwhile is not deleted as an orphan of ours.
    let settled = try await action.settle(
      stage.call(Self.issue("leaked")), phase: "issue", prepared: kept, under: .forTests())
    #expect(settled.word == "not_done")
    #expect(stage.provider.accepted.count == 2)
  }

  @Test
  func `where the journal does not say what was there before, nothing is called new and nothing is deleted`()
    async throws
  {
    let stage = Self.unnamed()
    let action = try stage.effect("credential.issue")
    let silent = Preparation(snapshot: [:])
    let error = await #expect(throws: CapabilityError.self) {
      try await action.leftovers(stage.call(Self.issue("leaked")), [silent])
    }
    #expect(error?.because.contains("nothing can be called new") == true)
    let settled = try await action.settle(
      stage.call(Self.issue("leaked")), phase: "issue", prepared: silent, under: .forTests())
    #expect(settled.word == "unknown")
    #expect(stage.provider.accepted.count == 2)
  }

  @Test func `a generated value that works and that no store holds is named`() async throws {
    let stage = Stage(provider: FakeProvider(.generated, world: .init(accepted: ["role": "ours"])))
    let action = try stage.effect("credential.issue")
    let prepared = Preparation(secrets: ["staunch-run-00000001-step-1.1": Secret("ours")])
    let left = try await action.leftovers(stage.call(Self.issue("leaked")), [prepared])
    #expect(left.map(\.ref) == ["role"])
    #expect(left.contains { $0.isRemovable } == false)  // a role has one password: nothing can be taken away
  }

  /// The provider does not find it as a whole, and it works all the same.
  @Test func `a generated value that only some places have got is named, too`() async throws {
    let stage = Stage(provider: FakeProvider(.generated, world: .init(accepted: ["role": "ours"])))
    stage.provider.world.withLock { $0.isHalfIssued = true }
    let action = try stage.effect("credential.issue")
    let prepared = Preparation(secrets: ["staunch-run-00000001-step-1.1": Secret("ours")])
    let left = try await action.leftovers(stage.call(Self.issue("leaked")), [prepared])
    #expect(left.count == 1)
    #expect(left.first?.isRemovable == false)
    #expect(left.first?.why.contains("at some of its places (one place has not got it)") == true)
  }

  @Test func `a refusal counts only while the control is accepted before and after it`() async throws {
    let stage = Stage(provider: FakeProvider(.named, world: .init(accepted: ["new": "other-value"])))
    var inputs: [String: Value] = [
      "credential": .credential("openai"), "secret": .secret("leaked"), "control": .secret("other"),
    ]
    #expect(try await stage.read("credential.verify", inputs).answer == "dead")
    stage.provider.world.withLock { $0.accepted = [:] }  // 401 for everybody
    let probe = try await stage.read("credential.verify", inputs)
    #expect(probe.answer == "unknown")
    inputs["control"] = .null
    #expect(try await stage.read("credential.verify", inputs).answer == "dead")
  }

  @Test(arguments: ["Mint%26Leak", "Mint&amp;Leak", "Mint\\u0026Leak", "Mint%2526Leak", "Mint\\&Leak"])
  func `a leaked value in another spelling is refused, and that is no rotation by somebody else`(
    written: String
  ) async throws {
    let stage = Stage(provider: FakeProvider(.named, world: .init(accepted: ["a": "Mint&Leak"])))
    stage.secrets.seal(["spelled": Secret(written)])
    _ = try await stage.store.put(
      "OPENAI_API_KEY", Secret("Mint&Leak"), replacing: [], sparing: [], marker: "old", under: .forTests())
    let probe = try await stage.read(
      "credential.verify", ["credential": .credential("openai"), "secret": .secret("spelled")])
    #expect(probe.answer == "unknown")
    #expect(probe.outputs["replaced"] == .boolean(false))
    _ = try await stage.run("credential.issue", Self.issue("spelled"))
    #expect(Self.issues(stage) == 1)
  }

  @Test func `sessions and facts of an account are found when its leaked value is dead already`() async throws
  {
    let provider = FakeProvider(.named, world: .init(accepted: [:]), account: CredentialRef("role"))
    provider.world.withLock { $0.sessions = 2 }
    let stage = Stage(provider: provider)
    let inputs: [String: Value] = ["credential": .credential("openai"), "secret": .secret("leaked")]
    #expect(try await stage.read("credential.inspect", inputs).outputs["ref"] == .string("role"))
    #expect(try await stage.run("credential.end-sessions", inputs).answer == "none_left")
  }
}
