package import Incidents
package import Journal

/// Reads each event of the journal once: what came since the last look. What the worker derives from the journal it keeps in
/// memory and carries on, so a round costs what is new and not what the journal holds.
package struct JournalFollower {
  private var seen = 0

  /// - Parameter kinds: empty: all.
  package mutating func follow(
    _ journal: Journal, kinds: Set<EventKind> = [], _ body: (JournalEvent) throws -> Void
  )
    throws
  {
    // The head first: events of other kinds count as seen too, and what is appended meanwhile is either visited or seen next.
    var last = try journal.head().sequence
    guard last > seen else { return }
    try journal.forEachEvent(after: seen, kinds: kinds) { event in
      try body(event)
      last = max(last, event.sequence)
    }
    seen = last
  }
}
