import Foundation
import Secrets

/// The findings of one secret, while they come in.
struct FindingGroup: Sendable {
  private let maximumPlaces: Int
  private var keys: Set<IncidentKey> = []
  private var kinds: [CredentialKind] = []
  private var alternatives: [CredentialKind] = []
  private var handle: String?
  private var values: [LeakedValue] = []
  private var validity = Validity.notChecked
  private var exposure = Exposure()
  private var sources: Set<FindingSource> = []
  private var firstSeen: Date?
  private var places: [ReportedPlace] = []
  private var known: Set<[String]> = []
  private var furtherFindings = 0
  private var url: String?

  init(maximumPlaces: Int) { self.maximumPlaces = maximumPlaces }

  var namesOneSecret: Bool { keys.contains(where: \.namesOneSecret) }

  /// Where this secret stands, for findings that know only a place: without the kind, which scanners name differently.
  var placeKeys: Set<String> { Set(places.compactMap { IncidentKey.place(of: $0.location) }) }

  mutating func add(_ finding: Finding, keys: [IncidentKey]) {
    // One place key is enough: thousands of places of one secret are no aliases of it.
    if keys.contains(where: \.namesOneSecret) {
      self.keys.formUnion(keys.filter(\.namesOneSecret))
    } else {
      self.keys.formUnion(keys)
    }
    if !kinds.contains(finding.kind) { kinds.append(finding.kind) }
    if alternatives.isEmpty || finding.alternatives.isEmpty { alternatives = finding.alternatives }
    handle = handle ?? finding.handle
    // Keys stand strongest first, the installation's own fingerprint before those of older keys.
    if let secret = finding.secret, let fingerprint = keys.lazy.compactMap(\.fingerprint).first {
      add(LeakedValue(fingerprint: fingerprint, secret: secret))
    }
    validity = validity.combined(with: finding.validity)
    exposure = exposure.combined(with: finding.exposure)
    sources.insert(finding.source)
    firstSeen = min(firstSeen ?? finding.observedAt, finding.observedAt)
    url = url ?? finding.providerURL
    if let place = ReportedPlace(finding) { add(place) }
  }

  mutating func join(_ other: FindingGroup) {
    keys.formUnion(other.keys)
    for kind in other.kinds where !kinds.contains(kind) { kinds.append(kind) }
    if alternatives.isEmpty || other.alternatives.isEmpty { alternatives = [] }
    handle = handle ?? other.handle
    for value in other.values { add(value) }
    validity = validity.combined(with: other.validity)
    exposure = exposure.combined(with: other.exposure)
    sources.formUnion(other.sources)
    if let seen = other.firstSeen { firstSeen = min(firstSeen ?? seen, seen) }
    url = url ?? other.url
    furtherFindings += other.furtherFindings
    for place in other.places { add(place) }
  }

  /// How many distinct values it has.
  var valueCount: Int { values.count }

  /// Whether a value of this fingerprint is in it.
  func holds(_ fingerprint: Fingerprint) -> Bool { values.contains { $0.fingerprint == fingerprint } }

  private mutating func add(_ value: LeakedValue) {
    if !holds(value.fingerprint) { values.append(value) }
  }

  private mutating func add(_ place: ReportedPlace) {
    guard places.count < maximumPlaces else {
      furtherFindings += 1
      return
    }
    if known.insert(place.identity).inserted { places.append(place) }
  }

  func incident(now: Date, table: KindTable) -> Incident? {
    let ordered = keys.sorted()
    guard let key = ordered.first else { return nil }
    let kind = KindTable.mostSpecific(kinds)
    let restraint = Restraint.of(
      kind: kind, validity: validity, secrets: values.map(\.secret), handle: handle,
      hasIdentity: namesOneSecret)
    let id = IncidentID(for: key)
    return Incident(
      id: id, key: key, aliases: Set(ordered.dropFirst()), kind: kind, alternatives: alternatives,
      provider: table.row(of: kind)?.provider, handle: handle,
      fingerprint: values.first?.fingerprint ?? ordered.lazy.compactMap(\.fingerprint).first, values: values,
      validity: validity,
      exposure: exposure,
      severity: SeverityRule.severity(
        kind: kind, validity: validity, exposure: exposure, restraint: restraint, table: table),
      codename: Codename.of(id), restraint: restraint, sources: sources, detectedAt: firstSeen ?? now,
      occurrences: places.map { Occurrence($0, kind: kind, incident: key) }, furtherFindings: furtherFindings,
      next: next)
  }

  /// What a person does when the value is not known and nothing names the credential.
  private var next: String? {
    guard values.isEmpty, handle == nil else { return nil }
    if let location = places.first(where: { $0.location.path != nil && $0.location.startLine != nil })?
      .location
    {
      let repository = location.repository?.name.map { " of \($0)" } ?? ""
      let checkout = location.commit.map { " at commit \($0)" } ?? ""
      return
        "the report holds no value: it stands in \(location.path ?? ""), line \(location.startLine ?? 0)"
        + "\(repository)\(checkout); give the report to staunch respond again, with --checkout and the directory "
        + "in which this path stands"
    }
    if let url {
      return "the message holds no value: set the platform's token in staunch.yaml and give the "
        + "report to staunch respond again (or read it at \(url))"
    }
    return "the report holds neither a value nor a place: scan again without redaction"
  }
}
