import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Secrets

/// Puts reported incidents into the journal: a known secret updates its incident, a new one opens one.
struct IncidentDesk {
  /// What became of one reported incident.
  struct Entry: Sendable {
    let id: IncidentID
    let incident: Incident
    /// The sealed leaked value; nil while nobody knows it.
    let leaked: SecretRef?
    let isNew: Bool
    /// A plan or run that exists already for this incident.
    let state: String
  }

  let journal: Journal

  /// Appends what is new; repeating the same report appends nothing.
  func record(_ incidents: [Incident]) throws -> [Entry] {
    var known = try knownIncidents()
    var entries: [Entry] = []
    for incident in incidents {
      let keys = [incident.key] + incident.aliases.sorted()
      let found = keys.lazy.compactMap { known[$0.rawValue] }.first
      let id = found?.id ?? incident.id
      let ref = SecretRef("\(id)/leaked")
      let needsSealing = incident.secret != nil && found?.isSealed != true
      let body = incident.openedBody
      let sealing =
        needsSealing
        ? incident.secret.map { Sealing([ref: $0], under: .incident(id), purpose: "leaked") } : nil
      if found == nil {
        try journal.append([NewEvent(.incidentOpened, incident: id, body, at: nil)], sealing: sealing)
      } else if let found, needsSealing || !found.places.isSuperset(of: incident.occurrences.map(\.key)) {
        try journal.append([NewEvent(.incidentUpdated, incident: id, body, at: nil)], sealing: sealing)
      }
      let isSealed = needsSealing || found?.isSealed == true
      let places = (found?.places ?? []).union(incident.occurrences.map(\.key))
      for key in keys { known[key.rawValue] = Known(id: id, isSealed: isSealed, places: places) }
      entries.append(
        Entry(
          id: id, incident: incident, leaked: isSealed ? ref : nil, isNew: found == nil,
          state: found == nil ? "opened" : "known"))
    }
    return entries
  }

  private struct Known {
    let id: IncidentID
    var isSealed: Bool
    var places: Set<String>
  }

  /// Every key under which an incident is in the journal.
  private func knownIncidents() throws -> [String: Known] {
    var known: [String: Known] = [:]
    var byID: [IncidentID: Known] = [:]
    var keys: [IncidentID: Set<String>] = [:]
    try journal.forEachEvent(kinds: [.incidentOpened, .incidentUpdated, .secretSealed]) { event in
      guard let id = event.incident else { return }
      var entry = byID[id] ?? Known(id: id, isSealed: false, places: [])
      if event.kind == .secretSealed {
        if event.body["key"]?.string == "\(id)/leaked" { entry.isSealed = true }
      } else {
        for location in event.body["locations"]?.array ?? [] {
          if let key = location["key"]?.string { entry.places.insert(key) }
        }
        if let key = event.body["key"]?.string { keys[id, default: []].insert(key) }
        for alias in event.body["aliases"]?.array ?? [] {
          if let key = alias.string { keys[id, default: []].insert(key) }
        }
      }
      byID[id] = entry
    }
    for (id, entry) in byID { for key in keys[id] ?? [] { known[key] = entry } }
    return known
  }
}
