import Foundation
import Synchronization

/// So many requests a second, with a burst: a bucket that fills at `rate` and holds `burst`.
final class TokenBucket: Sendable {
  private struct State {
    var tokens: Double
    var at: Date?
  }
  private let rate: Double
  private let burst: Double
  private let state: Mutex<State>

  init(rate: Double, burst: Double) {
    self.rate = rate
    self.burst = burst
    state = Mutex(State(tokens: burst))
  }

  /// Nothing was taken for so long that the bucket is as good as new.
  func isFull(at now: Date) -> Bool {
    state.withLock { state in
      state.tokens + max(0, state.at.map { now.timeIntervalSince($0) } ?? 0) * rate >= burst
    }
  }

  /// Takes one; false when there is none.
  func take(at now: Date) -> Bool {
    state.withLock { state in
      let passed = max(0, state.at.map { now.timeIntervalSince($0) } ?? 0)
      state.at = now
      state.tokens = min(burst, state.tokens + passed * rate)
      guard state.tokens >= 1 else { return false }
      state.tokens -= 1
      return true
    }
  }
}
