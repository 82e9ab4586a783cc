import Capabilities
import Foundation
import Synchronization

/// The faults of a scenario while a drill runs: each becomes active at its moment and is used up by the server that it hits.
final class FaultBoard: Sendable {
  private let board: Mutex<[(fault: Fault, struck: Int)]>
  private let start: Mutex<Date>
  private let clock: @Sendable () -> Date

  init(_ faults: [Fault], now: @escaping @Sendable () -> Date) {
    board = Mutex(faults.map { ($0, 0) })
    start = Mutex(now())
    clock = now
  }

  /// The drill's clock.
  var now: Date { clock() }

  /// From now on the moments of the scenario count.
  func begin() { start.withLock { $0 = clock() } }

  /// Uses up one occurrence of `kind` when one is due. - Returns: true when the server must misbehave now.
  func strikes(_ kind: Fault.Kind) -> Bool {
    let elapsed = elapsed
    return board.withLock { board in
      guard let index = board.firstIndex(where: { $0.fault.isDue(kind, at: elapsed, struck: $0.struck) })
      else {
        return false
      }
      board[index].struck += 1
      return true
    }
  }

  /// Whether ``strikes(_:)`` would, without using anything up: for whoever looks on.
  func wouldStrike(_ kind: Fault.Kind) -> Bool {
    let elapsed = elapsed
    return board.withLock { $0.contains { $0.fault.isDue(kind, at: elapsed, struck: $0.struck) } }
  }

  /// Every fault of the scenario, and how often it has struck.
  var counts: [(fault: Fault, struck: Int)] { board.withLock { $0 } }

  private var elapsed: TimeInterval { clock().timeIntervalSince(start.withLock { $0 }) }
}

extension Fault {
  fileprivate func isDue(_ kind: Kind, at elapsed: TimeInterval, struck: Int) -> Bool {
    self.kind == kind && struck < times && Double(at.milliseconds) / 1000 <= elapsed
  }
}
