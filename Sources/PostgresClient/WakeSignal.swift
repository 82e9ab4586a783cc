import Foundation

/// A pipe that ends a wait early when its task is cancelled.
final class WakeSignal: Sendable {
  private let reader: Int32
  private let writer: Int32

  /// Without descriptors left the signal never fires; the deadline still holds.
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
  enum End { case ready, timedOut, cancelled }

  /// Blocks until `descriptor` is ready, the deadline passes or the signal fires.
  func wait(_ descriptor: Int32, for event: Event, until deadline: ContinuousClock.Instant) -> End {
    while true {
      let left = ContinuousClock.now.duration(to: deadline).components
      let milliseconds = max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000)
      var polled = [
        pollfd(fd: descriptor, events: Int16(event == .readable ? POLLIN : POLLOUT), revents: 0),
        pollfd(fd: reader, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&polled, 2, Int32(clamping: milliseconds))
      if count < 0, errno == EINTR { continue }
      if polled[1].revents != 0 { return .cancelled }
      return count > 0 ? .ready : .timedOut
    }
  }
}
