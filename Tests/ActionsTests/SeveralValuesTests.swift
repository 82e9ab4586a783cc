import Capabilities
import Incidents
import Secrets
import Testing

/// Several leaked values of one credential: a verdict on one of them is none on the others.
@Suite struct SeveralValuesTests {
  private static let inputs: [String: Value] = [
    "credential": .credential("openai"), "secret": .list([.secret("leaked"), .secret("other")]),
  ]

  private static func stage(_ accepted: [String: String]) -> Stage {
    Stage(provider: FakeProvider(.named, world: .init(accepted: accepted)))
  }

  @Test(arguments: [
    (["key-1": "other-value"], "alive"), (["key-0": "leaked-value"], "alive"), ([:], "dead"),
  ])
  func `two values of one account are dead only when both are refused`(
    accepted: [String: String], answer: String
  ) async throws {
    let result = try await Self.stage(accepted).read("credential.verify", Self.inputs)
    #expect(result.answer == answer)
    #expect(result.outputs["state"] == .string(answer))
    #expect(result.probes.map(\.secret) == ["leaked", "other"])
  }

  @Test func `a refusal beside a value that could not be judged is unknown`() {
    let dead = CredentialProbe(.dead, code: "28P01")
    let unknown = CredentialProbe(.unknown, code: "timeout")
    #expect(CredentialProbe.verdict(of: [dead, unknown]) == unknown)
    #expect(CredentialProbe.verdict(of: [unknown, CredentialProbe(.alive, code: "ok")]).state == .alive)
    #expect(CredentialProbe.verdict(of: []).state == .unknown)
  }

  @Test func `no value at all is no verdict`() async throws {
    var inputs = Self.inputs
    inputs["secret"] = .list([])
    let error = await #expect(throws: CapabilityError.self) {
      try await Self.stage([:]).read("credential.verify", inputs)
    }
    #expect(error?.class == .invalid)
  }

  @Test func `disabling stops the second value too`() async throws {
    let stage = Stage(
      provider: FakeProvider(.generated, world: .init(accepted: ["role": "other-value"])))
    let result = try await stage.run("credential.disable", Self.inputs)
    #expect(stage.provider.accepted.isEmpty)
    #expect(result.outputs["ref"] == .string("role"))
  }

  @Test func `a value that the provider no longer knows does not hide the credential of the other`()
    async throws
  {
    let stage = Self.stage(["key-1": "other-value"])
    let inspected = try await stage.read("credential.inspect", Self.inputs)
    #expect(inspected.outputs["ref"] == .string("key-1"))
  }

  @Test func `a lost reply counts as done only when every value is refused`() async throws {
    let stage = Stage(
      provider: FakeProvider(.generated, world: .init(accepted: ["role": "other-value"])))
    var inputs = Self.inputs
    inputs["ref"] = .string("role")
    #expect(try await stage.skip("credential.disable", phase: "perform", inputs).word == "not_done")
  }
}
