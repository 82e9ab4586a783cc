import Foundation
import Synchronization

/// SNS signing certificates by address: kept 24 hours, eight at most, ten fetches a minute at most. Whoever posts may name any
/// address that the host rule allows; this bounds what that costs.
final class CertificateCache: Sendable {
  static let lifetime: TimeInterval = 86400
  static let largest = 64 << 10
  static let timeout = Duration.seconds(5)
  private static let capacity = 8

  private let fetching: any Fetching
  private let kept = Mutex<[String: (pem: String, until: Date)]>([:])
  private let bucket = TokenBucket(rate: 10.0 / 60, burst: 10)

  init(fetching: any Fetching) { self.fetching = fetching }

  /// - Throws: ``FetchError`` also when the fetches of this minute are used up.
  func certificate(at url: String, now: Date, within timeout: Duration = timeout) async throws(FetchError)
    -> String
  {
    if let found = kept.withLock({ $0[url] }), now < found.until { return found.pem }
    guard bucket.take(at: now) else {
      throw FetchError(because: "too many signing certificates were asked for in this minute")
    }
    let bytes = try await fetching.get(url, largest: CertificateCache.largest, timeout: timeout)
    let pem = String(decoding: bytes, as: UTF8.self)
    kept.withLock { kept in
      if kept.count >= CertificateCache.capacity,
        let oldest = kept.min(by: { $0.value.until < $1.value.until })
      {
        kept[oldest.key] = nil
      }
      kept[url] = (pem, now.addingTimeInterval(CertificateCache.lifetime))
    }
    return pem
  }
}
