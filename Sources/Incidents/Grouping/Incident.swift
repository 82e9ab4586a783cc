public import Foundation
public import JSON
public import Secrets

/// One leaked credential with all the places where it was found.
///
/// Not `Codable`: it may hold the plaintext. ``openedBody`` is what the journal keeps.
public struct Incident: Sendable {
  public let id: IncidentID
  /// The strongest key.
  public let key: IncidentKey
  /// Every other key by which the same secret is known.
  public let aliases: Set<IncidentKey>
  public let kind: CredentialKind
  /// Kinds it may also be, until its text is read; empty when certain.
  public let alternatives: [CredentialKind]
  /// The `kind:` of the provider that rotates it; a hint for routes.
  public let provider: String?
  /// The public part: may be shown.
  public let handle: String?
  /// Nil until the value is known.
  public let fingerprint: Fingerprint?
  /// What must be revoked and scrubbed, each distinct value once, in the order of arrival: two passwords of one account are
  /// two. Seal them; they are in no text form of this value. Empty while none is known.
  public let values: [LeakedValue]
  public let validity: Validity
  public let exposure: Exposure
  public let severity: Severity
  public let codename: String
  public let restraint: Restraint?
  public let sources: Set<FindingSource>
  /// When the first finding arrived.
  public let detectedAt: Date
  /// Distinct places, in the order of arrival; at most ``GroupingLimits/occurrencesPerIncident``.
  public let occurrences: [Occurrence]
  /// Findings beyond that, counted and not kept.
  public let furtherFindings: Int
  /// What to do first when a value is missing: a sentence with a command; nil when nothing is missing.
  public let next: String?

  package init(
    id: IncidentID, key: IncidentKey, aliases: Set<IncidentKey>, kind: CredentialKind,
    alternatives: [CredentialKind], provider: String?, handle: String?, fingerprint: Fingerprint?,
    values: [LeakedValue], validity: Validity, exposure: Exposure, severity: Severity, codename: String,
    restraint: Restraint?, sources: Set<FindingSource>, detectedAt: Date, occurrences: [Occurrence],
    furtherFindings: Int, next: String?
  ) {
    self.id = id
    self.key = key
    self.aliases = aliases
    self.kind = kind
    self.alternatives = alternatives
    self.provider = provider
    self.handle = handle
    self.fingerprint = fingerprint
    self.values = values
    self.validity = validity
    self.exposure = exposure
    self.severity = severity
    self.codename = codename
    self.restraint = restraint
    self.sources = sources
    self.detectedAt = detectedAt
    self.occurrences = occurrences
    self.furtherFindings = furtherFindings
    self.next = next
  }

  /// Repositories that hold the secret, by name, without duplicates, sorted.
  public var repositories: [String] {
    Set(occurrences.compactMap { $0.location.repository?.name ?? $0.location.repository?.id }).sorted()
  }

  /// Keys of the places, without the kind: by them ``IncidentMatching`` finds incidents opened before the value was known.
  public var placeKeys: Set<String> { Set(occurrences.compactMap { IncidentKey.place(of: $0.location) }) }

  /// The body of `incident.opened` and `incident.updated`: everything but the secret.
  public var openedBody: JSONValue {
    var body: [String: JSONValue] = [
      "key": .string(key.rawValue),
      "aliases": .array(aliases.sorted().map { .string($0.rawValue) }),
      "kind": .string(kind.rawValue),
      "severity": .string(severity.rawValue),
      "codename": .string(codename),
      "source": .array(sources.map(\.rawValue).sorted().map { .string($0) }),
      "validity": .string(validity.rawValue),
      "detected": .string(Timestamp.text(detectedAt)),
      "locations": .array(occurrences.map(\.json)),
      "further_findings": .integer(furtherFindings),
    ]
    body["fingerprint"] = fingerprint.map { .string($0.rawValue) }
    body["handle"] = handle.map { .string($0) }
    body["provider"] = provider.map { .string($0) }
    body["restraint"] = restraint.map { .string($0.rawValue) }
    body["publicly_leaked"] = exposure.isPubliclyLeaked.map { .boolean($0) }
    if !alternatives.isEmpty { body["alternatives"] = .array(alternatives.map { .string($0.rawValue) }) }
    body["next"] = next.map { .string($0) }
    return .object(body)
  }
}

/// One value of a leaked credential, with its name under the installation's key.
public struct LeakedValue: Sendable {
  public let fingerprint: Fingerprint
  public let secret: Secret
  public init(fingerprint: Fingerprint, secret: Secret) {
    self.fingerprint = fingerprint
    self.secret = secret
  }
}

extension Occurrence {
  /// For the journal and `--json`.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "key": .string(key), "place": .string(location.place.rawValue), "source": .string(source.rawValue),
      "rule": .string(detector.rule), "encoding": .string(location.encoding.rawValue),
    ]
    if let repository = location.repository {
      var names: [String: JSONValue] = [:]
      names["host"] = repository.host.map { .string($0) }
      names["id"] = repository.id.map { .string($0) }
      names["name"] = repository.name.map { .string($0) }
      members["repository"] = .object(names)
    }
    members["commit"] = location.commit.map { .string($0) }
    members["path"] = location.path.map { .string($0) }
    members["line"] = location.startLine.map { .integer($0) }
    members["end_line"] = location.endLine.map { .integer($0) }
    members["url"] = location.url.map { .string($0) }
    members["committed"] = committedAt.map { .string(Timestamp.text($0)) }
    return .object(members)
  }
}

extension Occurrence {
  /// Reads what ``json`` wrote; nil when it names no place.
  package init?(_ json: JSONValue, kind: CredentialKind, incident: IncidentKey) {
    guard let place = json["place"]?.string.flatMap(Location.Place.init) else { return nil }
    let repository = json["repository"].map {
      RepositoryRef(host: $0["host"]?.string, id: $0["id"]?.string, name: $0["name"]?.string)
    }
    var finding = Finding(
      source: json["source"]?.string.flatMap(FindingSource.init) ?? .manual, kind: kind,
      detector: Detector(rule: json["rule"]?.string ?? ""), observedAt: .distantPast)
    finding.location = Location(
      place, repository: repository, commit: json["commit"]?.string, path: json["path"]?.string,
      startLine: json["line"]?.integer, endLine: json["end_line"]?.integer,
      encoding: json["encoding"]?.string.flatMap(Location.Encoding.init) ?? .plain, url: json["url"]?.string)
    finding.committedAt = json["committed"]?.string.flatMap(Timestamp.date)
    guard let reported = ReportedPlace(finding) else { return nil }
    self.init(reported, kind: kind, incident: incident)
  }
}
