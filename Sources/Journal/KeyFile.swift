import Foundation
import Secrets

/// A file that only its owner may read: the journal and the keys beside it.
enum KeyFile {
  /// Creates an empty file, mode 0600, when there is none; SQLite gives its companions the same mode.
  static func createPrivately(_ path: String) throws(JournalError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
      close(descriptor)
      try synchroniseDirectory(of: path)
      return
    }
    guard errno == EEXIST else { throw failure("create \(path)", path: path) }
  }

  /// The bytes of the key in `path`; `fresh` makes and durably writes them when there is no file.
  ///
  /// - Parameter isMissed: whether something was made with the key that stood here: then there is no new one.
  /// - Throws: `permissions` when others can read it; `altered` when it is missed.
  static func read(
    _ path: String, isMissed: () throws(JournalError) -> Bool = { () throws(JournalError) in false },
    orCreate fresh: () -> Secret
  ) throws(JournalError) -> Secret {
    var status = stat()
    if stat(path, &status) != 0, errno == ENOENT {
      guard try !isMissed() else {
        throw JournalError(
          .altered, "read \(path)",
          because: "the key is gone, and the journal beside it was written with it; no new one was made",
          fix: "restore it from a backup; or, when there is none: staunch journal accept --reason 'why'")
      }
      try create(path, fresh())
    }
    guard stat(path, &status) == 0 else { throw failure("read \(path)", path: path) }
    guard status.st_mode & 0o077 == 0 else {
      throw JournalError(
        .permissions, "read \(path)", because: "others can read this key", fix: "chmod 600 \(path)")
    }
    guard let text = FileManager.default.contents(atPath: path) else {
      throw failure("read \(path)", path: path)
    }
    guard let bytes = Hex.bytes(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .newlines)),
      bytes.count == 32
    else {
      throw JournalError(
        .unsealable, "read \(path)", because: "it does not hold a key of 64 hexadecimal digits",
        fix: "restore it from a backup; without it sealed values cannot be opened")
    }
    return Secret(SecretBytes(copying: bytes))
  }

  /// Written under another name and linked, so that two processes that start together agree on one key.
  private static func create(_ path: String, _ secret: Secret) throws(JournalError) {
    let draft = "\(path).\(getpid()).new"
    unlink(draft)
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("create \(path)", path: path) }
    defer {
      close(descriptor)
      unlink(draft)
    }
    let text = Array((Hex.text(secret.exposeAsBytes()) + "\n").utf8)
    guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0 else {
      throw failure("write \(path)", path: path)
    }
    guard link(draft, path) == 0 || errno == EEXIST else { throw failure("create \(path)", path: path) }
    try synchroniseDirectory(of: path)
  }

  /// A file whose name is not durable is lost in a power cut, and with it what was sealed under it.
  private static func synchroniseDirectory(of path: String) throws(JournalError) {
    guard let problem = DurableDirectory.synchronise((path as NSString).deletingLastPathComponent) else {
      return
    }
    errno = problem
    throw failure("create \(path)", path: path)
  }

  static func failure(_ operation: String, path: String) -> JournalError {
    let code = errno
    let because = String(cString: strerror(code))
    switch code {
    case ENOSPC, EDQUOT:
      return JournalError(
        .diskFull, operation, because: because, fix: "free space: df -h \"$(dirname \(path))\"")
    case EACCES, EPERM, EROFS:
      return JournalError(
        .readOnly, operation, because: because,
        fix: "give this user the directory: ls -ld \"$(dirname \(path))\"")
    case ENOENT:
      return JournalError(.missing, operation, because: because, fix: "create the directory first")
    default:  // fails: what is left is a failing disk or a wrong path
      return JournalError(.inputOutput, operation, because: because)
    }
  }
}
