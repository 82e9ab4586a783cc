import Capabilities
import Simulators
import TestSupport
import Testing

/// The seven shapes of docs/CONTRACT.md, each in a world that is hostile on demand.
@Suite struct SimulatorContractTests {
  private static let fixtures: [any ContractFixture.Type] = [
    SimulatorFixture<SimulatedKeyPair>.self, SimulatorFixture<SimulatedDocument>.self,
    SimulatorFixture<SimulatedFixedSlots>.self, SimulatorFixture<SimulatedSelfRotation>.self,
    SimulatorFixture<SimulatedLease>.self, SimulatorFixture<SimulatedNodes>.self,
    SimulatorFixture<SimulatedHandIssued>.self,
  ]

  @Test(arguments: 0..<7, ContractCheck.all)
  func `every shape keeps the port's promises`(shape: Int, check: ContractCheck) async throws {
    try await check.run(Self.fixtures[shape])
  }

  @Test(arguments: 0..<7)
  func `docs CONTRACT md says of a shape what is checked`(shape: Int) async throws {
    try await ContractTable.check(Self.fixtures[shape])
  }

  @Test func `every simulator is checked`() async throws {
    #expect(Simulators.all.count == Self.fixtures.count)
    let kinds = try ContractTable.kinds()
    for simulator in Simulators.all { #expect(kinds.contains(simulator.kind)) }
  }
}

/// A simulator and what makes it hostile.
struct SimulatorFixture<Provider: SimulatedProvider>: ContractFixture {
  static var against: String { "a simulator" }
  let simulator: Provider
  let conditions: ScriptedConditions
  var provider: any CredentialProvider { simulator }
  var leak: Leak { simulator.leak }

  static func make() -> Self {
    let conditions = ScriptedConditions()
    return Self(simulator: Provider(conditions: conditions), conditions: conditions)
  }

  func handOver() { (simulator as? SimulatedHandIssued)?.handOver() }

  func loseNextReply() -> Bool {
    conditions.set { $0.lostReplies = 1 }
    return true
  }

  func refuseNextCall() -> Bool {
    conditions.set { $0.tooManyRequests = 1 }
    return true
  }

  func answerOldThings(takingTurns: Bool) -> Duration? {
    simulator.world.set { manners in
      manners.stale = .seconds(10)
      manners.takesTurns = takingTurns
    }
    return .seconds(10)
  }

  func pass(_ time: Duration) { conditions.advance(by: time) }

  func breakOnePlace() -> Bool {
    guard simulator.world.nodes.count > 1 else { return false }
    simulator.world.set { $0.down = "node-2" }
    return true
  }

  func mend() { simulator.world.set { $0.down = nil } }
}
