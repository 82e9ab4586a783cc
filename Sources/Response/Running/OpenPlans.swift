import Capabilities
import Chronicle
package import Execution
import Foundation
package import Incidents
import JSON
package import Journal

extension Installation {
  /// The plan of the run that `id` names, or of the only run that is not over.
  package func openPlan(_ id: String?) throws -> Plan { try journal.openPlan(id) }
}

extension Journal {
  /// The plan of the run (or plan) that `id` names, or of the only run that is not over.
  package func openPlan(_ id: String?) throws -> Plan {
    if let id, let named = try planNamed(id) { return try Plan(json: named.document) }
    let saved = try plans()
    if let id {
      // Of a run that nobody has approved or started nothing names its plan but the plan itself.
      let named = saved.first { $0.id.rawValue == id || $0.document["run"]?.string == id }
      if let named { return try Plan(json: named.document) }
      if RunID(id).isByHand {
        throw Refusal(
          .invalidInput, "\(harmless(id)) has no plan", because: "it is a command that somebody gave by hand",
          fix: "repeat that command: it finds out how the interrupted one ended, and goes on")
      }
      throw Refusal(
        .invalidInput, "there is no run \"\(harmless(id))\"", because: "the journal does not have it",
        fix: "staunch status")
    }
    let states = try runStates()
    // A damaged plan's run is open all the same: it is named, and reading it says what is wrong.
    let open = saved.compactMap { plan in plan.document["run"]?.string.map { (RunID($0), plan) } }
      .filter { run, _ in states[run].map { !["done", "aborted"].contains($0) } == true }
    guard let (_, plan) = open.first, open.count == 1 else {
      throw Refusal(
        .usage, open.isEmpty ? "no run is open" : "several runs are open",
        because: open.isEmpty
          ? "every run is over, or none was started" : open.map(\.0.rawValue).joined(separator: ", "),
        fix: open.isEmpty
          ? "staunch status"
          : "name one: the same command with \(open[0].0) (skip, retry and done: with --run \(open[0].0))")
    }
    return try Plan(json: plan.document)
  }

  /// The plan with this id, or that of the run, found without reading the others.
  private func planNamed(_ id: String) throws(JournalError) -> SavedPlan? {
    if let saved = try plan(of: RunID(id)) { return saved }
    do throws(JournalError) {
      let saved = try plan(id)
      return saved.id.rawValue == id ? saved : nil
    } catch {
      // Neither a plan's id nor the one plan whose digest starts so.
      guard error.code == .notFound || error.code == .invalid else { throw error }
      return nil
    }
  }

  /// The last state of each run that was started: `running` while there is none.
  package func runStates() throws -> [RunID: String] {
    var states: [RunID: String] = [:]
    try forEachEvent(kinds: [.runStarted, .runResumed, .runEnded]) { event in
      guard let run = event.run else { return }
      if case .runEnded(let end) = event.typed {
        states[run] = end.state?.rawValue ?? "failed"
      } else {
        states[run] = "running"
      }
    }
    return states
  }
}
