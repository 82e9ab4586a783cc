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
}

/// The worker's runs, as the journal tells.
struct AdoptedRuns {
  private var adopted: [RunID: Int] = [:]
  private var approved: Set<RunID> = []
  private var over: Set<RunID> = []
  private var waits: [RunID: [JSONValue: Date]] = [:]
  private var follower = JournalFollower()

  init(_ journal: Journal) throws { try follow(journal) }

  /// Takes in what came since.
  mutating func follow(_ journal: Journal) throws {
    var follower = follower
    try follower.follow(journal) { add($0) }
    self.follower = follower
  }

  private mutating func add(_ event: JournalEvent) {
    guard let run = event.run, !over.contains(run) else { return }
    if event.kind == .planApproved {
      if event.body["via"]?.string == Worker.via { adopted[run] = 0 }
      if event.body["actions"] == nil, event.body["step"] == nil { approved.insert(run) }
    }
    if adopted[run] != nil { adopted[run] = event.sequence }
    if let step = event.body["step"] {
      // Whatever happens to the step next ends its wait.
      waits[run, default: [:]][[step, event.body["item"] ?? .null]] =
        event.kind == .stepWaiting ? event.body["until"]?.string.flatMap { Timestamp.date($0) } : nil
    }
    guard event.kind == .runEnded, ["done", "aborted"].contains(event.body["state"]?.string ?? "") else {
      return
    }
    over.insert(run)
    adopted[run] = nil
    approved.remove(run)
    waits[run] = nil
  }

  /// Those that are not over, the one that has waited longest first.
  var all: [AdoptedRun] {
    adopted.map {
      AdoptedRun(
        run: $0.key, sequence: $0.value, isByPolicyAlone: !approved.contains($0.key),
        until: waits[$0.key]?.values.min())
    }
    .sorted { $0.sequence < $1.sequence }
  }
}
