package import Chronicle
package import Foundation
package import Incidents
package import Journal

/// The journal's ``Chronicle``, kept: each look reads only what is new, once for everybody who listens.
package final class FollowedChronicle {
  /// Hears of an event and of what it changed.
  package typealias Listener = (JournalEvent, Chronicle.Change) -> Void

  /// As of the last look.
  package private(set) var last = Chronicle()
  private let journal: Journal
  private let kinds: Set<EventKind>
  private var follower = JournalFollower()
  private var listeners: [Listener] = []

  /// - Parameter kinds: only these are read; empty: all.
  package init(_ journal: Journal, kinds: Set<EventKind> = []) {
    self.journal = journal
    self.kinds = kinds
  }

  /// From the next look on `listener` hears of every event. Before the first look it hears of the whole journal.
  package func listen(_ listener: @escaping Listener) { listeners.append(listener) }

  /// Takes in what came since.
  package func refresh() throws {
    try follower.follow(journal, kinds: kinds) { event in
      let change = last.take(event)
      for listener in listeners { listener(event, change) }
    }
  }

  /// What the journal comes to now.
  package func current() throws -> Chronicle {
    try refresh()
    return last
  }

  /// Events that could not be read and were passed over.
  package var unreadable: [JournalFollower.Unreadable] { follower.unreadable }

  /// Openings that no window of the storm's breaker reaches any more are forgotten.
  package func forgetOpenings(at now: Date) { last.forgetOpenings(at: now) }
}
