public import Foundation
public import Incidents
public import JSON
public import Secrets

/// `incident.opened` and `incident.updated`: a report of the incident's places and values, or a word about it (what it was
/// merged with, where the leak began, what a platform says).
public struct IncidentReport: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }

  /// By which it is known; nil: this is no report.
  public var key: IncidentKey? { text("key").map { IncidentKey(rawValue: $0) } }
  public var aliases: [IncidentKey] { (texts("aliases") ?? []).map { IncidentKey(rawValue: $0) } }
  public var kind: CredentialKind? { text("kind").map { CredentialKind($0) } }
  /// Kinds that it may also be; empty when the report was certain.
  public var alternatives: [CredentialKind] { (texts("alternatives") ?? []).map { CredentialKind($0) } }
  /// The `kind:` of the provider that rotates it.
  public var provider: String? { text("provider") }
  public var handle: String? { text("handle") }
  public var codename: String? { text("codename") }
  /// A word that this version does not know is treated as the worst: better woken than not.
  public var severity: Severity? { text("severity").map { Severity(rawValue: $0) ?? .sev1 } }
  public var validity: Validity? { text("validity").flatMap { Validity(rawValue: $0) } }
  public var isPubliclyLeaked: Bool? { body["publicly_leaked"]?.boolean }
  public var restraint: Restraint? { text("restraint").flatMap { Restraint(rawValue: $0) } }
  public var detected: Date? { text("detected").flatMap { Timestamp.date($0) } }
  /// When its source says that it first raised it.
  public var alerted: Date? { text("alerted").flatMap { Timestamp.date($0) } }
  /// Who reported it, in one line.
  public var source: String? { body["source"].map(\.readable) }
  public var sources: Set<FindingSource> {
    Set((texts("source") ?? []).compactMap { FindingSource(rawValue: $0) })
  }
  /// Where it was found.
  public var places: [ReportedLocation] { (body["locations"]?.array ?? []).map { ReportedLocation($0) } }
  /// False for a word that is no report: what was merged, said or introduced.
  public var namesPlaces: Bool { body["locations"]?.array != nil }
  /// Findings at other places, which were counted and not kept.
  public var furtherFindings: Int? { body["further_findings"]?.integer }
  /// How many places, in journals of before they were listed.
  public var occurrences: Int? { body["occurrences"]?.integer }
  /// What to do first when a value is missing.
  public var next: String? { text("next") }
  /// It says which values it brought, if only that it brought none.
  public var namesValues: Bool { body["values"] != nil }
  /// Names of the values that it brought.
  public var values: [ValueName] { (body["values"]?.array ?? []).compactMap { ValueName($0) } }
  /// What brought it; nil: nothing was delivered.
  public var delivery: JSONValue? { body["delivery"] }
  /// What stays of ``delivery`` when the same message comes once more: not when that was.
  public var deliveryName: String? {
    guard let delivery else { return nil }
    guard var members = delivery.object else { return delivery.canonicalText }
    members["received"] = nil
    return JSONValue.object(members).canonicalText
  }
  /// Names the report that a person handed in.
  public var report: JSONValue? { body["report"] }
  /// Incidents that turned out to be this one.
  public var merged: [IncidentID] { (texts("merged") ?? []).map { IncidentID($0) } }
  /// What was known before and seen again.
  public var seen: Sighting? { Sighting(body["seen"]) }
  /// Values that were known before this report, of which it says that they work.
  public var reportedActive: [SecretRef] { (texts("reported_active") ?? []).map { SecretRef($0) } }
  /// What a platform says of its alert.
  public var said: PlatformWord? { body["said"].map { PlatformWord($0) } }
  /// Where the leak began, as the repository's own history shows.
  public var introduction: Introduction? { body["introduction"].flatMap { Introduction($0) } }

  /// Where the leak began: no report, but what a repository's own history shows.
  public static func introduction(
    of repository: RepositoryName, commit: String, authored: Date, refs: [String]
  )
    -> IncidentReport
  {
    IncidentReport([
      "introduction": [
        "repository": .string(repository.rawValue), "commit": .string(commit),
        "authored": .string(Timestamp.text(authored)), "refs": .array(refs.map { .string($0) }),
      ]
    ])
  }

  /// A platform's word: no report either.
  public static func said(_ word: PlatformWord) -> IncidentReport { IncidentReport(["said": word.body]) }

  /// A report's place.
  public struct ReportedLocation: EventBody {
    public let body: JSONValue
    public init(_ body: JSONValue) { self.body = body }
    public var key: String? { body["key"]?.string }
    /// Tells it from others: its key, or all of it in journals of before places had one.
    public var identity: JSONValue { body["key"] ?? body }
    /// The file, or what else it is.
    public var path: String? { body.string ?? (body["path"] ?? body["place"])?.readable }
    public var line: Int? { body["line"]?.integer }
    public var commit: String? { body["commit"]?.readable }
    /// What a report calls the repository, in one line; nil where it names none.
    public var repository: String? {
      (body["repository"]?["name"] ?? body["repository"]?["id"] ?? body["repository"])?.readable
    }
    /// It is a place of some repository, named or not.
    public var isOfRepository: Bool {
      body["commit"] != nil || ["commit", "file"].contains(body["place"]?.string)
    }
    /// What reports call the repository: by name, by number.
    public var repositoryWords: [String] {
      [body["repository"]?["name"]?.string, body["repository"]?["id"]?.string, body["repository"]?.string]
        .compactMap { $0 }
    }
    /// Its repository, by the best of these.
    public var repositoryName: RepositoryName? { repositoryWords.first.map { RepositoryName($0) } }
    public var committed: Date? { text("committed").flatMap { Timestamp.date($0) } }
  }

  /// The handle of a value and the name that tells it apart.
  public struct ValueName: Sendable, Hashable {
    public let ref: SecretRef
    public let fingerprint: Fingerprint
    init?(_ json: JSONValue) {
      guard let ref = json["ref"]?.string, let print = json["fingerprint"]?.string else { return nil }
      self.ref = SecretRef(ref)
      fingerprint = Fingerprint(rawValue: print)
    }
  }

  public struct PlatformWord: EventBody {
    public let body: JSONValue
    public init(_ body: JSONValue) { self.body = body }
    public init(source: FindingSource, text: String, delivery: String) {
      body = [
        "source": .string(source.rawValue), "text": .string(text), "delivery": .string(delivery),
      ]
    }
    public var source: String? { text("source") }
    public var words: String? { text("text") }
    /// The message that brought it: its words are noted once.
    public var delivery: String? { text("delivery") }
  }

  public struct Introduction: Sendable, Hashable {
    public let repository: RepositoryName
    public let commit: String?
    public let authored: Date?
    public let refs: [String]
    init?(_ json: JSONValue) {
      guard let name = json["repository"]?.string else { return nil }
      repository = RepositoryName(name)
      commit = json["commit"]?.string
      authored = json["authored"]?.string.flatMap { Timestamp.date($0) }
      refs = (json["refs"]?.array ?? []).compactMap(\.string)
    }
  }
}

