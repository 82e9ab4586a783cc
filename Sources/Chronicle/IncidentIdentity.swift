public import Incidents

/// What an incident is called: one codename and one kind, whatever each of its reports, or an incident that was merged into
/// it, was called. Scanners name one secret differently, and a stronger key of a later report would give another codename.
///
/// Folded from the reports; the order in which they are taken in does not matter.
public struct IncidentIdentity: Sendable {
  /// The first codename, and by which event it came.
  private var named: String?
  private var namedBy = Int.max
  /// By which event each kind came first.
  private var kinds: [CredentialKind: Int] = [:]
  /// What a report that was not certain of a kind also thought of.
  private var alsoThought: [CredentialKind: [CredentialKind]] = [:]
  private var certain: Set<CredentialKind> = []
  /// The keys of its reports, by which the keys of their places were made.
  private var reported: Set<IncidentKey> = []
  private var namesOneSecret = false
  private var isTrap = false
  /// What the values themselves say: a vendor's example, a key of a test mode. A report without a value cannot know.
  private var ofValues: Restraint?
  /// The public part, where a report has it.
  public private(set) var handle: String?
  /// The worst that was stated; nil: none was.
  public private(set) var severity: Severity?
  /// What all reports say together.
  public private(set) var validity = Validity.notChecked
  public private(set) var isPubliclyLeaked: Bool?

  public init() {}

  /// The words that the incident `id` was opened with; its id where the journal has none.
  public func codename(of id: IncidentID) -> String { named ?? id.rawValue }

  /// The most specific word of any report; of equal ones the first.
  public var kind: CredentialKind {
    KindTable.mostSpecific(kinds.sorted { $0.value < $1.value }.map(\.key))
  }

  /// Kinds it may also be; empty when a report was certain.
  public var alternatives: [CredentialKind] { certain.contains(kind) ? [] : alsoThought[kind] ?? [] }

  /// Takes in a report; a word that is none changes nothing. Safe to repeat.
  ///
  /// - Parameter sequence: of its event; any growing number.
  public mutating func take(_ report: IncidentReport, at sequence: Int) {
    if let codename = report.codename, sequence < namedBy { (named, namedBy) = (codename, sequence) }
    if let kind = report.kind {
      kinds[kind] = min(kinds[kind] ?? .max, sequence)
      let others = report.alternatives
      if others.isEmpty { certain.insert(kind) } else { alsoThought[kind] = others }
    }
    if let key = report.key { reported.insert(key) }
    if ([report.key].compactMap { $0 } + report.aliases).contains(where: \.namesOneSecret) {
      namesOneSecret = true
    }
    handle = handle ?? report.handle
    severity = [severity, report.severity].compactMap { $0 }.max()
    if let word = report.validity { validity = validity.combined(with: word) }
    if let leaked = report.isPubliclyLeaked { isPubliclyLeaked = isPubliclyLeaked == true || leaked }
    let restraint = report.restraint
    if restraint == .canary { isTrap = true }
    if restraint == .example || restraint == .testKey {
      ofValues = restraint
    } else if report.namesValues {
      ofValues = nil
    }
  }

  /// Takes in what was known of an incident that is part of this one now.
  public mutating func join(_ gone: IncidentIdentity) {
    if gone.namedBy < namedBy { (named, namedBy) = (gone.named, gone.namedBy) }
    kinds.merge(gone.kinds) { min($0, $1) }
    alsoThought.merge(gone.alsoThought) { own, _ in own }
    certain.formUnion(gone.certain)
    reported.formUnion(gone.reported)
    namesOneSecret = namesOneSecret || gone.namesOneSecret
    isTrap = isTrap || gone.isTrap
    // One value that is no example among several restrains nothing.
    ofValues = ofValues == gone.ofValues ? ofValues : nil
    handle = handle ?? gone.handle
    severity = [severity, gone.severity].compactMap { $0 }.max()
    validity = validity.combined(with: gone.validity)
    if let leaked = gone.isPubliclyLeaked { isPubliclyLeaked = isPubliclyLeaked == true || leaked }
  }

  /// Whether `incident`, a report of this one, says of it what no report has said yet: what it is, that it works, or that
  /// everyone can read it.
  public func isNews(_ incident: Incident) -> Bool {
    incident.kind != kind || (handle == nil && incident.handle != nil)
      || validity.combined(with: incident.validity) != validity
      || (incident.exposure.isPubliclyLeaked == true && isPubliclyLeaked != true)
  }

  /// `incident` as a report of `id`, whose identity this is: under its names, and with the keys that its known places have.
  ///
  /// - Parameter places: keys of places that the journal has.
  public func naming(
    _ incident: Incident, as id: IncidentID, places: Set<String>, table: KindTable = .builtin
  ) -> Incident {
    var own = self
    own.take(IncidentReport(incident.openedBody), at: .max - 1)
    let kind = own.kind
    let handle = incident.handle ?? self.handle
    return Incident(
      id: id, key: incident.key, aliases: incident.aliases, kind: kind, alternatives: own.alternatives,
      provider: table.row(of: kind)?.provider, handle: handle, fingerprint: incident.fingerprint,
      values: incident.values, validity: incident.validity, exposure: incident.exposure,
      severity: own.severity ?? incident.severity, codename: own.codename(of: id),
      restraint: own.isTrap
        ? .canary
        : (incident.values.isEmpty ? ofValues : nil)
          ?? Restraint.of(
            kind: kind, validity: incident.validity, secrets: incident.values.map(\.secret), handle: handle,
            hasIdentity: own.namesOneSecret),
      sources: incident.sources, detectedAt: incident.detectedAt,
      occurrences: incident.occurrences.map { own.keyed($0, of: incident.key, kind: kind, places) },
      furtherFindings: incident.furtherFindings, next: incident.next)
  }

  /// Another scanner's word for the kind, or a stronger key, makes no other place of one.
  private func keyed(_ place: Occurrence, of key: IncidentKey, kind: CredentialKind, _ places: Set<String>)
    -> Occurrence
  {
    if places.contains(place.key) { return place }
    for earlier in kinds.keys {
      for reported in reported {
        let known = Occurrence.key(of: place.location, kind: earlier, incident: reported)
        if places.contains(known) { return place.keyed(known) }
      }
    }
    return place.keyed(Occurrence.key(of: place.location, kind: kind, incident: key))
  }
}
