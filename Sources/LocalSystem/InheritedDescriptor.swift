public import Capabilities
import Foundation
public import Secrets

/// An open descriptor to hand to a child; closed here when this value goes, unless it is somebody else's.
public final class InheritedDescriptor: Sendable {
  public let number: Int32
  private let isOwned: Bool

  private init(_ number: Int32) {
    self.number = number
    isOwned = true
  }

  /// One that somebody else keeps open for as long as this value is used.
  public init(borrowing number: Int32) {
    self.number = number
    isOwned = false
  }

  deinit { if isOwned { close(number) } }

  /// A file in memory that no path names and that holds `secret`, read from its start.
  ///
  /// Not a pipe: writing to a program that does not read would raise SIGPIPE in our process, or block.
  /// - Throws: `.serverError`.
  public static func holding(_ secret: Secret, _ operation: String) throws(CapabilityError)
    -> InheritedDescriptor
  {
    let name = "/staunch-\(UInt64.random(in: .min ... .max))"
    let descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)  // close-on-exec: shm_open(3)
    guard descriptor >= 0 else { throw systemError(errno, operation) }
    let file = Descriptor(adopting: descriptor)
    guard shm_unlink(name) == 0 else { throw systemError(errno, operation) }
    try file.write(secret, operation)
    let copy = fcntl(file.raw, F_DUPFD_CLOEXEC, 0)  // shares the position, which goes back to the start
    guard copy >= 0, lseek(copy, 0, SEEK_SET) == 0 else { throw systemError(errno, operation) }
    return InheritedDescriptor(copy)
  }

  /// Everything that comes until its end, at most 64 KiB of it. A thread waits for it.
  public func text() async -> String {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { [self] in
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
          let count = read(number, &buffer, buffer.count)
          if count < 0, errno == EINTR { continue }
          guard count > 0 else { break }
          bytes += buffer[..<min(count, max(0, 65536 - bytes.count))]
        }
        continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
      }
    }
  }

  /// Both ends of a pipe.
  /// - Throws: `.serverError`.
  public static func pipe(_ operation: String) throws(CapabilityError)
    -> (reading: InheritedDescriptor, writing: InheritedDescriptor)
  {
    var ends: [Int32] = [0, 0]
    guard Foundation.pipe(&ends) == 0 else { throw systemError(errno, operation) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (InheritedDescriptor(ends[0]), InheritedDescriptor(ends[1]))
  }
}
