import Foundation
import Synchronization

/// Whether the disk of the exchange file has room left. What senders bring must not fill the disk on which the worker writes its
/// journal: below the reserve they are asked to come again.
final class DiskReserve: Sendable {
  private let path: String
  private let reserve: Int
  private let known = Mutex<(hasRoom: Bool, at: ContinuousClock.Instant)?>(nil)

  /// - Parameters:
  ///   - path: a file or directory on that disk.
  ///   - reserve: bytes that stay free.
  init(path: String, reserve: Int) {
    self.path = path
    self.reserve = reserve
  }

  /// Asked at most once a second. A disk that cannot be asked counts as one with room: the append itself will tell.
  var hasRoom: Bool {
    if let known = known.withLock({ $0 }), ContinuousClock.now - known.at < .seconds(1) {
      return known.hasRoom
    }
    var status = statvfs()
    let hasRoom =
      statvfs(path, &status) != 0
      || UInt64(status.f_bavail) &* UInt64(status.f_frsize) >= UInt64(max(0, reserve))
    known.withLock { $0 = (hasRoom, .now) }
    return hasRoom
  }
}
