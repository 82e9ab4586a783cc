public import Capabilities
public import Foundation
import GRDB
import Incidents
import JSON

/// What the heads in tickets say about this journal.
public struct TicketHeads: Sendable, Hashable {
  /// Heads that are in the journal.
  public var held = 0
  /// Heads that a person's decision has covered, or that are older than what retention left: nothing is there to compare with.
  public var older = 0
  /// Heads that this installation did not sign: they say nothing.
  public var foreign = 0
  /// The latest one that the journal should hold and does not.
  public var missing: JournalDifference?

  public init(held: Int = 0, older: Int = 0, foreign: Int = 0, missing: JournalDifference? = nil) {
    self.held = held
    self.older = older
    self.foreign = foreign
    self.missing = missing
  }
}

extension Journal {
  /// Compares the heads that stand in tickets with the chain: they tell of events that an older copy of the whole state
  /// directory, `journal.head` included, has lost.
  ///
  /// What `journal accept` has accepted covers what was posted before that decision; what retention has removed cannot be
  /// compared and says nothing.
  /// - Parameters:
  ///   - publicKey: the installation's; nil: that of the keys with which the journal was opened.
  ///   - isDisputed: writes what is missing down beside the journal, so that nothing opens it for a write before a person has
  ///     decided.
  public func compare(_ posted: [PostedHead], publicKey: Data? = nil, isDisputed: Bool) throws(JournalError)
    -> TicketHeads
  {
    guard let key = publicKey ?? keys?.identity.publicKey else {
      throw JournalError(
        .readOnly, "compare the journal with its tickets",
        because: "the key that signs what it posts is not known", fix: "staunch journal key")
    }
    var found = TicketHeads()
    var missing: PostedHead?
    try reading("compare the journal with its tickets") { db in
      let accepted = try lastAcceptance(db)
      let oldest = try oldestAfterRetention(db)
      for one in Set(posted) {
        let head = one.head
        let isHeld = head.journal == header.id ? try holding(db, head.sequence, hash: head.hash) : false
        guard isHeld == false else {
          if isHeld == true { found.held += 1 } else { found.older += 1 }
          continue
        }
        guard head.isSigned(by: key) else {
          found.foreign += 1
          continue
        }
        guard head.at > accepted, head.at >= oldest else {
          found.older += 1
          continue
        }
        if missing.map({ $0.head.at < head.at }) ?? true { missing = one }
      }
    }
    guard let missing else { return found }
    found.missing = .ticket(place: missing.place, sequence: missing.head.sequence)
    if isDisputed { try dispute(missing) }
    return found
  }

  private func dispute(_ posted: PostedHead) throws(JournalError) {
    let (sequence, hash) = try reading("compare the journal with its tickets") { db in try lastLink(db) }
    try witness.keep(
      HeadWitness.Record(
        journal: header.id, sequence: sequence, hash: hash, disputed: HeadWitness.Disputed(posted)),
      isDurable: true)
  }

  /// When a person last went on with a journal that was not the one that was left; empty: never.
  private func lastAcceptance(_ db: Database) throws -> String {
    try String.fetchOne(
      db, sql: "SELECT max(at) FROM events WHERE kind = ? AND json_extract(body, '$.what') = ?",
      arguments: [EventKind.decision.rawValue, Journal.acceptance]) ?? ""
  }

  /// The first event that retention has left; empty: it has removed nothing.
  private func oldestAfterRetention(_ db: Database) throws -> String {
    guard try Int.fetchOne(db, sql: "SELECT max(seq) FROM checkpoints") != nil else { return "" }
    return try String.fetchOne(db, sql: "SELECT at FROM events ORDER BY seq LIMIT 1") ?? "9"
  }
}
