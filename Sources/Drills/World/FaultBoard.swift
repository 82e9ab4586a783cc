import Capabilities
import Foundation
import Synchronization

/// The faults of a scenario while a drill runs: each becomes active at its moment and is used up by the server that it hits.
final class FaultBoard: Sendable {
  private let left: Mutex<[(fault: Fault, times: Int)]>
  private let start: Mutex<Date>
  private let now: @Sendable () -> Date

  init(_ faults: [Fault], now: @escaping @Sendable () -> Date) {
    left = Mutex(faults.map { ($0, $0.times) })
    start = Mutex(now())
    self.now = now
  }

  /// From now on the moments of the scenario count.
  func begin() { start.withLock { $0 = now() } }

  /// Uses up one occurrence of `kind` when one is due. - Returns: true when the server must misbehave now.
  func strikes(_ kind: Fault.Kind) -> Bool {
    let elapsed = now().timeIntervalSince(start.withLock { $0 })
    return left.withLock { left in
      guard
        let index = left.firstIndex(where: {
          $0.fault.kind == kind && $0.times > 0 && Double($0.fault.at.milliseconds) / 1000 <= elapsed
        })
      else { return false }
      left[index].times -= 1
      return true
    }
  }
}
