public import Capabilities
import Foundation

/// A lock on a file that one process at a time holds. The kernel frees it when its last holder ends, however that happens;
/// a child that inherits ``descriptor`` holds it too. Source: flock(2).
public final class ExclusiveLock: Sendable {
  public let path: String
  public let descriptor: Int32

  private init(_ path: String, _ descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// - Returns: nil when another process holds it.
  /// - Throws: when the file cannot be made.
  public static func take(_ path: String) throws(CapabilityError) -> ExclusiveLock? {
    let lock = try opened(path)
    if flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 { return lock }
    guard errno == EWOULDBLOCK else { throw systemError(errno, "lock \(path)") }
    return nil
  }

  /// Waits until it is free. Not cancelled by its task: whoever holds it must be on its way out.
  public static func waitAndTake(_ path: String) async throws(CapabilityError) -> ExclusiveLock {
    let lock = try opened(path)
    let code = await withCheckedContinuation { (continuation: CheckedContinuation<Int32, Never>) in
      Thread.detachNewThread {
        var status = flock(lock.descriptor, LOCK_EX)
        while status != 0, errno == EINTR { status = flock(lock.descriptor, LOCK_EX) }
        continuation.resume(returning: status == 0 ? 0 : errno)
      }
    }
    guard code == 0 else { throw systemError(code, "lock \(path)") }
    return lock
  }

  private static func opened(_ path: String) throws(CapabilityError) -> ExclusiveLock {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw systemError(errno, "lock \(path)") }
    return ExclusiveLock(path, descriptor)
  }

  /// Writes down who holds it, for people and for ``holder(of:)``; nil: nobody known.
  public func note(_ pid: Int32?) {
    // The lock itself is what counts; a note that cannot be written only makes a message poorer.
    _ = ftruncate(descriptor, 0)
    guard let pid else { return }
    let text = Array("\(pid)\n".utf8)
    _ = pwrite(descriptor, text, text.count, 0)
  }

  /// The process that is noted in the file; nil when none is.
  public static func holder(of path: String) -> Int32? {
    // No file, no note.
    let text = try? String(contentsOfFile: path, encoding: .utf8)
    return text.flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }
}
