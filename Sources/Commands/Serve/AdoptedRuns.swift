import Foundation
import Incidents
import JSON
import Journal

/// A run that the worker carries out and that is not over.
struct AdoptedRun {
  let run: RunID
  /// The last event of it.
  let sequence: Int
  /// No person has approved the plan: in a storm it stands still.
  let isByPolicyAlone: Bool
  /// The earliest end of what it waits for: then the run goes on without an answer. Nil when no wait ends by itself.
  let until: Date?

  /// All of them, the one that has waited longest first.
  static func all(in journal: Journal) throws -> [AdoptedRun] {
    var adopted: [RunID: Int] = [:]
    var approved: Set<RunID> = []
    var over: Set<RunID> = []
    var waits: [RunID: [JSONValue: Date]] = [:]
    try journal.forEachEvent { event in
      guard let run = event.run else { return }
      if event.kind == .planApproved {
        if event.body["via"]?.string == Worker.via { adopted[run] = 0 }
        if event.body["actions"] == nil, event.body["step"] == nil { approved.insert(run) }
      }
      if adopted[run] != nil { adopted[run] = event.sequence }
      if event.kind == .runEnded, ["done", "aborted"].contains(event.body["state"]?.string ?? "") {
        over.insert(run)
      }
      if let step = event.body["step"] {
        // Whatever happens to the step next ends its wait.
        waits[run, default: [:]][[step, event.body["item"] ?? .null]] =
          event.kind == .stepWaiting ? event.body["until"]?.string.flatMap { Timestamp.date($0) } : nil
      }
    }
    return adopted.filter { !over.contains($0.key) }
      .map {
        AdoptedRun(
          run: $0.key, sequence: $0.value, isByPolicyAlone: !approved.contains($0.key),
          until: waits[$0.key]?.values.min())
      }
      .sorted { $0.sequence < $1.sequence }
  }
}
