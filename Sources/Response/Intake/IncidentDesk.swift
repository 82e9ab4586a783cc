import Capabilities
import Chronicle
import Foundation
package import Incidents
package import JSON
package import Journal
package import Secrets

/// Puts reported incidents into the journal: a known secret updates its incident, a new one opens one, one that connects two
/// merges them, and one that comes back after its end opens its incident again.
package struct IncidentDesk {
  /// What became of one reported incident.
  package struct Entry: Sendable {
    package enum State: String, Sendable {
      case opened, known, merged
      /// It was closed, and the secret is back.
      case reopened
      /// It is closed, and the places are history: nothing was written.
      case ignored
    }
    package let id: IncidentID
    /// What the report brought, under the names of the incident that it belongs to.
    package let incident: Incident
    /// The sealed leaked values, those of before first; none while nobody knows one.
    package let leaked: [SecretRef]
    package let isNew: Bool
    package let state: State
    /// The journal did not have all of it yet.
    package var isNews = true
    /// Values that a known incident did not have: each is a leak of its own, no further place of the old one.
    package var furtherValues = 0

    package init(
      id: IncidentID, incident: Incident, leaked: [SecretRef], isNew: Bool, state: State, isNews: Bool = true,
      furtherValues: Int = 0
    ) {
      self.id = id
      self.incident = incident
      self.leaked = leaked
      self.isNew = isNew
      self.state = state
      self.isNews = isNews
      self.furtherValues = furtherValues
    }
  }

  package let journal: Journal
  package let ledger: IncidentLedger
  /// What brought the incidents, named in the journal: people are told of what was delivered, together. Nil for a report that
  /// a person hands in, who reads the answer.
  package var delivery: JSONValue?
  /// Names the report that a person handed in: its incidents are contained before the history of any (``HistoryOrder``).
  package var report: String?
  /// Called before an incident is opened again, with the event that had closed it: whoever must be told is told first, so
  /// that a crash in between repeats it rather than forgets it. The text says why.
  package var willReopen: (IncidentID, Incident, Int, String) throws -> Void = { _, _, _, _ in }
  /// Why closed incidents are opened again whatever was found, for people; nil: a new place or a working secret decides.
  package var reopening: String?
  /// What became of trying values that known incidents do not have yet; one that was not tried counts as unknown.
  package var tried: [Fingerprint: JoiningValues.Trial] = [:]

  /// So many incidents share a commit.
  private static let batch = 256

  package init(journal: Journal, ledger: IncidentLedger? = nil) {
    self.journal = journal
    self.ledger = ledger ?? IncidentLedger(journal: journal)
  }

  /// Appends what is new. A report that brings nothing is one event for each incident, which says that it was seen again; the
  /// same delivery taken in twice is none.
  package func record(_ incidents: [Incident]) throws -> [Entry] {
    try ledger.refresh()
    var entries: [Entry] = []
    var groups: [(events: [NewEvent], sealing: Sealing?)] = []
    for incident in incidents {
      let (entry, group) = try record(incident)
      entries.append(entry)
      if let group { groups.append(group) }
      if groups.count == Self.batch {
        try journal.append(groups: groups)
        groups = []
      }
    }
    if !groups.isEmpty { try journal.append(groups: groups) }
    try ledger.refresh()
    return entries
  }

  private typealias Group = (events: [NewEvent], sealing: Sealing?)

  private func record(_ incident: Incident) throws -> (Entry, Group?) {
    let matching = IncidentMatching.of(incident, known: ledger.keys, isOlder: ledger.isOlder)
    switch matching {
    case .new:
      return append(incident, to: incident.id, kind: .incidentOpened, state: .opened, incident.values)
    case .merge(let id, let others):
      let merge: JSONValue = ["merged": .array(others.map { .string($0.rawValue) })]
      var before = [NewEvent(.incidentUpdated, incident: id, merge)]
      let ended = ledger.known(id)?.closed?.sequence
      let brings = others.contains { ledger.hasOpenValues($0, besides: id) }
      let wasClosed = others.contains { ledger.known($0)?.closed != nil }
      for other in others { ledger.expectMerge(other, into: id) }
      let incident = named(incident, as: id)
      let further = try ledger.furtherValues(of: incident, in: id)
      // An open value must not end up inside a closed incident.
      if let ended, brings || !further.isEmpty {
        let reason = "an incident with another value turned out to be of the same credential"
        try willReopen(id, incident, ended, reason)
        ledger.expectReopening(of: id)
        before.append(
          NewEvent(.incidentState, incident: id, ["state": "open", "reason": .string(reason)]))
      } else if ended == nil, wasClosed {
        // The last word about the whole would be that a part of it was closed.
        before.append(
          NewEvent(
            .incidentState, incident: id,
            IncidentStateChange(.open, because: "a closed incident turned out to be a part of it").body))
      }
      return append(
        incident, to: id, kind: .incidentUpdated, state: .merged, further, before: before)
    case .known(let id):
      let known = ledger.known(id)
      let incident = named(incident, as: id)
      let further = try ledger.furtherValues(of: incident, in: id)
      let isNews = !further.isEmpty || isNews(incident, known)
      // Taken in once more after a crash.
      if !isNews, reopening == nil, let delivery, ledger.has(delivery, of: id) {
        return (unchanged(incident, id, known, known?.closed == nil ? .known : .ignored), nil)
      }
      let isDoubted = known?.contained != nil && incident.validity == .active
      guard let ended = known?.closed?.sequence ?? (further.isEmpty && !isDoubted ? nil : known?.contained)
      else {
        guard isNews else { return seen(incident, id, known) }
        return append(incident, to: id, kind: .incidentUpdated, state: .known, further)
      }
      guard let reason = reopening(of: incident, known, further) else {
        // A value that its provider refuses does not open a closed incident; it is kept, and scanned for from now on. Of a
        // contained one the proof stands: it is still refused, whatever the report says, and the journal says both.
        guard further.isEmpty, known?.closed != nil else {
          guard isNews else { return seen(incident, id, known) }
          return append(incident, to: id, kind: .incidentUpdated, state: .known, further)
        }
        return (unchanged(incident, id, known, .ignored), nil)
      }
      try willReopen(id, incident, ended, reason)
      ledger.expectReopening(of: id)
      return append(
        incident, to: id, kind: .incidentUpdated, state: .reopened, further,
        before: [NewEvent(.incidentState, incident: id, ["state": "open", "reason": .string(reason)])])
    }
  }

  /// The report under the names of its incident: one codename, one kind.
  private func named(_ incident: Incident, as id: IncidentID) -> Incident {
    guard let known = ledger.known(id) else { return incident }
    return known.identity.naming(incident, as: id, places: known.places)
  }

  /// Nothing new, and it was seen: what was clean before that is looked at again.
  private func seen(_ incident: Incident, _ id: IncidentID, _ known: IncidentLedger.Known?) -> (Entry, Group?)
  {
    let entry = unchanged(incident, id, known, .known)
    // What we asked for ourselves is no report, and a platform's word about its alert no sighting.
    guard reopening == nil, report != nil || delivery != nil else { return (entry, nil) }
    var members = origin
    members["seen"] = Sighting(incident).json
    members["reported_active"] = reportedActive(incident, known)
    return (
      entry,
      ([NewEvent(.incidentUpdated, incident: id, .object(members))] + probes(of: known?.values, in: id), nil)
    )
  }

  /// What brought it.
  private var origin: [String: JSONValue] {
    var members: [String: JSONValue] = [:]
    members["delivery"] = delivery
    members["report"] = report.map { .string($0) }
    return members
  }

  /// Known values of which the report says that they work; nil where it says that of none.
  private func reportedActive(_ incident: Incident, _ known: IncidentLedger.Known?) -> JSONValue? {
    guard incident.validity == .active, let known else { return nil }
    return .array(meant(by: incident, known.values).map { .string($0.rawValue) })
  }

  /// The known values that a report is about: its own, or, where it holds none, any.
  private func meant(by incident: Incident, _ known: LeakedValues) -> [SecretRef] {
    guard !incident.values.isEmpty else { return known.refs }
    let own = incident.values.compactMap { known.fingerprints[$0.fingerprint] }
    // One that is not among those with a fingerprint may be one of the others.
    return own.count == incident.values.count ? own : own + known.unnamed
  }

  /// What became of asking again values that were known, because a report says that they work.
  private func probes(of known: LeakedValues?, in id: IncidentID, besides brought: Set<Fingerprint> = [])
    -> [NewEvent]
  {
    (known?.fingerprints ?? [:]).sorted { $0.value < $1.value }.compactMap { value, ref in
      brought.contains(value) ? nil : tried[value].map { $0.event(of: ref, in: id) }
    }
  }

  private func unchanged(
    _ incident: Incident, _ id: IncidentID, _ known: IncidentLedger.Known?, _ state: Entry.State
  ) -> Entry {
    Entry(
      id: id, incident: incident, leaked: known?.values.refs ?? [], isNew: false, state: state, isNews: false)
  }

  /// Why an incident that was closed, or contained before `further` values of it came, is opened again; nil: it is not.
  private func reopening(
    of incident: Incident, _ known: IncidentLedger.Known?, _ further: [LeakedValue]
  ) -> String? {
    if let reopening { return reopening }
    if further.isEmpty, let known, known.closed == nil { return doubt(of: incident, known.values) }
    let word = "another value of the same credential was reported"
    for value in further {
      switch tried[value.fingerprint]?.probe.state {
      case .alive: return "\(word), and it is accepted"
      case .unknown, nil: return "\(word), and whether it is accepted is unknown"
      case .dead: continue
      }
    }
    guard let closed = known?.closed else {
      return "\(word): what proved the others dead says nothing of it"
    }
    return isBack(incident, closedAt: closed.at, known: known?.places ?? [])
      ? "the secret was found again after the incident was closed" : nil
  }

  /// Why a contained incident is open again: a report says that a value of it works, and we could not see it refused since.
  private func doubt(of incident: Incident, _ known: LeakedValues) -> String? {
    let word = "a leaked value was reported as accepted after it was proven dead"
    let trials = known.fingerprints.reduce(into: [SecretRef: JoiningValues.Trial]()) {
      $0[$1.value] = tried[$1.key]
    }
    for ref in meant(by: incident, known) {
      switch trials[ref]?.probe.state {
      case .alive: return "\(word), and it is accepted"
      case .unknown, nil: return "\(word), and whether it is accepted is unknown"
      case .dead: continue
      }
    }
    return nil
  }

  /// A place, a name or a word about it that the journal does not have yet.
  private func isNews(_ incident: Incident, _ known: IncidentLedger.Known?) -> Bool {
    guard let known else { return true }
    let keys = [incident.key] + incident.aliases
    return known.identity.isNews(incident)
      || keys.contains { $0.namesOneSecret && !ledger.keys.isKnown($0) }
      || !known.places.isSuperset(of: incident.occurrences.map(\.key))
  }

  private func isBack(_ incident: Incident, closedAt: Date, known: Set<String>) -> Bool {
    let places: [Occurrence?] = incident.occurrences.isEmpty ? [nil] : incident.occurrences
    return places.contains {
      Recurrence.of($0, validity: incident.validity, closedAt: closedAt, known: known) == .reopen
    }
  }

  /// - Parameter further: values that are sealed with it.
  private func append(
    _ incident: Incident, to id: IncidentID, kind: EventKind, state: Entry.State, _ further: [LeakedValue],
    before: [NewEvent] = []
  ) -> (Entry, Group?) {
    var members = incident.openedBody.object ?? [:]
    members.merge(origin) { _, new in new }
    members["reported_active"] = reportedActive(incident, ledger.known(id))
    var values = ledger.known(id)?.values ?? LeakedValues()
    let isFirst = !values.hadAny
    var secrets: [SecretRef: Secret] = [:]
    var named: [JSONValue] = []
    var probes: [NewEvent] = []
    // What is worked on again is needed again.
    let isBack = state == .reopened || state == .merged
    let lost = isBack ? incident.values.filter { values.destroyed.contains($0.fingerprint) } : []
    for value in further + lost {
      let ref = SecretRef.leaked(of: id, further: values.hadAny ? value.fingerprint : nil)
      values.note(value.fingerprint, of: ref)
      secrets[ref] = value.secret
      named.append(["ref": .string(ref.rawValue), "fingerprint": .string(value.fingerprint.rawValue)])
      if let trial = tried[value.fingerprint] { probes.append(trial.event(of: ref, in: id)) }
    }
    probes += self.probes(of: values, in: id, besides: Set((further + lost).map(\.fingerprint)))
    if !named.isEmpty { members["values"] = .array(named) }
    let body = JSONValue.object(members)
    let sealing = secrets.isEmpty ? nil : Sealing(secrets, under: .incident(id), purpose: "leaked")
    ledger.expect(body, of: id, values: values, isOpening: kind == .incidentOpened)
    let entry = Entry(
      id: id, incident: incident, leaked: values.refs, isNew: kind == .incidentOpened, state: state,
      furtherValues: isFirst ? 0 : further.count)
    return (entry, (before + [NewEvent(kind, incident: id, body)] + probes, sealing))
  }
}
