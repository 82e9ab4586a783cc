import Foundation
import Inbox
import Logging
import Synchronization

/// Refusals in the log, at most ten a second after the first hundred: whoever floods must not fill the disk with lines. The
/// metrics count all of them, and the next line says how many were left out.
final class RefusalLog: Sendable {
  private let log: Logger
  private let bucket = TokenBucket(rate: 10, burst: 100)
  private let leftOut = Mutex(0)
  private let kept = Mutex<[RefusedDelivery]>([])

  init(_ log: Logger) { self.log = log }

  func write(
    _ refusal: Refusal, route: String, client: String = "", request: String = "", now: Date
  ) {
    guard bucket.take(at: now) else {
      leftOut.withLock { $0 += 1 }
      return
    }
    var metadata: Logger.Metadata = [
      "route": "\(route)", "reason": "\(refusal.reason)", "because": "\(refusal.because)",
      "client": "\(client)", "request": "\(request)",
    ]
    let left = leftOut.withLock { count in
      defer { count = 0 }
      return count
    }
    if left > 0 { metadata["left_out"] = "\(left)" }
    log.warning("refused", metadata: metadata)
    let record = RefusedDelivery(
      at: now, route: route, reason: refusal.reason, because: refusal.because, client: client,
      request: request, leftOut: left)
    kept.withLock { if $0.count < 1000 { $0.append(record) } }
  }

  /// Refusals since the last call, for `staunch deliveries`.
  func take() -> [RefusedDelivery] {
    kept.withLock { kept in
      defer { kept = [] }
      return kept
    }
  }
}
