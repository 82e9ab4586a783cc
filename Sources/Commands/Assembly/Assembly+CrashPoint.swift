import Execution
import Foundation

extension Assembly {
  /// In debug builds `STAUNCH_CRASH_AT=N` kills this process (SIGKILL) at the N-th crash point, so that a test can show
  /// that nothing is lost. A release build has no such thing.
  func crashPoint() -> CrashPointHook {
    #if DEBUG
      guard let moment = environment["STAUNCH_CRASH_AT"].flatMap(Int.init) else { return { _ in } }
      let counter = CrashCounter(moment)
      return { _ in counter.count() }
    #else
      return { _ in }
    #endif
  }

  /// The same for the steps in which a rewrite moves files, and `STAUNCH_CRASH_AT_MOVE`.
  func historyCrashPoint() -> @Sendable () -> Void {
    #if DEBUG
      guard let moment = environment["STAUNCH_CRASH_AT_MOVE"].flatMap(Int.init) else { return {} }
      let counter = CrashCounter(moment)
      return { counter.count() }
    #else
      return {}
    #endif
  }
}

#if DEBUG
  import Synchronization

  private final class CrashCounter: Sendable {
    private let remaining: Mutex<Int>
    init(_ moment: Int) { remaining = Mutex(moment) }
    func count() {
      let left = remaining.withLock { remaining in
        remaining -= 1
        return remaining
      }
      if left == 0 { kill(getpid(), SIGKILL) }
    }
  }
#endif
