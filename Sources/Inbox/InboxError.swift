import GRDB
import Incidents

/// Why the exchange file could not be read or written.
public struct InboxError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Decides the answer to the sender and the advice.
  public enum Code: String, Sendable, CaseIterable {
    /// A file of another program; it is left alone.
    case notAnInbox = "not_an_inbox"
    /// Written by a newer staunch.
    case newer
    case corrupt
    /// The file or its directory cannot be written.
    case readOnly = "read_only"
    case diskFull = "disk_full"
    case inputOutput = "input_output"
    /// The other process holds the file for longer than the busy time-out.
    case busy
    /// The disk did not take it within the caller's time. It may still be stored: a repetition is a duplicate then.
    case late
    /// No such delivery or decision.
    case notFound = "not_found"
    /// A key is none, or the caller holds the wrong one.
    case key
    /// The call itself is wrong: our bug.
    case invalid
  }

  public let code: Code
  /// What was attempted.
  public let operation: String
  /// Why it failed, in one sentence, starting lower-case.
  public let because: String
  /// An exact command or action.
  public let fix: String?

  /// Nothing else can be read or written either until it is mended.
  public var isOfWholeFile: Bool {
    switch code {
    case .notAnInbox, .newer, .readOnly, .diskFull, .inputOutput, .busy, .late, .key: true
    case .corrupt, .notFound, .invalid: false
    }
  }

  public init(_ code: Code, _ operation: String, because: String, fix: String? = nil) {
    self.code = code
    self.operation = operation
    self.because = because
    self.fix = fix
  }

  public var description: String {
    "\(operation): \(because)" + (fix.map { "; fix: \($0)" } ?? "")
  }
}

extension InboxError {
  /// A database error in the inbox's words. Arguments of statements never get into it.
  init(_ error: any Error, _ operation: String, path: String) {
    if let error = error as? InboxError {
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
        .corrupt, operation, because: "the exchange file \(path) is damaged (\(word)); it was left as it is",
        fix: "stop staunch, move it away; senders that redeliver and the reconciliation fill a new one")
    case .SQLITE_NOTADB:
      self.init(
        .notAnInbox, operation, because: "\(path) is no exchange file (\(word)); it was left as it is",
        fix: "move it away, or choose another state directory")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN, .SQLITE_AUTH:
      self.init(
        .readOnly, operation, because: "the exchange file \(path) cannot be written (\(word))",
        fix: "give this user the file and its directory: ls -ld \(path) \"$(dirname \(path))\"")
    case .SQLITE_FULL:
      self.init(
        .diskFull, operation, because: "the disk under \(path) is full",
        fix: "free space: df -h \"$(dirname \(path))\"")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      self.init(
        .busy, operation, because: "another process is writing to \(path)", fix: "see who: fuser -v \(path)")
    case .SQLITE_CONSTRAINT:
      self.init(.invalid, operation, because: "the exchange file refused it (\(word))")
    default:  // fails: every other code is a failure of the disk or of SQLite itself
      self.init(
        .inputOutput, operation, because: "SQLite error \(error.extendedResultCode.rawValue) (\(word))",
        fix: "check the disk: dmesg | tail")
    }
  }
}
