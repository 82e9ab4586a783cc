import Capabilities
import Cryptography
public import Foundation
import GRDB
import Incidents
import JSON
import Secrets

/// The result of reading the whole chain again.
public struct ChainVerification: Sendable, Hashable {
  /// What does not hold, and where.
  public enum Problem: Sendable, Hashable, CustomStringConvertible {
    /// The event's content is not the one that was hashed.
    case changed(sequence: Int)
    /// The event is missing from the middle.
    case removed(sequence: Int)
    /// The event does not follow the one before it: another one stood here, or the order was changed.
    case outOfOrder(sequence: Int)
    /// The signed head knows of events from here on that are gone.
    case truncated(sequence: Int)
    /// Events from here on are not covered by the signed head.
    case unsigned(sequence: Int)
    /// The head's signature is not by any of the keys given.
    case badSignature(identity: String)
    /// The journal is older than the head that was expected, or another one.
    case otherHead(expected: String)
    /// A line of an export, or a row, cannot be read.
    case unreadable(place: String)
    /// The list of incidents, from which the first screen chooses, does not say what the events say.
    case otherList

    public var description: String {
      switch self {
      case .changed(let sequence): "event \(sequence) was changed"
      case .removed(let sequence): "event \(sequence) was removed"
      case .outOfOrder(let sequence): "event \(sequence) does not follow event \(sequence - 1)"
      case .truncated(let sequence):
        "the journal was cut off: event \(sequence) and what followed are missing"
      case .unsigned(let sequence): "event \(sequence) and what follows were added without a signature"
      case .badSignature(let identity): "the head is not signed by a trusted key (it names \(identity))"
      case .otherHead(let expected): "the journal does not contain the head \(expected)"
      case .unreadable(let place): "\(place) cannot be read"
      case .otherList: "the list of incidents does not say what the events say"
      }
    }
  }

  /// Events that were read.
  public let count: Int
  /// The last event's hash; nil when there is none.
  public let head: String?
  /// The first thing that does not hold; nil when everything does.
  public let problem: Problem?
}

/// Checks links one after the other; the same for a database and for an export.
struct ChainChecker {
  private(set) var sequence: Int
  private(set) var hash: String
  private(set) var count = 0
  private var isExpectedSeen: Bool
  private let expected: String?

  /// - Parameters:
  ///   - sequence: of the event before the first one: 0, or a checkpoint's.
  ///   - expected: a head's hash that must occur, for example the one posted to the ticket.
  init(after sequence: Int, hash: String, expecting expected: String?) {
    self.sequence = sequence
    self.hash = hash
    self.expected = expected
    isExpectedSeen = expected == nil || expected == hash
  }

  mutating func check(sequence found: Int, previous: String?, eventText: String, hash foundHash: String)
    -> ChainVerification.Problem?
  {
    let next = sequence + 1
    guard found >= next else { return .outOfOrder(sequence: next) }
    guard found == next else { return .removed(sequence: next) }
    if let previous, previous != hash {
      let isConsistent = HashChain.hash(previous: previous, eventText: eventText) == foundHash
      return isConsistent ? .outOfOrder(sequence: found) : .changed(sequence: found)
    }
    guard HashChain.hash(previous: hash, eventText: eventText) == foundHash else {
      return .changed(sequence: found)
    }
    sequence = found
    hash = foundHash
    count += 1
    if expected == foundHash { isExpectedSeen = true }
    return nil
  }

  /// - Parameter head: the signed head; nil when the journal never had one.
  func finish(journal: String, head: SignedHead?, publicKeys: [Data]) -> ChainVerification.Problem? {
    if let head {
      guard head.sequence <= sequence else { return .truncated(sequence: sequence + 1) }
      guard head.sequence == sequence else { return .unsigned(sequence: head.sequence + 1) }
      guard head.hash == hash else { return .changed(sequence: sequence) }
      guard head.isSigned(by: publicKeys, journal: journal) else {
        return .badSignature(identity: head.identity)
      }
    } else if sequence > 0 {
      return .unsigned(sequence: 1)
    }
    if !isExpectedSeen, let expected { return .otherHead(expected: expected) }
    return nil
  }
}

