import Foundation
import GRDB
import Incidents

/// Why the journal could not be read or written.
public struct JournalError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Decides the exit code and the advice.
  public enum Code: String, Sendable, CaseIterable {
    /// There is no journal at the path.
    case missing
    /// A file that is not a journal of staunch; it is left alone.
    case notAJournal = "not_a_journal"
    /// Written by a newer staunch.
    case newer
    /// The database is damaged. It is never overwritten.
    case corrupt
    /// The journal, or a key beside it, is not the one that was left: a person decides.
    case altered
    /// The file or its directory cannot be written.
    case readOnly = "read_only"
    case diskFull = "disk_full"
    /// The disk failed.
    case inputOutput = "input_output"
    /// Another process holds the database for longer than the busy time-out.
    case busy
    /// A file of the state directory can be read by others.
    case permissions
    /// Another run or another process holds the lock.
    case locked
    /// This process lost the run to another one; it must not write any more.
    case superseded
    /// No such plan, secret, message or run.
    case notFound = "not_found"
    /// The key of a sealed value was destroyed.
    case shredded
    /// A sealed value does not open: wrong operator key, or it was changed.
    case unsealable
    /// The call itself is wrong: our bug or an impossible request.
    case invalid
  }

  public let code: Code
  /// What was attempted.
  public let operation: String
  /// Why it failed, in one sentence, starting lower-case.
  public let because: String
  /// An exact command or action.
  public let fix: String?

  public init(_ code: Code, _ operation: String, because: String, fix: String? = nil) {
    self.code = code
    self.operation = operation
    self.because = because
    self.fix = fix
  }

  /// Nothing else can be written either until it is mended: it is nobody's own trouble.
  public var isOfWholeJournal: Bool {
    switch code {
    case .missing, .notAJournal, .newer, .altered, .readOnly, .diskFull, .inputOutput, .busy, .permissions:
      true
    case .corrupt, .locked, .superseded, .notFound, .shredded, .unsealable, .invalid: false
    }
  }

  public var description: String {
    "\(operation): \(because)" + (fix.map { "; fix: \($0)" } ?? "")
  }
}

extension DatabaseError {
  /// Whether the disk's being full explains the error.
  fileprivate func isFullDisk(under path: String) -> Bool {
    if resultCode == .SQLITE_FULL || extendedResultCode == .SQLITE_IOERR_SHMSIZE { return true }
    guard resultCode == .SQLITE_IOERR || resultCode == .SQLITE_CANTOPEN else { return false }
    var status = statvfs()
    guard statvfs((path as NSString).deletingLastPathComponent, &status) == 0 else { return false }
    return status.f_bavail * UInt(status.f_frsize) < 65536
  }
}

extension JournalError {
  /// A database error in the journal's words. Arguments of statements never get into it.
  init(_ error: any Error, _ operation: String, path: String) {
    if let error = error as? JournalError {
      self = error
      return
    }
    guard let error = error as? DatabaseError else {
      self.init(.inputOutput, operation, because: plainReason(of: error))
      return
    }
    let word = error.message ?? error.resultCode.description
    switch error.resultCode {
    case .SQLITE_CORRUPT:
      self.init(
        .corrupt, operation, because: "the journal \(path) is damaged (\(word)); it was left as it is",
        fix: JournalError.recovery(of: path))
    case .SQLITE_NOTADB:
      self.init(
        .notAJournal, operation, because: "\(path) is not a journal (\(word)); it was left as it is",
        fix: "move it away, or choose another state directory: STAUNCH_STATE=DIR")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN, .SQLITE_AUTH:
      self.init(
        .readOnly, operation, because: "the journal \(path) cannot be written (\(word)); nothing was done",
        fix: "give this user the file and its directory: ls -ld \(path) \"$(dirname \(path))\"")
    // With a full disk the shared memory of the write-ahead log cannot grow: SQLite calls that an I/O error.
    case _ where error.isFullDisk(under: path):
      self.init(
        .diskFull, operation, because: "the disk under \(path) is full; nothing was done without a record",
        fix: "free space (df -h \"$(dirname \(path))\"), then: staunch resume")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      self.init(
        .busy, operation, because: "another process is writing to \(path)", fix: "see who: fuser -v \(path)")
    case .SQLITE_CONSTRAINT:
      self.init(.invalid, operation, because: "the journal refused it (\(word))")
    default:  // fails: every other code is a failure of the disk or of SQLite itself
      self.init(
        .inputOutput, operation, because: "the disk under \(path) failed (\(word))",
        fix: "look at the system's log (dmesg) and check the disk, then: staunch journal verify")
    }
  }

  /// The command that copies what can still be read into a new file, beside the damaged one.
  static func recovery(of path: String) -> String {
    "sqlite3 \(path) .recover | sqlite3 \(path).recovered && staunch journal verify --journal \(path).recovered"
  }
}
