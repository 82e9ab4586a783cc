import Incidents
import JSON

/// What was played, what was broken on purpose, and how often each invariant was looked at.
struct SimulationReport: Sendable, CustomStringConvertible {
  var runs = 0
  /// Processes that were started: the first of each run and one for each resume.
  var rounds = 0
  var crashes = 0
  var events = 0
  var ends: [String: Int] = [:]
  var faults: [String: Int] = [:]
  var checks: [String: Int] = [:]
  /// The same for the same seeds on every machine.
  var trace: UInt64 = 0

  mutating func add(_ other: SimulationReport) {
    runs += other.runs
    rounds += other.rounds
    crashes += other.crashes
    events += other.events
    ends.merge(other.ends) { $0 + $1 }
    faults.merge(other.faults) { $0 + $1 }
    checks.merge(other.checks) { $0 + $1 }
    trace = trace &* 31 &+ other.trace
  }

  /// What happened in which order, as one number (FNV-1a): kinds, steps, items, attempts; no keys, no times.
  static func trace(of events: [JournalEvent]) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for event in events {
      let text =
        "\(event.kind.rawValue) \(event.body["step"]?.string ?? "") \(event.body["item"]?.integer ?? -1) "
        + "\(event.body["attempt"]?.integer ?? -1) \(event.body["phase"]?.string ?? "")\n"
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return hash
  }

  var description: String {
    """
    simulation: \(runs) playbooks, \(rounds) processes, \(crashes) crashes, \(events) events, trace \(String(trace, radix: 16))
    ends: \(list(ends))
    faults injected: \(list(faults))
    invariants checked: \(list(checks))
    """
  }

  private func list(_ counts: [String: Int]) -> String {
    counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: "; ")
  }
}
