import Synchronization
import Actions
import Capabilities
import Incidents
import JSON
import Secrets
import Testing

/// One test for each row of the step protocol's table: how an intent without outcome is settled.
@Suite struct SettleTests {
  private static let issue: [String: Value] = ["credential": .credential("openai"), "store": .store("env")]
  private static let leaked: [String: Value] = [
    "credential": .credential("openai"), "secret": .secret("leaked"), "ref": .string("key-0"),
  ]

  private func losing(_ issuing: ProviderCapabilities.Issuing, _ accepted: [String: String] = [:]) -> Stage {
    Stage(
      provider: FakeProvider(issuing, world: .init(accepted: accepted, losesReplies: true)))
  }

  // We generate the value.

  @Test func `a generated value that works was set`() async throws {
    let stage = losing(.generated)
    let settlement = try await stage.lose("credential.issue", phase: "issue", Self.issue)
    guard case .done(let result, _) = settlement else {
      Issue.record("\(settlement)")
      return
    }
    #expect(result.outputs["ref"] == .string("role"))
    #expect(result.secrets.values.map { $0.exposeAsText() } == ["generated-value"])
    #expect(stage.provider.calls == ["issue role"])
  }

  @Test func `a generated value that is refused was not set`() async throws {
    let stage = losing(.generated, ["role": "leaked-value"])
    #expect(try await stage.skip("credential.issue", phase: "issue", Self.issue).word == "not_done")
  }

  @Test func `a generated value that cannot be tried is unknown`() async throws {
    let stage = Stage(
      provider: FakeProvider(.generated, world: .init(probe: CredentialProbe(.unknown, code: "57P03"))))
    #expect(try await stage.skip("credential.issue", phase: "issue", Self.issue).word == "unknown")
  }

  // The provider issues it under our name.

  @Test func `a named orphan is deleted and issued again`() async throws {
    let stage = losing(.named, ["key-0": "leaked-value"])
    let settlement = try await stage.lose("credential.issue", phase: "issue", Self.issue)
    #expect(settlement.word == "not_done")
    #expect(stage.provider.calls == ["issue key-1", "delete key-1"])
    #expect(stage.provider.accepted == ["key-0": "leaked-value"])
  }

  @Test func `no credential under our name may still come, until the provider's time is over`() async throws {
    let stage = losing(.named, ["key-0": "leaked-value"])
    #expect(try await stage.skip("credential.issue", phase: "issue", Self.issue).word == "not_done_yet")
    #expect(stage.provider.calls.isEmpty)
  }

  // The provider issues it without a name.

  @Test func `one new id without a name is ours: deleted and issued again`() async throws {
    let stage = losing(.unnamed, ["key-0": "leaked-value"])
    #expect(try await stage.lose("credential.issue", phase: "issue", Self.issue).word == "not_done")
    #expect(stage.provider.calls == ["issue key-1", "delete key-1"])
  }

  @Test func `of several new ids without a name none is touched`() async throws {
    let stage = losing(.unnamed, ["key-0": "leaked-value"])
    let settlement = try await stage.lose("credential.issue", phase: "issue", Self.issue) {
      stage.provider.world.withLock { $0.accepted["key-of-somebody"] = "theirs" }
    }
    #expect(settlement.word == "unknown")
    #expect(stage.provider.calls == ["issue key-1"])
  }

  @Test func `what a person issued was sealed before, so nothing is lost`() async throws {
    let stage = losing(.human)
    stage.provider.world.withLock { $0.handedOver = "by hand" }
    #expect(try await stage.skip("credential.issue", phase: "issue", Self.issue).word == "done")
  }

  // The store.

  @Test(arguments: [true, false])
  func `a value that the store holds was stored`(isStored: Bool) async throws {
    let stage = Stage(provider: FakeProvider(.named))
    stage.secrets.seal(["new": Secret("new-value")])
    let earlier: [String: Value] = ["secret": .secret("new")]
    let settlement =
      isStored
      ? try await stage.lose("credential.issue", phase: "store", Self.issue, earlier: earlier)
      : try await stage.skip("credential.issue", phase: "store", Self.issue, earlier: earlier)
    #expect(settlement.word == (isStored ? "done" : "not_done"))
  }

  // Revoke, delete.

  @Test(arguments: [
    (CredentialProbe(.dead, code: "401"), "done"), (CredentialProbe(.alive, code: "200"), "not_done"),
    (CredentialProbe(.unknown, code: "503"), "not_done"),
  ])
  func `the probe decides whether a disabling was done`(probe: CredentialProbe, word: String) async throws {
    let stage = Stage(provider: FakeProvider(.named, world: .init(probe: probe)))
    #expect(try await stage.skip("credential.disable", phase: "perform", Self.leaked).word == word)
  }

  @Test(arguments: [(["key-0": "x"], "not_done"), ([:], "done")])
  func `a credential that is gone was deleted`(accepted: [String: String], word: String) async throws {
    let stage = Stage(provider: FakeProvider(.named, world: .init(accepted: accepted)))
    #expect(try await stage.skip("credential.delete", phase: "perform", Self.leaked).word == word)
  }

  // History.

  @Test(arguments: [true, false])
  func `a finished rewrite is not repeated`(isFinished: Bool) async throws {
    let stage = Stage()
    let inputs: [String: Value] = [
      "repository": .repository("training"), "remove": .list([.secret("leaked")]),
    ]
    let settlement =
      isFinished
      ? try await stage.lose("history.rewrite", phase: "perform", inputs)
      : try await stage.skip("history.rewrite", phase: "perform", inputs)
    #expect(settlement.word == (isFinished ? "done" : "not_done"))
  }

  // Not probeable.

  @Test(arguments: [
    ("POST", "unknown"), ("PATCH", "unknown"), ("PUT", "not_done"), ("DELETE", "not_done"),
    ("GET", "not_done"),
  ])
  func `only an idempotent request is repeated`(method: String, word: String) async throws {
    let inputs: [String: Value] = ["method": .string(method), "url": .url("https://example.org/x")]
    #expect(try await Stage().skip("http.request", phase: "perform", inputs).word == word)
  }

  @Test func `an interrupted program is for a person to judge`() async throws {
    let inputs: [String: Value] = ["argv": .list([.string("true")])]
    #expect(try await Stage().skip("command.run", phase: "perform", inputs).word == "unknown")
  }
}