/// The head, or a retention checkpoint, with its signature.
struct SignedHead: Sendable, Hashable {
  let sequence: Int
  let hash: String
  let identity: String
  let signature: Data

  func isSigned(by publicKeys: [Data], journal: String) -> Bool {
    let bytes = HashChain.signedHead(journal: journal, sequence: sequence, hash: hash)
    return publicKeys.contains { raw in
      // A key that is none signs nothing.
      guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw) else { return false }
      return key.isValidSignature(signature, for: bytes)
    }
  }

  init(sequence: Int, hash: String, identity: String, signature: Data) {
    self.sequence = sequence
    self.hash = hash
    self.identity = identity
    self.signature = signature
  }

  init(_ row: Row) {
    self.init(sequence: row["seq"], hash: row["hash"], identity: row["identity"], signature: row["signature"])
  }
}

extension Journal {
  /// Reads every event and checks the chain and the signed head.
  ///
  /// - Parameters:
  ///   - publicKeys: Ed25519 keys (32 bytes) that may have signed; empty: this installation's own.
  ///   - expected: a head's hash that was posted elsewhere; without it, a journal that was replaced by an older copy of
  ///     itself, head included, cannot be told from the real one.
  public func verify(publicKeys: [Data] = [], expecting expected: String? = nil) throws(JournalError)
    -> ChainVerification
  {
    let trusted = publicKeys.isEmpty ? keys.map { [$0.identity.publicKey] } ?? [] : publicKeys
    return try reading("verify the journal") { db in
      let check = try String.fetchAll(db, sql: "PRAGMA quick_check(1)")
      guard check == ["ok"] else {
        throw JournalError(
          .corrupt, "verify the journal", because: "the database \(path) is damaged (\(check.joined()))",
          fix: JournalError.recovery(of: path))
      }
      let genesis = HashChain.genesis(headerText: headerText)
      let base = try Row.fetchOne(db, sql: "SELECT * FROM checkpoints ORDER BY seq DESC LIMIT 1").map(
        SignedHead.init)
      if let base, !base.isSigned(by: trusted, journal: header.id) {
        return ChainVerification(count: 0, head: nil, problem: .badSignature(identity: base.identity))
      }
      var checker = ChainChecker(
        after: base?.sequence ?? 0, hash: base?.hash ?? genesis, expecting: expected)
      let rows = try Row.fetchCursor(
        db, sql: "SELECT seq, at, run, incident, kind, body, prev, hash FROM events ORDER BY seq")
      while let row = try rows.next() {
        let text = HashChain.eventText(
          sequence: row[0], at: row[1], run: row[2], incident: row[3], kind: row[4], body: row[5])
        if let problem = checker.check(sequence: row[0], previous: row[6], eventText: text, hash: row[7]) {
          return ChainVerification(count: checker.count, head: checker.hash, problem: problem)
        }
      }
      let head = try Row.fetchOne(db, sql: "SELECT * FROM head").map(SignedHead.init)
      let problem = checker.finish(journal: header.id, head: head, publicKeys: trusted)
      return ChainVerification(
        count: checker.count, head: checker.sequence > 0 ? checker.hash : nil,
        problem: try problem ?? listProblem(db, last: checker.sequence))
    }
  }

  /// `otherList` when the list of incidents, from which the first screen chooses, does not say what the events say.
  public func listProblem() throws(JournalError) -> ChainVerification.Problem? {
    try reading("compare the list of incidents with the events") { db in
      try listProblem(db, last: try lastLink(db).0)
    }
  }

  /// A list that the head does not vouch for is not used, and is no problem.
  func listProblem(_ db: Database, last: Int) throws -> ChainVerification.Problem? {
    guard try db.tableExists("incidents"), try IncidentList.isListed(db, upTo: last) else { return nil }
    return try IncidentList.fits(db) ? nil : .otherList
  }
}
