import Capabilities
import Foundation
import JSON
import Synchronization

/// The journal's last head, kept beside the database in `journal.head`.
///
/// SQLite cannot tell that it was replaced by an older copy of itself, that its write-ahead log was deleted, or that the
/// file was made anew. So the head of every append is also written here, after the commit: the file is never ahead of
/// the journal, and a journal that does not reach it is not the one that was left. One sector, written in place: no
/// space is needed, and a crash leaves the old head or the new one. It is synchronised when the journal is opened and closed, not at each
/// append: after a power cut it may lag, and a lagging head only notices less.
///
/// Beside it stands, until a person decides, what a ticket says and the journal does not hold (``Disputed``).
final class HeadWitness: Sendable {
  /// A head as it was written.
  struct Record: Sendable, Hashable {
    /// The journal's random id.
    let journal: String
    let sequence: Int
    let hash: String
    var disputed: Disputed?

    init(journal: String, sequence: Int, hash: String, disputed: Disputed? = nil) {
      self.journal = journal
      self.sequence = sequence
      self.hash = hash
      self.disputed = disputed
    }

    var json: JSONValue {
      var members: [String: JSONValue] = [
        "hash": .string(hash), "journal": .string(journal), "seq": .integer(sequence),
      ]
      members["ticket"] = disputed?.json
      return .object(members)
    }
  }

  /// A head of ours that a ticket shows.
  struct Disputed: Sendable, Hashable {
    let journal: String
    let sequence: Int
    let hash: String
    let place: String

    var json: JSONValue {
      [
        "hash": .string(hash), "journal": .string(journal), "seq": .integer(sequence),
        "place": .string(String(place.prefix(80))),
      ]
    }

    init(_ posted: PostedHead) {
      journal = posted.head.journal
      sequence = posted.head.sequence
      hash = posted.head.hash
      place = posted.place
    }

    init?(json: JSONValue) {
      guard let journal = json["journal"]?.string, let sequence = json["seq"]?.integer,
        let hash = json["hash"]?.string
      else { return nil }
      self.journal = journal
      self.sequence = sequence
      self.hash = hash
      place = json["place"]?.string ?? "a ticket"
    }
  }

  /// What the file holds.
  enum Contents: Sendable, Hashable {
    case nothing
    case head(Record)
    /// Something that no staunch wrote.
    case unreadable
  }

  let path: String
  /// What the last append could not write down; the next one reports it.
  private let failure = Mutex<JournalError?>(nil)
  private static let size = 512

  /// - Parameter journal: the path of the database.
  init(besides journal: String) {
    path = HeadWitness.path(of: journal)
  }

  static func path(of journal: String) -> String {
    ((journal as NSString).deletingPathExtension) + ".head"
  }

  func read() throws(JournalError) -> Contents {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return .nothing }
      throw KeyFile.failure("read \(path)", path: path)
    }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_SH) == 0 else { throw KeyFile.failure("read \(path)", path: path) }
    return try contents(descriptor)
  }

  private func contents(_ descriptor: Int32) throws(JournalError) -> Contents {
    var bytes = [UInt8](repeating: 0, count: HeadWitness.size)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else { throw KeyFile.failure("read \(path)", path: path) }
    // Made, but nothing was written before the process died: it says nothing.
    guard count > 0 else { return .nothing }
    let text = String(decoding: bytes[..<count], as: UTF8.self).trimmingCharacters(
      in: .whitespacesAndNewlines)
    do {
      let value = try JSONValue(parsing: text)
      guard let journal = value["journal"]?.string, let sequence = value["seq"]?.integer,
        let hash = value["hash"]?.string
      else { return .unreadable }
      let disputed = value["ticket"].map(Disputed.init(json:))
      // A word against the journal that cannot be read is no word for it.
      if case .some(.none) = disputed { return .unreadable }
      return .head(Record(journal: journal, sequence: sequence, hash: hash, disputed: disputed ?? nil))
    } catch { return .unreadable }
  }

  /// Writes `record` down unless the file has a later head of the same journal: another process may have been faster.
  ///
  /// - Parameters:
  ///   - isDurable: waits for the disk.
  ///   - replacing: also over a later head, another journal's, a disputed or an unreadable one: a person decided.
  func keep(_ record: Record, isDurable: Bool, replacing: Bool = false) throws(JournalError) {
    let isNew = access(path, F_OK) != 0
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw KeyFile.failure("write \(path)", path: path) }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX) == 0 else { throw KeyFile.failure("write \(path)", path: path) }
    var record = record
    if !replacing, case .head(let kept) = try contents(descriptor) {
      let isBehind = kept.journal == record.journal && kept.sequence >= record.sequence
      guard !isBehind || (record.disputed != nil && record.disputed != kept.disputed) else { return }
      let disputed = record.disputed ?? kept.disputed
      if isBehind { record = kept }
      record.disputed = disputed
    }
    var bytes = Array(record.json.canonicalText.utf8)
    bytes += [UInt8](repeating: 0x20, count: max(0, HeadWitness.size - 1 - bytes.count)) + [0x0A]
    guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count, !isDurable || fsync(descriptor) == 0
    else {
      throw KeyFile.failure("write \(path)", path: path)
    }
    if isNew, DurableDirectory.synchronise((path as NSString).deletingLastPathComponent) != nil {
      throw KeyFile.failure("write \(path)", path: path)
    }
  }

  /// ``keep(_:isDurable:replacing:)`` after a commit: what fails is reported by ``check()``.
  func follow(_ record: Record) {
    do { try keep(record, isDurable: false) } catch { failure.withLock { $0 = error } }
  }

  /// - Throws: why a head could not be written down; once.
  func check() throws(JournalError) {
    let found = failure.withLock { failure in
      defer { failure = nil }
      return failure
    }
    if let found { throw found }
  }
}