/// `incident.state`.
public struct IncidentStateChange: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public init(_ state: IncidentStatus.State, because reason: String, valuesUntil: Date? = nil) {
    var members: [String: JSONValue] = ["state": .string(state.rawValue), "reason": .string(reason)]
    members["values_until"] = valuesUntil.map { .string(Timestamp.text($0)) }
    body = .object(members)
  }
  /// Nil: a state that this version does not know.
  public var state: IncidentStatus.State? { text("state").flatMap { IncidentStatus.State(rawValue: $0) } }
  public var reason: String? { text("reason") }
  /// When the keys of its values are destroyed.
  public var valuesUntil: Date? { text("values_until").flatMap { Timestamp.date($0) } }
}

/// `credential.probed`.
public struct CredentialProbed: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var credential: CredentialName? { text("credential").map { CredentialName($0) } }
  public var ref: SecretRef? { text("ref").map { SecretRef($0) } }
  public var subject: CredentialRecord.Subject? {
    text("subject").flatMap { CredentialRecord.Subject(rawValue: $0) }
  }
  /// Nil: a word that this version does not know, which proves nothing.
  public var state: CredentialState? { text("state").flatMap { CredentialState(rawValue: $0) } }
  public var code: String? { text("code") }
  /// Entries of stores that hold an old value; nil: nobody looked.
  public var stillOld: [String]? { texts("still_old") }
}

/// `secret.sealed`.
public struct SecretSealed: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var ref: SecretRef? { text("key").map { SecretRef($0) } }
}

/// `key.destroyed`: what lay under it cannot be opened any more.
public struct KeyDestroyed: EventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var id: String? { text("key_id") }
}
