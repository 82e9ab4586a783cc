import Foundation

/// Modes of the files that two users may share.
enum ExchangeFile {
  /// 0660 inside a directory that its group may write, else 0600.
  static func mode(in directory: String) -> mode_t {
    var status = stat()
    guard stat(directory, &status) == 0 else { return 0o600 }
    return status.st_mode & 0o020 != 0 ? 0o660 : 0o600
  }

  /// Creates an empty file when there is none; SQLite gives its companions the same mode.
  static func create(_ path: String) throws(InboxError) {
    let directory = URL(filePath: path).deletingLastPathComponent().path
    let mode = mode(in: directory)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else {
      if errno == EEXIST { return }
      throw failure("create \(path)")
    }
    defer { close(descriptor) }
    // The umask may have taken the group's bits.
    guard fchmod(descriptor, mode) == 0 else { throw failure("create \(path)") }
  }

  /// Whether `path` and SQLite's companions are regular files, or not there: through a link, SQLite would open and write
  /// another database; at a pipe it would wait for ever.
  /// - Throws: `notAnInbox`.
  static func refuseOthers(_ path: String) throws(InboxError) {
    for name in [path, path + "-wal", path + "-shm", path + "-journal"] {
      var status = stat()
      guard lstat(name, &status) == 0 else { continue }
      guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
        throw InboxError(
          .notAnInbox, "open the exchange file",
          because: "\(name) is a link or no regular file; it was left as it is",
          fix: "see who made it (ls -l \(name)), then move it away")
      }
    }
  }

  static func failure(_ operation: String) -> InboxError {
    let code = errno
    let because = String(cString: strerror(code))
    switch code {
    case ENOSPC, EDQUOT: return InboxError(.diskFull, operation, because: because)
    case EACCES, EPERM, EROFS, ENOENT:
      return InboxError(
        .readOnly, operation, because: because, fix: "create the directory and give it to this user: ls -ld")
    default:  // fails: what is left is a failing disk or a wrong path
      return InboxError(.inputOutput, operation, because: because)
    }
  }
}
