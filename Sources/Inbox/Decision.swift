public import Foundation
import GRDB

/// What an authenticated person said.
public struct NewDecision: Sendable, Hashable, Codable {
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    case approve, decline, skip, note, acknowledge, answer
    /// Go on with a run; do a step again of which nobody can tell whether it happened; take a run back.
    case resume, retry, abort
    /// The incident is over; it is somebody's.
    case close, assign
  }
  /// How the person was authenticated.
  public enum Via: String, Sendable, Hashable, Codable, CaseIterable { case password, header }

  /// An approval's signature: over `Approval.signedBytes(digest:step:role:at:)` by the person's own Ed25519 key. The worker
  /// checks it against its own trust; without it a decision gives no authority.
  public struct Signature: Sendable, Hashable, Codable {
    /// Fingerprint of the public key.
    public var identity: String
    public var role: String
    public var at: Date
    public var signature: Data
    public init(identity: String, role: String, at: Date, signature: Data) {
      self.identity = identity
      self.role = role
      self.at = at
      self.signature = signature
    }
  }

  public var at: Date
  public var person: String
  public var roles: [String]
  public var kind: Kind
  public var incident: String?
  public var run: String?
  public var plan: String?
  public var digest: String?
  public var step: String?
  /// The note, the reason, or the answer.
  public var text: String?
  /// What a manual step asks for, by name.
  public var fields: [String: String]?
  public var approval: Signature?
  public var via: Via

  public init(
    at: Date, person: String, roles: [String], kind: Kind, incident: String? = nil, run: String? = nil,
    plan: String? = nil, digest: String? = nil, step: String? = nil, text: String? = nil,
    fields: [String: String]? = nil, approval: Signature? = nil, via: Via
  ) {
    self.fields = fields
    self.at = at
    self.person = person
    self.roles = roles
    self.kind = kind
    self.incident = incident
    self.run = run
    self.plan = plan
    self.digest = digest
    self.step = step
    self.text = text
    self.approval = approval
    self.via = via
  }
}

extension NewDecision {
  /// Its instants can be written as text: the endpoint writes the file, and a number need not be a time.
  fileprivate var isPlausible: Bool {
    [at, approval?.at ?? at].allSatisfy {
      (-62_135_596_800.0...253_402_300_799.0).contains($0.timeIntervalSince1970)
    }
  }
}

/// A stored decision; every member of ``NewDecision`` reads through.
@dynamicMemberLookup
public struct Decision: Sendable, Hashable {
  public let sequence: Int
  public let said: NewDecision

  public subscript<Value>(dynamicMember member: KeyPath<NewDecision, Value>) -> Value {
    said[keyPath: member]
  }
}

extension Inbox {
  /// Stores a decision durably. - Returns: its number.
  public func append(_ decision: NewDecision) async throws(InboxError) -> Int {
    let text: String
    do { text = String(decoding: try Inbox.encoder.encode(decision), as: UTF8.self) } catch {
      throw InboxError(.invalid, "append a decision", because: "it cannot be written as JSON")
    }
    let acceptance = try await commits.append(bytes: text.utf8.count) { db, _ in
      try db.execute(sql: "INSERT INTO decisions (document) VALUES (?)", arguments: [text])
      return .accepted(sequence: Int(db.lastInsertedRowID))
    }
    guard case .accepted(let sequence) = acceptance else { return 0 }
    return sequence
  }

  /// Decisions that the worker has not applied yet, oldest first.
  ///
  /// One that cannot be read is finished as refused and left out: it must not stop the others, nor the worker.
  public func pendingDecisions(limit: Int = 100, besides others: Set<Int> = []) throws(InboxError)
    -> [Decision]
  {
    let rows = try reading("read the decisions") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT sequence, CASE WHEN typeof(document) = 'text' AND length(CAST(document AS BLOB)) <= ? THEN document END AS document
          FROM decisions WHERE state = 'pending' AND sequence NOT IN (SELECT value FROM json_each(?))
          ORDER BY sequence LIMIT ?
          """, arguments: [Inbox.longestDecision, Inbox.list(others), limit]
      ).map { (sequence: $0["sequence"] as Int, document: $0["document"] as String?) }
    }
    var decisions: [Decision] = []
    for (sequence, document) in rows {
      // Whatever is wrong with it, the answer is the same.
      guard let document, let said = try? Inbox.decoder.decode(NewDecision.self, from: Data(document.utf8)),
        said.isPlausible
      else {
        try refuseDecision(sequence)
        continue
      }
      decisions.append(Decision(sequence: sequence, said: said))
    }
    return decisions
  }

  /// A row with values of types that the table does not take cannot be changed, because SQLite then checks all of it: it is
  /// removed.
  private func refuseDecision(_ sequence: Int) throws(InboxError) {
    do throws(InboxError) {
      try finishDecision(sequence, outcome: "refused: it is not readable")
    } catch {
      guard error.code == .invalid else { throw error }
      try writing("remove the decision \(sequence)") { db in
        try db.execute(sql: "DELETE FROM decisions WHERE sequence = ?", arguments: [sequence])
      }
    }
  }

  /// Bytes; the console takes far less.
  private static let longestDecision = 256 << 10

  /// Records what became of a decision, in one line for people, and removes what was said: it stands in the journal, or was
  /// refused because it must stand nowhere. Safe to repeat.
  public func finishDecision(_ sequence: Int, outcome: String) throws(InboxError) {
    try writing("finish the decision \(sequence)") { db in
      try db.execute(
        sql: "UPDATE decisions SET state = 'done', outcome = ?, document = '{}' WHERE sequence = ?",
        arguments: [outcome, sequence])
      guard db.changesCount == 1 else {
        throw InboxError(
          .notFound, "finish the decision \(sequence)", because: "the exchange file does not hold it")
      }
    }
  }

  /// What became of a decision; nil while it waits. The console tells the person.
  public func outcome(ofDecision sequence: Int) throws(InboxError) -> String? {
    try reading("read the decision \(sequence)") { db in
      try String.fetchOne(db, sql: "SELECT outcome FROM decisions WHERE sequence = ?", arguments: [sequence])
    }
  }

  /// How many decisions the worker has not applied yet. Cheap.
  public func pendingDecisionCount() throws(InboxError) -> Int {
    try reading("count the decisions") { db in
      try Int.fetchOne(db, sql: "SELECT count(*) FROM decisions WHERE state = 'pending'") ?? 0
    }
  }

  /// Whether there is, or was, a decision of this number.
  public func holdsDecision(_ sequence: Int) throws(InboxError) -> Bool {
    try reading("look for the decision \(sequence)") { db in
      try Int.fetchOne(db, sql: "SELECT 1 FROM decisions WHERE sequence = ?", arguments: [sequence]) != nil
    }
  }

  private static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .secondsSince1970
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
  private static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    return decoder
  }
}
