public import Foundation
public import Incidents
import JSON

/// A stretch of time in which a run waited for a person: at an approval or a manual step.
public struct HumanWait: Sendable, Hashable {
  public let step: StepID
  public let from: Date
  /// Nil while it still waits.
  public let until: Date?
  public let evidence: EvidenceLink
}

extension IncidentRecord {
  /// The waits for people, in order.
  public var humanWaits: [HumanWait] {
    var waits: [HumanWait] = []
    for (index, event) in events.enumerated() where event.isHumanGate {
      guard let step = event.step else { continue }
      let end = events[(index + 1)...].first {
        $0.run == event.run && $0.endsWait(of: step, item: event.item)
      }
      // The engine may say again that it waits (after a resume): the first mention opened the wait.
      if let open = waits.last(where: { $0.step == step }), open.until == nil || open.until == end?.at {
        continue
      }
      waits.append(HumanWait(step: step, from: event.at, until: end?.at, evidence: event.evidence))
    }
    return waits
  }

  /// The time within `span` in which at least one gate waited for a person; an open wait lasts to the end of the span.
  func timeWaited(in span: ClosedRange<Date>) -> Duration {
    let clipped = humanWaits.compactMap { wait -> (Date, Date)? in
      let from = max(wait.from, span.lowerBound)
      let until = min(wait.until ?? span.upperBound, span.upperBound)
      return from < until ? (from, until) : nil
    }
    var total = Duration.zero
    var covered = span.lowerBound
    for (from, until) in clipped.sorted(by: { $0.0 < $1.0 }) where until > covered {
      total += until.duration(since: max(from, covered))
      covered = until
    }
    return total
  }
}

extension JournalEvent {
  /// True when a run begins to wait for a person.
  var isHumanGate: Bool {
    if case .stepWaiting(let wait) = typed { wait.isForPerson } else { false }
  }

  fileprivate func endsWait(of step: StepID, item: Int?) -> Bool {
    switch typed {
    case .planApproved, .planDeclined, .decision: self.step == nil || self.step == step
    case .runEnded(let end): end.state == .aborted
    case .stepIntent, .stepOutcome, .stepFailed, .stepSkipped, .stepManual, .stepDone:
      self.step == step && self.item == item
    default: false  // nothing else lets a waiting step go on
    }
  }
}
