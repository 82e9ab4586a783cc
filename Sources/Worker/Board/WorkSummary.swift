import Chronicle
import Foundation
import Incidents
import JSON
import Journal
import Response

/// Counts for the endpoint's metrics (docs/RECEIVER.md): kept from event to event, so that nothing is counted anew.
struct WorkSummary {
  /// How one incident stands.
  struct Standing: Hashable {
    let state: String
    let severity: String
    let run: String?
  }

  /// Upper bounds of step durations, seconds.
  private static let bounds = [1, 5, 15, 60, 300, 900, 3600, 14400]

  private struct Step: Hashable {
    let run: String
    let step: String
    let item: Int?
  }

  /// By incident; merged ones are left out.
  var standings: [IncidentID: Standing] = [:]
  private var began: [Step: Date] = [:]
  private var stepCounts = [Int](repeating: 0, count: bounds.count)
  private var steps = 0
  private var stepSeconds = 0.0
  private var calls: [String: Int] = [:]
  private var outcomes: [String: Int] = [:]

  /// Takes one more event, in the order of the journal.
  mutating func add(_ event: JournalEvent) {
    switch event.kind {
    case .stepOutcome, .stepFailed:
      // The word before the dot: what was asked, without one series for each verb.
      if let action = event.action, let noun = action.split(separator: ".").first {
        calls[String(noun), default: 0] += 1
        outcomes[event.kind == .stepOutcome ? "done" : "failed", default: 0] += 1
      }
      if event.kind == .stepFailed { end(event) }
    case .stepIntent:
      if let step = Self.step(of: event), began[step] == nil { began[step] = event.at }
    case .stepDone: end(event)
    case .stepUndone, .stepSkipped:
      if let step = Self.step(of: event) { began[step] = nil }
    default: return  // nothing is counted by other events
    }
  }

  func document(messages: [OutboxEntry.State: Int]) -> JSONValue {
    [
      "incidents": [
        "state": Self.counts(standings.values.map(\.state)),
        "severity": Self.counts(standings.values.map(\.severity)),
      ],
      "runs": ["state": Self.counts(standings.values.compactMap(\.run))],
      "outbox": [
        "state": .object(
          Dictionary(uniqueKeysWithValues: messages.map { ($0.key.rawValue, JSONValue.integer($0.value)) }))
      ],
      "calls": [
        "action": .object(calls.mapValues { .integer($0) }),
        "outcome": .object(outcomes.mapValues { .integer($0) }),
      ],
      "step_seconds": [
        "buckets": .object(
          Dictionary(zip(Self.bounds, stepCounts).map { ("\($0)", JSONValue.integer($1)) }) { first, _ in
            first
          }),
        "sum": .number(stepSeconds), "count": .integer(steps),
      ],
    ]
  }

  private mutating func end(_ event: JournalEvent) {
    guard let step = Self.step(of: event), let start = began.removeValue(forKey: step) else { return }
    let seconds = max(0, event.at.timeIntervalSince(start))
    steps += 1
    stepSeconds += (seconds * 1000).rounded() / 1000
    // Cumulative, as Prometheus wants them.
    for (index, bound) in Self.bounds.enumerated() where seconds <= Double(bound) { stepCounts[index] += 1 }
  }

  private static func step(of event: JournalEvent) -> Step? {
    guard let run = event.run, let step = event.step else { return nil }
    return Step(run: run.rawValue, step: step.rawValue, item: event.item)
  }

  private static func counts(_ words: [String]) -> JSONValue {
    .object(Dictionary(words.map { ($0, 1) }, uniquingKeysWith: +).mapValues { .integer($0) })
  }
}
