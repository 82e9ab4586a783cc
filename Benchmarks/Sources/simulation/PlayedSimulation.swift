import Foundation

/// Plays the simulation of Tests/ExecutionTests at scale, in a release build: `simulation [RUNS] [FIRST-SEED]`
/// (default 1,000 from seed 1). Every 500 seeds it says on standard error how far it is. Exit 1 with the playbook and the
/// journal of the first seed that breaks an invariant.
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
    let began = ContinuousClock.now
    var report = SimulationReport()
    do {
      for played in 0..<runs {
        report.add(try Simulation(seed: first + played).play())
        guard (played + 1).isMultiple(of: 500), played + 1 < runs else { continue }
        let seconds = (ContinuousClock.now - began).components.seconds
        FileHandle.standardError.write(
          Data("\(played + 1) of \(runs) seeds, \(seconds) s\n".utf8))
      }
    } catch {
      print("\(error)")
      exit(1)
    }
    print(report)
  }
}
