import Execution
import Journal
import Synchronization

/// What a simulated process dies of.
struct SimulatedCrash: Error {}

/// When the process dies (and stays dead), and whether a write finds the disk full once.
final class CrashPlan: Sendable {
  private let left: Mutex<Int?>
  private let diskFull: Mutex<Int?>
  private let isCounted = Mutex(false)
  private let count: @Sendable (String) -> Void

  /// - Parameters:
  ///   - steps: crash points that are survived; nil: all.
  ///   - count: hears at what kind of moment it died.
  init(steps: Int?, diskFull: Bool, count: @escaping @Sendable (String) -> Void = { _ in }) {
    left = Mutex(steps)
    self.diskFull = Mutex(diskFull ? (steps ?? 20) / 2 : nil)
    self.count = count
  }

  var hook: CrashPointHook {
    { point in
      if self.isDead() {
        let isFirst = self.isCounted.withLock { isCounted in
          defer { isCounted = true }
          return !isCounted
        }
        if isFirst { self.count(self.name(of: point)) }
        throw SimulatedCrash()
      }
      guard case .beforeAppend = point else { return }
      let isFull = self.diskFull.withLock { left -> Bool in
        guard let count = left else { return false }
        left = count == 0 ? nil : count - 1
        return count == 0
      }
      if isFull { throw JournalError(.diskFull, "append", because: "the disk is full") }
    }
  }

  private func isDead() -> Bool {
    left.withLock { left in
      guard let count = left else { return false }
      left = max(0, count - 1)
      return count == 0
    }
  }

  private func name(of point: CrashPoint) -> String {
    switch point {
    case .beforeAppend: "before a journal write"
    case .afterAppend: "after a journal write"
    case .beforeCall: "before a call"
    case .afterCall: "after a call"
    }
  }
}
