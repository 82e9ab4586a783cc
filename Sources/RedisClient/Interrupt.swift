import Foundation

/// Waits for a socket, and ends the wait early when its task is cancelled.
final class Interrupt: Sendable {
  private let reader: Int32
  private let writer: Int32

  /// Without descriptors left it never fires; the deadline still holds.
  init() {
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) == 0 {
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }
    reader = ends[0]
    writer = ends[1]
  }

  deinit {
    if reader >= 0 { close(reader) }
    if writer >= 0 { close(writer) }
  }

  /// Ends the wait that runs now, or the next one.
  func fire() {
    guard writer >= 0 else { return }
    var byte: UInt8 = 1
    _ = write(writer, &byte, 1)
  }

  enum Event { case readable, writable }

  /// Blocks until `descriptor` is ready; how it is ready is for the next call on it to find.
  /// - Throws: `.timedOut` when the deadline has passed, `.cancelled` when the signal fires.
  func wait(_ descriptor: Int32, for event: Event, until deadline: ContinuousClock.Instant)
    throws(LineFailure)
  {
    while true {
      let left = ContinuousClock.now.duration(to: deadline).components
      let milliseconds = max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000)
      var polled = [
        pollfd(fd: descriptor, events: Int16(event == .readable ? POLLIN : POLLOUT), revents: 0),
        pollfd(fd: reader, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&polled, 2, Int32(clamping: milliseconds))
      if count < 0, errno == EINTR { continue }
      if polled[1].revents != 0 { throw .cancelled }
      guard count > 0 else { throw .timedOut }
      return
    }
  }
}
