import Foundation
import Synchronization

/// How fast one person may send decisions: 60 at once, then one a second. Everything that is sent stays in the journal.
final class PersonPace: Sendable {
  private let buckets = Mutex<[String: TokenBucket]>([:])

  func takes(_ person: String, at now: Date) -> Bool {
    buckets.withLock { buckets in
      // Names come from the proxy too: forget those that are quiet.
      if buckets.count > 1000 { buckets = buckets.filter { !$0.value.isFull(at: now) } }
      let bucket = buckets[person] ?? TokenBucket(rate: 1, burst: 60)
      buckets[person] = bucket
      return bucket.take(at: now)
    }
  }
}
