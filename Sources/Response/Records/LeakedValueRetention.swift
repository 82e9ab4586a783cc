import Chronicle
package import Foundation
package import Incidents
package import Journal

/// How long the values of a closed incident stay sealed, and their end.
///
/// `staunch close` writes the day into the journal; the first command that writes to it after that day destroys the keys of
/// the incident, of those merged into it and of its runs. The fingerprint stays, so a later leak is still recognised.
package struct LeakedValueRetention {
  /// For incidents that were closed before the day was written down.
  package static let standard: TimeInterval = 30 * 86400

  package let journal: Journal

  package init(journal: Journal) {
    self.journal = journal
  }

  /// - Returns: the incidents whose keys were destroyed now.
  @discardableResult
  package func destroyDue(now: Date) throws -> [IncidentID] {
    let live = try journal.liveSealingScopes()
    guard !live.isEmpty else { return [] }
    var chronicle = Chronicle()
    var runs: [IncidentID: [RunID]] = [:]
    try journal.forEachEvent(kinds: [.incidentUpdated, .incidentState, .runStarted]) { event in
      chronicle.take(event)
      guard event.kind == .runStarted, let incident = event.incident, let run = event.run else { return }
      runs[incident, default: []].append(run)
    }
    // What is part of an open incident is kept with it, whenever it was closed itself.
    let parts = Dictionary(grouping: chronicle.merged.gone) { chronicle.owner(of: $0) }
    var destroyed: [IncidentID] = []
    for (id, course) in chronicle.incidents.sorted(by: { $0.key < $1.key }) {
      guard let closed = course.closed else { continue }
      let end = closed.valuesUntil ?? closed.at.addingTimeInterval(Self.standard)
      guard end <= now else { continue }
      let members = [id] + (parts[id] ?? []).sorted()
      let scopes = members.flatMap { member -> [SealingScope] in
        [SealingScope.incident(member)] + (runs[member] ?? []).map { SealingScope.run($0) }
      }
      let due = scopes.filter { live.contains("\($0)") }
      for scope in due { try journal.destroyKey(of: scope, incident: id) }
      if !due.isEmpty { destroyed.append(id) }
    }
    return destroyed
  }
}

/// The worker's look at it, once an hour.
package struct RetentionRound {
  private var due = Date.distantPast

  package init() {}

  package mutating func look(_ installation: Installation, now: Date) throws {
    guard due <= now else { return }
    due = now.addingTimeInterval(3600)
    for incident in try LeakedValueRetention(journal: installation.journal).destroyDue(now: now) {
      installation.voice.say("\(incident): the key of its leaked value was destroyed")
    }
  }
}
