import Actions
import Capabilities
import Incidents
import Secrets
import Testing

/// A program that works with the old value has not moved.
@Suite struct ConsumerHealthTests {
  private struct Program: Consumer {
    static let kind = "program"
    static let summary = ""
    static let settings: [SettingDeclaration] = []
    var state = ConsumerHealth.State.healthy
    var found = ConsumerHoldings()

    init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {}
    init(_ state: ConsumerHealth.State, _ found: ConsumerHoldings) {
      self.state = state
      self.found = found
    }
    func plan() async throws(CapabilityError) -> PlannedEffect {
      PlannedEffect(will: "restart it", target: "trainer", reversible: true, affected: [])
    }
    func rollOut(marker: String, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
    {}
    func health() async throws(CapabilityError) -> ConsumerHealth { ConsumerHealth(state, evidence: "seen") }
    func holdings(of secrets: [Secret]) async throws(CapabilityError) -> ConsumerHoldings { found }
  }

  private static let found = ConsumerHoldings(
    holding: ["process 7 (API_KEY)"], moved: ["process 8"], unread: ["process 9: permission denied"])

  @Test(arguments: [ConsumerHealth.State.healthy, .unknown])
  func `a part that still holds a replaced value is named, and makes it unhealthy`(
    state: ConsumerHealth.State
  )
    async throws
  {
    let stage = Stage(consumer: Program(state, Self.found))
    let result = try await stage.read(
      "consumer.health", ["consumer": .consumer("trainer"), "replaced": .list([.secret("leaked")])])
    #expect(result.answer == "unhealthy")
    #expect(result.outputs["stale"] == .list([.string("process 7 (API_KEY)")]))
    #expect(
      result.outputs["evidence"]
        == .string(
          "seen; process 7 (API_KEY) still holds the old value; unknown: process 9: permission denied"))
  }

  @Test func `without replaced values only its health is asked`() async throws {
    let result = try await Stage(consumer: Program(.healthy, Self.found)).read(
      "consumer.health", ["consumer": .consumer("trainer")])
    #expect(result.answer == "healthy")
    #expect(result.outputs["evidence"] == .string("seen"))
  }

  @Test func `what nobody could look into is no sign of the old value`() async throws {
    let stage = Stage(consumer: Program(.healthy, ConsumerHoldings(unread: ["a pod: no answer"])))
    let result = try await stage.read(
      "consumer.health", ["consumer": .consumer("trainer"), "replaced": .list([.secret("leaked")])])
    #expect(result.answer == "healthy")
    #expect(result.outputs["unread"] == .list([.string("a pod: no answer")]))
  }
}
