package import Incidents
package import Journal

/// Reads each event of the journal once: what came since the last look. What the worker derives from the journal it keeps in
/// memory and carries on, so a round costs what is new and not what the journal holds.
///
/// An event that cannot be read is passed over: it is the trouble of its own incident, whose events are read again when that
/// incident is looked at, and of nobody else.
package struct JournalFollower {
  /// An event that could not be read.
  package struct Unreadable: Sendable, Hashable {
    package let sequence: Int
    /// Nil: it names none.
    package let incident: IncidentID?
  }

  private var seen = 0
  /// What was passed over so far.
  package private(set) var unreadable: [Unreadable] = []

  /// - Parameter kinds: empty: all.
  package mutating func follow(
    _ journal: Journal, kinds: Set<EventKind> = [], _ body: (JournalEvent) -> Void
  )
    throws
  {
    // The head first: events of other kinds count as seen too, and what is appended meanwhile is either visited or seen next.
    let head = try journal.head().sequence
    guard head > seen else { return }
    var last = seen
    var passedOver: [Unreadable] = []
    // A reading that breaks off goes on behind the last event that was taken in: none is taken in twice.
    defer {
      seen = last
      unreadable += passedOver
    }
    try journal.forEachEvent(
      after: seen, kinds: kinds,
      passingOver: { sequence, incident in
        passedOver.append(Unreadable(sequence: sequence, incident: incident))
        last = max(last, sequence)
      }
    ) { event in
      body(event)
      last = max(last, event.sequence)
    }
    last = max(last, head)
  }
}
