import Foundation
import Synchronization

/// SNS signing certificates by address: kept 24 hours, eight at most; in a minute ten fetches for one sender's address and sixty
/// in all. Whoever posts may name any address that the host rule allows; this bounds what that costs, and what one such sender
/// takes from the others.
final class CertificateCache: Sendable {
  static let lifetime: TimeInterval = 86400
  static let largest = 64 << 10
  static let timeout = Duration.seconds(5)
  private static let capacity = 8

  private let fetching: any Fetching
  private let kept = Mutex<[String: (pem: String, until: Date)]>([:])
  private let all = TokenBucket(rate: 1, burst: 60)
  private let buckets = Mutex<[String: TokenBucket]>([:])

  init(fetching: any Fetching) { self.fetching = fetching }

  /// - Throws: ``FetchError`` also when the fetches of this minute are used up.
  func certificate(at url: String, for client: String, now: Date, within timeout: Duration = timeout)
    async throws(FetchError) -> String
  {
    if let found = kept.withLock({ $0[url] }), now < found.until { return found.pem }
    guard bucket(of: client).take(at: now), all.take(at: now) else {
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

  private func bucket(of client: String) -> TokenBucket {
    buckets.withLock { buckets in
      if let known = buckets[client] { return known }
      // So many senders in a row: forget the oldest knowledge rather than grow.
      if buckets.count >= 1000 { buckets = [:] }
      let fresh = TokenBucket(rate: 10.0 / 60, burst: 10)
      buckets[client] = fresh
      return fresh
    }
  }
}
