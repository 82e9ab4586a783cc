import Incidents
import JSON
import Journal
import Response

/// Of the worker's runs for incidents of one delivery, each holds back the history of the others until it is past its
/// containment: a clean history stops nobody who has a secret that still works.
struct HeldHistory {
  /// Runs whose history waits, and for whom.
  private var blockers: [RunID: Set<RunID>] = [:]

  var runs: Set<RunID> { Set(blockers.keys) }

  /// Takes in runs that start or go on together, with the deliveries that brought their incidents.
  ///
  /// - Parameter atWork: those that went on before, with their history: they hold back the others and wait for none.
  mutating func hold(_ deliveries: [RunID: Set<JSONValue>], atWork: Set<RunID> = []) {
    var together: [JSONValue: Set<RunID>] = [:]
    for (run, own) in deliveries {
      for delivery in own { together[delivery, default: []].insert(run) }
    }
    for (run, own) in deliveries where !atWork.contains(run) || blockers[run] != nil {
      let others = own.reduce(into: Set<RunID>()) { $0.formUnion(together[$1] ?? []) }.subtracting([run])
      if !others.isEmpty { blockers[run, default: []].formUnion(others) }
    }
  }

  /// Whether a run that was held back is so no more. Forgets who holds it back no more.
  mutating func isFree(_ run: RunID, in journal: Journal) throws -> Bool {
    guard let others = blockers[run] else { return false }
    let left = try others.filter { try !journal.isPastContainment($0) }
    blockers[run] = left.isEmpty ? nil : left
    return left.isEmpty
  }
}
