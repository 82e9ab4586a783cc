import Foundation
import Testing

@Suite struct SimulationTests {
  /// `STAUNCH_SIMULATION_SEEDS=5000` plays more; `STAUNCH_SIMULATION_FIRST=17` begins there (replay: with one seed).
  @Test func everyInvariantHoldsWhateverFailsAndWhenever() throws {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["STAUNCH_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 200
    let first = environment["STAUNCH_SIMULATION_FIRST"].flatMap(UInt64.init) ?? 1
    var report = Simulation.Report()
    for seed in first..<(first + count) {
      report.add(try Simulation(seed: seed).play())
      if seed % 500 == 0 { print("seed \(seed) played") }
    }
    print(
      """
      simulation: \(report.runs) runs, \(report.rounds) rounds, \(report.crashes) crashes, \(report.events) events; \
      ends \(report.ends.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")); \
      faults \(report.faults.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
      """)
    #expect(report.runs == Int(count))
    #expect(count < 100 || report.crashes > 0 && report.faults.count >= 10)
  }
}
