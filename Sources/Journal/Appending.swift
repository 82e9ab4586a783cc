import Capabilities
public import Foundation
import GRDB
public import Incidents
public import JSON
public import Secrets

/// An event before it has a place in the chain.
public struct NewEvent: Sendable, Hashable {
  public var kind: EventKind
  public var run: RunID?
  public var incident: IncidentID?
  /// As ``EventKind`` documents for the kind.
  public var body: JSONValue
  /// When it happened; nil: when it is appended.
  public var at: Date?

  public init(
    _ kind: EventKind, run: RunID? = nil, incident: IncidentID? = nil, _ body: JSONValue, at: Date? = nil
  ) {
    self.kind = kind
    self.run = run
    self.incident = incident
    self.body = body
    self.at = at
  }
}

/// Secrets to seal in the transaction of an append.
public struct Sealing: Sendable {
  public let scope: SealingScope
  public let secrets: [SecretRef: Secret]
  /// What they are for, for the journal: `replacement`, `leaked` …
  public let purpose: String

  public init(_ secrets: [SecretRef: Secret], under scope: SealingScope, purpose: String) {
    self.scope = scope
    self.secrets = secrets
    self.purpose = purpose
  }
}

extension Journal {
  /// Appends one event, durably.
  @discardableResult
  public func append(
    _ kind: EventKind, run: RunID? = nil, incident: IncidentID? = nil, _ body: JSONValue
  ) throws(JournalError) -> JournalEvent {
    let event = NewEvent(kind, run: run, incident: incident, body)
    let appended = try append([event])
    return appended[appended.count - 1]
  }

  /// Appends `events`, and seals secrets, in one durable transaction: all of it or nothing.
  ///
  /// - Parameter tenure: the run that the caller executes; refused when another process took it over.
  /// - Returns: the events with their places, those of the sealing first.
  /// - Throws: `superseded`, `shredded` (the scope's key was destroyed), `diskFull`, `readOnly` …
  @discardableResult
  public func append(_ events: [NewEvent], sealing: Sealing? = nil, under tenure: Tenure? = nil)
    throws(JournalError) -> [JournalEvent]
  {
    let operation = "append \(events.map(\.kind.rawValue).joined(separator: ", "))"
    return try writing(operation) { db in
      if let tenure { try check(tenure, in: db) }
      var all: [NewEvent] = []
      if let sealing, !sealing.secrets.isEmpty {
        all += try seal(sealing, in: db, like: events.first)
      }
      return try extend(db, with: all + events)
    }
  }

  /// Appends several groups of events, each with its own sealing, in one durable transaction: a storm of findings pays one
  /// commit for many incidents.
  ///
  /// - Throws: as ``append(_:sealing:under:)``; then nothing of any group was appended.
  public func append(groups: [(events: [NewEvent], sealing: Sealing?)]) throws(JournalError) {
    try writing("append \(groups.count) groups of events") { db in
      var all: [NewEvent] = []
      for group in groups {
        if let sealing = group.sealing, !sealing.secrets.isEmpty {
          all += try seal(sealing, in: db, like: group.events.first)
        }
        all += group.events
      }
      _ = try extend(db, with: all)
    }
  }

  /// Extends the chain inside the caller's transaction and signs the new head.
  func extend(_ db: Database, with events: [NewEvent]) throws -> [JournalEvent] {
    guard !events.isEmpty else { return [] }
    let keys = try requireKeys("append to the journal")
    var (sequence, hash) = try lastLink(db)
    // Never signs over what somebody did to the file meanwhile.
    if let difference = try signedDifference(db, last: sequence, hash: hash) {
      throw difference.refusal("append to the journal", path: path)
    }
    let isListed = try IncidentList.isListed(db, upTo: sequence)
    let insert = try db.cachedStatement(
      sql:
        "INSERT INTO events (seq, at, run, incident, kind, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    var appended: [JournalEvent] = []
    for event in events {
      let date = event.at ?? settings.now()
      let at = Timestamp.text(date)
      let body = settings.redactor.redact(document: event.body)
      let bodyText = body.canonicalText
      let previous = hash
      sequence += 1
      hash = HashChain.hash(
        previous: previous,
        eventText: HashChain.eventText(
          sequence: sequence, at: at, run: event.run?.rawValue, incident: event.incident?.rawValue,
          kind: event.kind.rawValue, body: bodyText))
      try insert.execute(arguments: [
        sequence, at, event.run?.rawValue, event.incident?.rawValue, event.kind.rawValue, bodyText, previous,
        hash,
      ])
      appended.append(
        JournalEvent(
          sequence: sequence, at: date, run: event.run, incident: event.incident, kind: event.kind,
          body: body,
          hash: hash))
    }
    if isListed { try IncidentList.follow(appended, in: db) } else { try IncidentList.remake(in: db) }
    try sign(db, sequence: sequence, hash: hash, keys, listed: sequence)
    return appended
  }

  /// Signs the head inside the caller's transaction; once that is durable, the head is also written beside the database.
  ///
  /// - Parameter listed: the last event that ``IncidentList`` has taken in; nil: it is made anew with the next one.
  func sign(_ db: Database, sequence: Int, hash: String, _ keys: JournalKeys, listed: Int? = nil) throws {
    let signature = try keys.identity.sign(
      HashChain.signedHead(journal: header.id, sequence: sequence, hash: hash))
    try db.cachedStatement(
      sql:
        "INSERT OR REPLACE INTO head (one, seq, hash, identity, signature, listed) VALUES (1, ?, ?, ?, ?, ?)"
    ).execute(arguments: [sequence, hash, keys.identity.fingerprint, signature, listed])
    let record = HeadWitness.Record(journal: header.id, sequence: sequence, hash: hash)
    db.afterNextTransaction { [witness] _ in witness.follow(record) }
  }

  /// What the decision of ``accept(_:because:)`` says.
  static let acceptance = "go on with a journal that is not the one that was left"

  /// A person goes on with a journal that is not the one that was left: signs what is there, and says so in it.
  func accept(_ difference: JournalDifference, because reason: String) throws(JournalError) {
    try writing("accept the journal as it is") { db in
      let keys = try requireKeys("accept the journal as it is")
      let (sequence, hash) = try lastLink(db)
      try sign(db, sequence: sequence, hash: hash, keys)
      _ = try extend(
        db,
        with: [
          NewEvent(
            .decision,
            [
              "what": .string(Journal.acceptance), "reason": .string(reason),
              "found": .string("\(difference)"), "role": "responder",
            ])
        ])
    }
  }

  /// Sequence and hash of the last event; of the checkpoint or the header when there is none.
  func lastLink(_ db: Database) throws -> (Int, String) {
    let last = try db.cachedStatement(sql: "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
    if let row = try Row.fetchOne(last) { return (row[0], row[1]) }
    if let row = try Row.fetchOne(db, sql: "SELECT seq, hash FROM checkpoints ORDER BY seq DESC LIMIT 1") {
      return (row[0], row[1])
    }
    return (0, HashChain.genesis(headerText: headerText))
  }
}
