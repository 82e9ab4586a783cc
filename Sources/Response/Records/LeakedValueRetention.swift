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
    var ends: [IncidentID: Date] = [:]
    try journal.forEachEvent(kinds: [.incidentState]) { event in
      guard let incident = event.incident, case .incidentState(let change) = event.typed else { return }
      ends[incident] =
        change.state == .closed ? change.valuesUntil ?? event.at.addingTimeInterval(Self.standard) : nil
    }
    var destroyed: [IncidentID] = []
    for (incident, end) in ends.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where end <= now {
      let due = try scopes(of: incident).filter { live.contains("\($0)") }
      for scope in due { try journal.destroyKey(of: scope, incident: incident) }
      if !due.isEmpty { destroyed.append(incident) }
    }
    return destroyed
  }

  private func scopes(of incident: IncidentID) throws -> [SealingScope] {
    var scopes: [SealingScope] = [.incident(incident)]
    for event in try journal.events(incident: incident, kinds: [.incidentUpdated, .runStarted]) {
      if let run = event.run, event.kind == .runStarted { scopes.append(.run(run)) }
      scopes += event.mergedIncidents.map { .incident($0) }
    }
    return scopes
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
