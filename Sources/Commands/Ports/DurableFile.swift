import Foundation
import Response

/// A file that is written beside its place, made durable and renamed: a reader sees the old file or the new one.
enum DurableFile {
  /// - Throws: exit 69 with the cause.
  static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws {
    let draft = "\(path).\(getpid()).new"
    unlink(draft)
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw failure(path) }
    defer {
      close(descriptor)
      unlink(draft)
    }
    // The mask of the shell must not take the group's reading away: the endpoint may run as another user of that group.
    guard fchmod(descriptor, mode) == 0 else { throw failure(path) }
    guard Foundation.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
      rename(draft, path) == 0
    else { throw failure(path) }
  }

  private static func failure(_ path: String) -> Refusal {
    Refusal(
      .unavailable, "cannot write \(path)", because: String(cString: strerror(errno)).lowercased(),
      fix: "ls -ld \"$(dirname \(path))\"")
  }
}
