import Capabilities
import GRDB
import Incidents

/// How the journal differs from the one that was left.
public enum JournalDifference: Sendable, Hashable, CustomStringConvertible {
  /// It ends before an event that was written: an older copy, a lost write-ahead log, or somebody cut it off.
  case cut(last: Int, written: Int)
  /// Another event stands where the last one stood.
  case changed(sequence: Int)
  /// The file is another journal than the one that was left here.
  case replaced
  /// There was a journal here, and there is none now.
  case gone
  /// A key that it was written with was gone and has been made anew.
  case keyGone
  /// Its events reach beyond its signed head, or not up to it.
  case unsigned(last: Int, signed: Int?)
  /// The signed head is another identity's: the key that signed it is gone.
  case otherIdentity(String)
  /// The head beside the journal cannot be read.
  case unreadableHead(path: String)
  /// Its list of incidents was changed; accepting makes it anew.
  case otherList
  /// A ticket shows an event of ours that is not in it.
  case ticket(place: String, sequence: Int)

  public var description: String {
    switch self {
    case .cut(let last, let written):
      "it ends at event \(last), but event \(written) was written: what followed is missing"
    case .changed(let sequence): "event \(sequence) is not the one that was written"
    case .replaced: "it is another journal than the one that was left here"
    case .gone: "there was a journal here, and there is none now"
    case .keyGone: "a key beside it is gone"
    case .unsigned(let last, let signed):
      "it ends at event \(last), but its signed head is \(signed.map { "event \($0)" } ?? "missing")"
    case .otherIdentity(let identity):
      "its head was signed by the key \(identity), which is not this installation's identity.key"
    case .unreadableHead(let path): "\(path), which keeps its last head, cannot be read"
    case .otherList: "the list of incidents does not say what the events say"
    case .ticket(let place, let sequence):
      "the ticket \(place) was told of event \(sequence), and the journal does not hold that event"
    }
  }

  /// What a writing command says instead of going on.
  public func refusal(_ operation: String, path: String) -> JournalError {
    JournalError(
      .altered, operation,
      because: "\(path) is not the journal that was left: \(self); nothing was done",
      fix: "put the right file back; or, when nobody has it and you have looked at what is missing: "
        + "staunch journal accept --reason 'why'")
  }
}

extension Journal {
  /// How this journal differs from the one that was left; nil when it is the same or has gone on from there.
  ///
  /// Looks at the last links only; ``verify(publicKeys:expecting:)`` reads everything.
  public func difference() throws(JournalError) -> JournalDifference? {
    let kept = try witness.read()
    return try reading("compare the journal with its last head") { db in
      try difference(db, from: kept)
    }
  }

  func difference(_ db: Database, from kept: HeadWitness.Contents) throws -> JournalDifference? {
    let (last, hash) = try lastLink(db)
    if let signed = try signedDifference(db, last: last, hash: hash) { return signed }
    switch kept {
    case .nothing: return nil
    case .unreadable: return .unreadableHead(path: witness.path)
    case .head(let record):
      guard record.journal == header.id else { return .replaced }
      guard record.sequence <= last else { return .cut(last: last, written: record.sequence) }
      switch try holding(db, record.sequence, hash: record.hash) {
      // Unknown: retention has removed it; what is left begins with a signed checkpoint.
      case true, nil: break
      case false: return .changed(sequence: record.sequence)
      }
      // The right file may have been put back since.
      guard let disputed = record.disputed,
        try disputed.journal != header.id || holding(db, disputed.sequence, hash: disputed.hash) == false
      else { return nil }
      return .ticket(place: disputed.place, sequence: disputed.sequence)
    }
  }

  /// Whether this event is in the chain; nil when retention has removed what stood there.
  func holding(_ db: Database, _ sequence: Int, hash: String) throws -> Bool? {
    guard sequence > 0 else { return hash == HashChain.genesis(headerText: headerText) }
    let found = try String.fetchOne(
      db,
      sql: """
        SELECT hash FROM events WHERE seq = ?1 UNION ALL SELECT hash FROM checkpoints WHERE seq = ?1 LIMIT 1
        """, arguments: [sequence])
    if let found { return found == hash }
    let removed = try Int.fetchOne(db, sql: "SELECT max(seq) FROM checkpoints") ?? 0
    return sequence <= removed ? nil : false
  }

  /// What the signed head says of the last event.
  func signedDifference(_ db: Database, last: Int, hash: String) throws -> JournalDifference? {
    let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT seq, hash, identity FROM head"))
    guard let row else {
      return last == 0 ? nil : .unsigned(last: last, signed: nil)
    }
    let sequence: Int = row[0]
    let signed: String = row[1]
    let identity: String = row[2]
    guard sequence == last else {
      return sequence > last ? .cut(last: last, written: sequence) : .unsigned(last: last, signed: sequence)
    }
    guard signed == hash else { return .changed(sequence: last) }
    if let own = keys?.identity.fingerprint, own != identity { return .otherIdentity(identity) }
    return nil
  }
}
