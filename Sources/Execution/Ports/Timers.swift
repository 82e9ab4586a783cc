import Dispatch
import Foundation

/// All sleeps of the process on one timer; a cancelled one is forgotten at once.
///
/// `Task.sleep` on Linux keeps a cancelled sleep's timer and task until its deadline: with a time-out of two minutes for each
/// call, a loop of 100,000 items held 130 MB of them. A timer of Dispatch for each sleep costs more than the call it guards.
final class Timers: @unchecked Sendable {
  // Invariant for @unchecked: everything mutable is touched with `lock` held.
  static let shared = Timers()

  private struct Due { let at: UInt64, id: UInt64 }
  private typealias Sleeper = CheckedContinuation<Void, any Error>

  private let lock = NSLock()
  private let source: any DispatchSourceTimer
  private var sleepers: [UInt64: Sleeper] = [:]
  /// A binary heap, the earliest first; also holds cancelled ones until there are more of them than of the others.
  private var heap: [Due] = []
  private var nextID: UInt64 = 1
  /// When the source fires; `.max`: never.
  private var armed = UInt64.max

  private init() {
    source = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "staunch.timers"))
    source.setEventHandler { [unowned self] in self.fire() }
    source.activate()
  }

  /// - Throws: `CancellationError`.
  func sleep(for duration: Duration) async throws {
    let id = lock.withLock {
      nextID += 1
      return nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { add($0, id, after: duration) }
    } onCancel: {
      lock.withLock { sleepers.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }

  private func add(_ sleeper: Sleeper, _ id: UInt64, after duration: Duration) {
    lock.withLock {
      let nanoseconds = max(0, min(duration / .nanoseconds(1), 1e18))
      let due = Due(at: DispatchTime.now().uptimeNanoseconds + UInt64(nanoseconds), id: id)
      sleepers[id] = sleeper
      push(due)
      if heap.count > 2 * sleepers.count + 64 { compact() }
      if due.at < armed { arm(due.at) }
    }
    // Cancelled before it was there to be found: the handler has run and does not run again.
    guard Task.isCancelled else { return }
    lock.withLock { sleepers.removeValue(forKey: id) }?.resume(throwing: CancellationError())
  }

  private func fire() {
    let due = lock.withLock { () -> [Sleeper] in
      let now = DispatchTime.now().uptimeNanoseconds
      var due: [Sleeper] = []
      while let first = heap.first, first.at <= now || sleepers[first.id] == nil {
        pop()
        if let sleeper = sleepers.removeValue(forKey: first.id) { due.append(sleeper) }
      }
      armed = .max
      if let first = heap.first { arm(first.at) }
      return due
    }
    for sleeper in due { sleeper.resume() }
  }

  private func arm(_ at: UInt64) {
    armed = at
    source.schedule(deadline: DispatchTime(uptimeNanoseconds: at))
  }

  // MARK: The heap

  private func push(_ due: Due) {
    heap.append(due)
    var child = heap.count - 1
    while child > 0, heap[child].at < heap[(child - 1) / 2].at {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private func pop() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].at < heap[least].at { least = child }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  private func compact() {
    // A sorted list is a heap.
    heap = heap.filter { sleepers[$0.id] != nil }.sorted { $0.at < $1.at }
  }
}
