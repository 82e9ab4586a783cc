public import Foundation
public import Incidents
public import JSON

/// A value that flows between steps. A secret flows only as a handle.
public indirect enum Value: Sendable, Hashable {
  case null
  /// Not known yet while planning: the output of a step that has not run.
  case unknown
  case string(String)
  case integer(Int)
  case boolean(Bool)
  case duration(Duration)
  case timestamp(Date)
  case url(String)
  case secret(SecretRef)
  case credential(CredentialName)
  case store(StoreName)
  case consumer(ConsumerName)
  case repository(RepositoryName)
  case tracker(TrackerName)
  case incident(IncidentID)
  case list([Value])
  case record([String: Value])
}

/// The type of a value, as a playbook's `inputs:` and an action's signature declare it.
public indirect enum ValueType: Sendable, Hashable, CustomStringConvertible {
  case string, integer, boolean, duration, timestamp, url
  case secret, credential, store, consumer, repository, tracker, incident
  case list(ValueType)
  /// Free-form data (a JSON body); its leaves may be of any type but `secret`.
  case any

  /// The playbook's spelling, for example `list<consumer>`.
  public var description: String {
    switch self {
    case .string: "string"
    case .integer: "integer"
    case .boolean: "boolean"
    case .duration: "duration"
    case .timestamp: "timestamp"
    case .url: "url"
    case .secret: "secret"
    case .credential: "credential"
    case .store: "store"
    case .consumer: "consumer"
    case .repository: "repository"
    case .tracker: "tracker"
    case .incident: "incident"
    case .list(let element): "list<\(element)>"
    case .any: "any"
    }
  }
}

extension Value {
  /// This value for the journal: names and handles as tagged objects (`{"$secret": "…"}`), so that it reads back.
  public var json: JSONValue {
    switch self {
    case .null: .null
    case .unknown: ["$unknown": true]
    case .string(let text): .string(text)
    case .integer(let number): .integer(number)
    case .boolean(let truth): .boolean(truth)
    case .duration(let duration): ["$duration": .integer(duration.milliseconds)]
    case .timestamp(let date): ["$timestamp": .string(Timestamp.text(date))]
    case .url(let text): ["$url": .string(text)]
    case .secret(let ref): ["$secret": .string(ref.rawValue)]
    case .credential(let name): ["$credential": .string(name.rawValue)]
    case .store(let name): ["$store": .string(name.rawValue)]
    case .consumer(let name): ["$consumer": .string(name.rawValue)]
    case .repository(let name): ["$repository": .string(name.rawValue)]
    case .tracker(let name): ["$tracker": .string(name.rawValue)]
    case .incident(let id): ["$incident": .string(id.rawValue)]
    case .list(let elements): .array(elements.map(\.json))
    case .record(let members): .object(members.mapValues(\.json))
    }
  }

  /// Reads what ``json`` wrote.
  public init(json: JSONValue) {
    switch json {
    case .null: self = .null
    case .boolean(let truth): self = .boolean(truth)
    case .integer(let number): self = .integer(number)
    case .number(let number): self = .string("\(number)")
    case .string(let text): self = .string(text)
    case .array(let elements): self = .list(elements.map(Value.init(json:)))
    case .object(let members):
      if members.count == 1, let (tag, value) = members.first, let tagged = Value(tag: tag, value: value) {
        self = tagged
      } else {
        self = .record(members.mapValues(Value.init(json:)))
      }
    }
  }

  private init?(tag: String, value: JSONValue) {
    switch (tag, value) {
    case ("$unknown", _): self = .unknown
    case ("$duration", .integer(let milliseconds)): self = .duration(.milliseconds(milliseconds))
    case ("$timestamp", .string(let text)):
      guard let date = Timestamp.date(text) else { return nil }
      self = .timestamp(date)
    case ("$url", .string(let text)): self = .url(text)
    case ("$secret", .string(let text)): self = .secret(SecretRef(text))
    case ("$credential", .string(let text)): self = .credential(CredentialName(text))
    case ("$store", .string(let text)): self = .store(StoreName(text))
    case ("$consumer", .string(let text)): self = .consumer(ConsumerName(text))
    case ("$repository", .string(let text)): self = .repository(RepositoryName(text))
    case ("$tracker", .string(let text)): self = .tracker(TrackerName(text))
    case ("$incident", .string(let text)): self = .incident(IncidentID(text))
    default: return nil
    }
  }
}

extension Value {
  /// The handles of secrets in it.
  public var secrets: [SecretRef] {
    switch self {
    case .secret(let ref): [ref]
    case .list(let elements): elements.flatMap(\.secrets)
    case .record(let members): members.values.flatMap(\.secrets)
    case .null, .unknown, .string, .integer, .boolean, .duration, .timestamp, .url, .credential, .store,
      .consumer, .repository, .tracker, .incident:
      []
    }
  }
}

extension Value {
  /// The incidents that it names.
  public var incidents: [IncidentID] {
    switch self {
    case .incident(let id): [id]
    case .list(let elements): elements.flatMap(\.incidents)
    case .record(let members): members.values.flatMap(\.incidents)
    case .null, .unknown, .string, .integer, .boolean, .duration, .timestamp, .url, .credential, .store,
      .consumer, .repository, .tracker, .secret:
      []
    }
  }
}

extension Duration {
  /// Whole milliseconds, rounded towards zero.
  public var milliseconds: Int {
    let parts = components
    return Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000)
  }
}
