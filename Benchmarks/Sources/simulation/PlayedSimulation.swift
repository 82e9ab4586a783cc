import Foundation

/// Plays the simulation of Tests/ExecutionTests at scale, in a release build: `simulation [RUNS] [FIRST-SEED]`
/// (default 1,000 from seed 1). Exit 1 with the playbook and the journal of the first seed that breaks an invariant.
@main
struct PlayedSimulation {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
    guard arguments.count == CommandLine.arguments.count - 1 else {
      print("usage: simulation [RUNS] [FIRST-SEED]")
      exit(2)
    }
    let runs = arguments.first ?? 1000
    let first = arguments.dropFirst().first ?? 1
    var report = SimulationReport()
    do {
      for seed in first..<(first + runs) { report.add(try Simulation(seed: seed).play()) }
    } catch {
      print("\(error)")
      exit(1)
    }
    print(report)
  }
}
