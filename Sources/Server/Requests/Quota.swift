import Synchronization

/// An amount that requests hold together, up to a bound: requests in flight, bytes in memory.
final class Quota: Sendable {
  private let bound: Int
  private let held = Mutex(0)

  init(_ bound: Int) { self.bound = bound }

  var used: Int { held.withLock { $0 } }

  /// False, and nothing held, when it would exceed the bound.
  func take(_ amount: Int) -> Bool {
    held.withLock { held in
      guard held + amount <= bound else { return false }
      held += amount
      return true
    }
  }

  func give(_ amount: Int) { held.withLock { $0 -= amount } }
}
