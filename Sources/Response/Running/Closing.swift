package import Chronicle
package import Foundation
package import Incidents
package import Journal

/// The end of an incident: a person's word, and what is kept of it.
package struct Closing {
  package let journal: Journal
  package let now: Date

  package init(journal: Journal, now: Date) {
    self.journal = journal
    self.now = now
  }

  /// Why an incident is not proven contained, in words.
  package static func unproven(_ status: IncidentStatus?) -> String {
    switch status?.leaked?.state {
    case .alive?: return "its leaked credential is still accepted"
    case .unknown?: return "whether its leaked credential is accepted is unknown"
    case .dead?:
      let count = status?.unproven ?? 0
      return
        "its leaked credential was refused, and \(count == 1 ? "a value" : "\(count) values") of it \(count == 1 ? "is" : "are") "
        + "not proven dead: a playbook's proof is"
    case nil: return "its leaked credential was never tried"
    }
  }

  /// Writes down that it is over, and although what; destroys the keys of its values where nobody wants them kept.
  ///
  /// - Parameters:
  ///   - stillAtTheForge: copies that a person leaves on purpose.
  ///   - keepingValues: how long its values stay sealed; nil: as long as is usual.
  /// - Returns: until when its values stay sealed.
  package func close(
    _ status: IncidentStatus, stillAtTheForge left: [PublishedHistory], because reason: String,
    role: RoleName, keepingValues kept: Duration?
  ) throws -> Date {
    var although: [String] = []
    if !status.isContained { although.append("it is not proven contained") }
    if !status.copies.isEmpty {
      although.append("copies of the leaked value lie outside of Git (\(status.copies.count))")
    }
    if !left.isEmpty {
      let names = left.map(\.repository.rawValue).joined(separator: ", ")
      although.append("the leaked value is still at the forge (\(names))")
    }
    let what =
      "close the incident" + (although.isEmpty ? "" : " although " + although.joined(separator: " and "))
    let until = now.addingTimeInterval(
      kept.map { TimeInterval($0.components.seconds) } ?? LeakedValueRetention.standard)
    try journal.append([
      NewEvent(
        .incidentState, incident: status.id,
        IncidentStateChange(.closed, because: reason, valuesUntil: until).body),
      NewEvent(
        .decision, incident: status.id, DecisionMade(what, because: reason, role: role).body),
    ])
    if until <= now { try LeakedValueRetention(journal: journal).destroyDue(now: now) }
    return until
  }
}
