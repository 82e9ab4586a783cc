public import Foundation
public import Incidents

/// Everything a score is computed from: the journal's word, and what the sandbox shows from outside.
public struct DrillEvidence: Sendable {
  /// One incident's draft.
  public struct PostMortem: Sendable, Hashable {
    public let path: String
    /// Errors of the blameless lint.
    public let errors: Int
    public init(path: String, errors: Int) {
      self.path = path
      self.errors = errors
    }
  }

  /// The moment of the trigger (``Sandbox/started``).
  public let started: Date
  /// The moment the last command ended.
  public let ended: Date
  /// The drill's whole journal.
  public let events: [JournalEvent]
  public let before: SandboxObservation
  public let after: SandboxObservation
  /// How many secrets leaked: one incident each.
  public let leaks: Int
  public let postMortems: [PostMortem]
  /// Where a secret was seen in output, by ``Sandbox/leaks(in:texts:)``; no values.
  public let exposedIn: [String]
  /// Messages that are not delivered.
  public let undelivered: Int
  /// What was seen from outside all the time.
  public let watch: WatchRecord
  public let injections: [Injection]

  public init(
    started: Date, ended: Date, events: [JournalEvent], before: SandboxObservation, after: SandboxObservation,
    leaks: Int, postMortems: [PostMortem], exposedIn: [String], undelivered: Int,
    watch: WatchRecord = WatchRecord(), injections: [Injection] = []
  ) {
    self.started = started
    self.ended = ended
    self.events = events
    self.before = before
    self.after = after
    self.leaks = leaks
    self.postMortems = postMortems
    self.exposedIn = exposedIn
    self.undelivered = undelivered
    self.watch = watch
    self.injections = injections
  }
}
