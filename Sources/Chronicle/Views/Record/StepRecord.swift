public import Foundation
public import Incidents
import JSON

/// What became of one step (of one item, in a `for_each`) in one run.
public struct StepRecord: Sendable, Hashable {
  /// Where a step stands. Raw values are part of the JSON contract.
  public enum State: String, Sendable, Codable, Hashable {
    /// In the saved plan, not begun.
    case pending
    case running
    /// For an approval, a person, a retry, a poll or a lock.
    case waiting
    case done, skipped, failed, undone
    /// The reply to an effect was lost and no probe could tell how it ended.
    case unknown
  }

  public let run: RunID?
  public let step: StepID
  public let item: Int?
  /// For example `credential.issue`; nil for steps that only wait or are done by hand.
  public let action: String?
  public let state: State
  /// When it began, by our clock; nil when the journal holds only its end (a read has no intent).
  public let began: Date?
  public let ended: Date?
  /// Why it waits, was skipped or failed.
  public let reason: String?
  /// The last event about it.
  public let last: JournalEvent

  /// From the beginning to the end, or to `now` while it is not over; nil when the beginning is unknown.
  public func elapsed(at now: Date) -> Duration? {
    // A clock that was set back makes no negative duration.
    began.map { max(.zero, (ended ?? now).duration(since: $0)) }
  }
}

extension IncidentRecord {
  /// Every step of every run, in the order in which they began.
  public var steps: [StepRecord] {
    struct Key: Hashable {
      let run: RunID?
      let step: StepID
      let item: Int?
    }
    var order: [Key] = []
    var grouped: [Key: [JournalEvent]] = [:]
    for event in events where event.kind.isAboutStep {
      guard let step = event.step else { continue }
      let key = Key(run: event.run, step: step, item: event.item)
      if grouped[key] == nil { order.append(key) }
      grouped[key, default: []].append(event)
    }
    return order.compactMap { key in
      grouped[key].flatMap { StepRecord(run: key.run, step: key.step, item: key.item, events: $0) }
    }
  }
}

extension StepRecord {
  fileprivate init?(run: RunID?, step: StepID, item: Int?, events: [JournalEvent]) {
    guard let first = events.first, let last = events.last else { return nil }
    var state = State.running
    var reason: String?
    var ended: Date?
    for event in events {
      guard let next = State(after: event) else { continue }
      state = next
      reason = event.stepReason
      switch next {
      case .done, .skipped, .failed, .undone: ended = event.at
      case .pending, .running, .waiting, .unknown: ended = nil
      }
    }
    self.run = run
    self.step = step
    self.item = item
    // The step's own action stands in its intent or outcome; a verification may use another.
    let own = events.first { [.stepIntent, .stepOutcome].contains($0.kind) && $0.action != nil }
    self.action = (own ?? events.first { $0.action != nil })?.action
    self.state = state
    self.began = [.stepIntent, .stepWaiting].contains(first.kind) ? first.at : nil
    self.ended = ended
    self.reason = reason
    self.last = last
  }
}

extension StepRecord.State {
  /// The state that `event` leads to; nil when it changes nothing.
  fileprivate init?(after event: JournalEvent) {
    switch event.typed {
    case .stepIntent, .stepOutcome, .stepVerified, .stepManual: self = .running
    // An attempt that another one follows is no failure of the step.
    case .stepFailed(let failure): self = failure.isFinal == false ? .running : .failed
    case .stepSettled(let settled): self = settled.settlement == "unknown" ? .unknown : .running
    case .stepWaiting: self = .waiting
    case .stepSkipped: self = .skipped
    case .stepDone: self = .done
    case .stepUndone(let undone): self = undone.result == "undone" ? .undone : .failed
    default: return nil  // no event about a step: the caller keeps the state it has
    }
  }
}

extension EventKind {
  /// True for the kinds whose first member is `step`.
  var isAboutStep: Bool { rawValue.hasPrefix("step.") }
}

extension JournalEvent {
  /// Why a step waits, was skipped or failed, in one line.
  var stepReason: String? {
    switch typed {
    case .stepWaiting(let wait): wait.prompt ?? wait.subject.map { "for \($0)" }
    case .stepFailed(let failure): failure.message ?? failure.kind
    case .stepSkipped(let skip): skip.reason
    case .stepUndone(let undone): undone.reason
    case .stepSettled(let settled): settled.evidence
    default: nil  // the other kinds carry no reason
    }
  }
}

extension Date {
  /// From `earlier` to this instant, to the millisecond; negative when `earlier` is later.
  public func duration(since earlier: Date) -> Duration {
    .milliseconds(Int((timeIntervalSince(earlier) * 1000).rounded()))
  }
}
