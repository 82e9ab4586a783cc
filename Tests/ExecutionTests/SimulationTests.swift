import Foundation
import Testing

@Suite struct SimulationTests {
  /// `STAUNCH_SIMULATION_SEEDS=5000` plays more; `STAUNCH_SIMULATION_FIRST=17` begins there (replay: with one seed).
  @Test func `Every invariant holds whatever fails and whenever`() throws {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["STAUNCH_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 200
    let first = environment["STAUNCH_SIMULATION_FIRST"].flatMap(UInt64.init) ?? 1
    var report = SimulationReport()
    for seed in first..<(first + count) { report.add(try Simulation(seed: seed).play()) }
    print(report)
    #expect(report.runs == Int(count))
    guard count >= 100 else { return }
    #expect(
      Set(report.faults.keys).isSuperset(of: [
        "429", "5xx", "clock step", "crash after a call", "crash after a journal write",
        "crash before a call",
        "crash before a journal write", "disk full", "gate declined", "provider down", "refused",
        "reply hangs", "reply lost",
        "no taken back", "nodes disagree", "request carried out late", "request duplicated", "request hangs",
        "request lost", "rotated by somebody else", "slow", "stale answer",
      ]))
    #expect(report.checks.count == 19, "\(report.checks.keys.sorted())")
    #expect(report.ends["done", default: 0] > 0 && report.ends["aborted", default: 0] > 0)
  }

  /// A simulation that cannot fail shows nothing.
  @Test(arguments: SimulatedWorld.Sabotage.allCases)
  func `A world that breaks a promise is found out`(_ sabotage: SimulatedWorld.Sabotage) throws {
    var words = ""
    for seed in UInt64(1)...150 where words.isEmpty {
      do { _ = try Simulation(seed: seed, sabotage: sabotage).play() } catch let found as Simulation.Violation
      {
        words = found.text
      }
    }
    let expected =
      switch sabotage {
      case .blindRepeat: "times"
      case .leavesOrphans: "orphaned credentials"
      case .liesAboutDeath: "proved dead while the provider accepts it"
      case .enablesAgain: "enabled again"
      case .forgetsKeys: "tickets were opened"
      case .leaksSecret: "a secret stands in journal.sqlite"
      case .lagsBeyondItsWord: "proved dead while the provider accepts it"
      case .hidesPropagation: "dead"
      case .hidesLeftovers: "orphaned credentials"
      case .overwritesForeignValue: "somebody else had set was replaced"
      case .storesHalf: "half a credential stands in the store"
      case .rotatesTwice: "a self-rotation was sent"
      case .overlooksANode: "proved dead while the provider accepts it"
      case .hidesReach: "where a living leaked credential can read it"
      }
    #expect(words.contains(expected), "\(words)")
  }

  @Test func `The same seed plays the same story`() throws {
    for seed in UInt64(1)...12 {
      #expect(try Simulation(seed: seed).play().trace == Simulation(seed: seed).play().trace, "seed \(seed)")
    }
  }
}
