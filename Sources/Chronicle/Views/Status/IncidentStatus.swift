public import Foundation
public import Incidents

/// Where an incident stands and what to do now: the first screen at 03:00, and what `status` and `show` print as JSON.
public struct IncidentStatus: Sendable, Hashable {
  public enum State: String, Sendable, Codable { case open, contained, closed }

  /// One secret of one credential and what its last probe showed.
  public struct Credential: Sendable, Hashable {
    public let name: CredentialName
    public let subject: CredentialRecord.Subject
    public let state: CredentialState
    /// The last probe; nil when there was none.
    public let probed: Date?
    public let code: String?
    /// Which of several leaked values it is, from 1; nil where there is one.
    public let value: Int?
    /// When a playbook proved it dead; nil while nothing did. A refusal alone is no proof.
    public let proven: Date?
  }

  public struct Run: Sendable, Hashable {
    public enum State: String, Sendable, Codable { case running, waiting, done, failed, aborted }
    public let id: RunID
    public let mode: String
    public let state: State
  }

  public struct Plan: Sendable, Hashable {
    public let id: PlanID
    public let digest: String
    public let playbook: PlaybookID?
    public let isApproved: Bool
    /// Why it can never run: somebody said no to it, or its playbook is another one now; nil: nothing is against it.
    public let obstacle: String?
  }

  /// What the run waits for.
  public struct Waiting: Sendable, Hashable {
    public let step: String
    /// `approval`, `manual`, `retry`, `poll`, `lock`.
    public let what: String
    public let since: Date
    public let until: Date?
    public let prompt: String?
  }

  /// A message that did not provably arrive.
  public struct Message: Sendable, Hashable {
    public let id: String
    public let tracker: TrackerName
    /// `queued`, `unknown`, `dead`.
    public let state: String
    public let event: String?
  }

  /// A platform's word about its alert.
  public struct Said: Sendable, Hashable {
    public let at: Date
    public let text: String
  }

  /// The one thing to do now.
  public struct Next: Sendable, Hashable {
    public let text: String
    /// An exact command; nil when nothing is left to do.
    public let command: String?
    public init(_ text: String, command: String?) {
      self.text = text
      self.command = command
    }
  }

  public let id: IncidentID
  public let codename: String
  public let kind: CredentialKind
  public let severity: Severity
  public let state: State
  public let isDrill: Bool
  public let detected: Date
  public let now: Date
  public let credentials: [Credential]
  /// The playbook's proof of death held for every leaked value, also of an incident that was closed since.
  public let isContained: Bool
  /// How many leaked values nothing has proven dead.
  public let unproven: Int
  public let run: Run?
  public let plan: Plan?
  /// Steps of the current run in the order in which they began, then those of the plan that did not begin.
  public let steps: [StepRecord]
  public let waiting: [Waiting]
  public let undelivered: [Message]
  /// What platforms say of their alerts, oldest first: `GitHub says: resolved as revoked`. Proves nothing.
  public let said: [Said]
  /// What is known of every repository's copy at its forge.
  public let published: [PublishedHistory]
  /// Entries of stores that still hold an old value: what reads them fails.
  public let stillOld: [String]
  /// Copies of the leaked values outside of Git, as the last searches found them.
  public let copies: KeptCopies
  public let next: Next

  /// Time since detection, to `now`; zero when the clock was set back behind it.
  public var sinceDetection: Duration { max(.zero, now.duration(since: detected)) }

  /// The clock stands before the detection: somebody set it back, and no age can be told.
  public var isClockBehind: Bool { now < detected }

  /// Repositories whose forge still holds, or may hold, the leaked value.
  public var stillAtTheForge: [PublishedHistory] { published.filter { !$0.isClean } }

  /// The worst of the leaked secrets: alive before unknown before dead; unknown when none was probed.
  public var leaked: Credential? {
    let order: [CredentialState] = [.alive, .unknown, .dead]
    let leaked = credentials.filter { $0.subject == .leaked }
    return order.lazy.compactMap { state in leaked.first { $0.state == state } }.first
  }

  /// The step that the responder's eye should be on: waiting, failed, unknown or running, in that order.
  public var currentStep: StepRecord? {
    let order: [StepRecord.State] = [.unknown, .failed, .waiting, .running]
    guard run?.state != .done else { return nil }
    return order.lazy.compactMap { state in steps.last { $0.state == state } }.first
  }

  /// The status of every incident: open ones first, the most severe first, then the oldest.
  /// - Parameter now: the wall clock, for T+ and for steps under way.
  public static func derive(events: [JournalEvent], now: Date) -> [IncidentStatus] {
    IncidentRecord.all(in: events).map { IncidentStatus(of: $0, now: now) }
      .sorted { one, other in
        if (one.state == .closed) != (other.state == .closed) { return other.state == .closed }
        return one.severity != other.severity ? one.severity > other.severity : one.detected < other.detected
      }
  }
}
