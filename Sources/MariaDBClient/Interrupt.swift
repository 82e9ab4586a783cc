import CMariaDB
import Foundation

/// Waits for a connection in the library's own terms, and ends the wait early when its task is cancelled.
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

  enum End {
    /// Which of the wanted things happened: `MYSQL_WAIT_…`.
    case ready(Int32)
    case timedOut, cancelled
  }

  /// Blocks until `descriptor` is ready for one of `wanted`, the deadline passes or the signal fires.
  func wait(_ descriptor: Int32, for wanted: Int32, until deadline: ContinuousClock.Instant) -> End {
    let (read, write, except) = (
      Int32(MYSQL_WAIT_READ), Int32(MYSQL_WAIT_WRITE), Int32(MYSQL_WAIT_EXCEPT)
    )
    var events: Int16 = 0
    if wanted & read != 0 { events |= Int16(POLLIN) }
    if wanted & write != 0 { events |= Int16(POLLOUT) }
    if wanted & except != 0 { events |= Int16(POLLPRI) }
    while true {
      let left = ContinuousClock.now.duration(to: deadline).components
      let milliseconds = max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000)
      var polled = [
        pollfd(fd: descriptor, events: events, revents: 0),
        pollfd(fd: reader, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&polled, 2, Int32(clamping: milliseconds))
      if count < 0, errno == EINTR { continue }
      if polled[1].revents != 0 { return .cancelled }
      guard count > 0 else { return .timedOut }
      let seen = Int32(polled[0].revents)
      var happened: Int32 = 0
      if seen & Int32(POLLIN) != 0 { happened |= read }
      if seen & Int32(POLLOUT) != 0 { happened |= write }
      if seen & Int32(POLLPRI) != 0 { happened |= except }
      // An end of the connection is for the library to find when it reads or writes.
      happened &= wanted
      return .ready(happened != 0 ? happened : wanted & (read | write | except))
    }
  }
}
