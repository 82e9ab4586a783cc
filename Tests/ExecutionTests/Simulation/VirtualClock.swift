import Execution
import Foundation
import Synchronization

/// Time that passes only when nobody has anything to do.
final class VirtualClock: EngineClock {
  private struct Alarm {
    let at: Duration
    let id: Int
    let continuation: CheckedContinuation<Void, any Error>
  }
  private struct State {
    var elapsed: Duration = .zero
    /// How far the wall clock was set off.
    var step: TimeInterval = 0
    var alarms: [Alarm] = []
    var cancelled: Set<Int> = []
    var next = 0
    var random: SeededRandom
  }
  private let state: Mutex<State>
  private let start = Date(timeIntervalSince1970: 1_795_489_200)

  init(seed: UInt64 = 1) { state = Mutex(State(random: SeededRandom(seed))) }

  var now: Date { state.withLock { start.addingTimeInterval($0.elapsed / .seconds(1) + $0.step) } }
  var elapsed: Duration { state.withLock { $0.elapsed } }
  func random() -> Double { state.withLock { $0.random.fraction() } }

  /// Sets the wall clock forward or back, as an administrator or NTP would.
  func step(by seconds: TimeInterval) { state.withLock { $0.step += seconds } }

  /// Lets time pass without anybody waiting for it.
  func pass(_ duration: Duration) { state.withLock { $0.elapsed += duration } }

  func sleep(for duration: Duration) async throws {
    let id = state.withLock { state in
      state.next += 1
      return state.next
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let isCancelled = state.withLock { state in
          if state.cancelled.remove(id) != nil || Task.isCancelled { return true }
          state.alarms.append(
            Alarm(at: state.elapsed + max(.zero, duration), id: id, continuation: continuation))
          return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
        guard let index = state.alarms.firstIndex(where: { $0.id == id }) else {
          state.cancelled.insert(id)
          return nil
        }
        return state.alarms.remove(at: index).continuation
      }
      continuation?.resume(throwing: CancellationError())
    }
  }

  /// Jumps to the next alarm; false when none is set.
  func advance() -> Bool {
    let alarm = state.withLock { state -> Alarm? in
      guard let first = state.alarms.min(by: { ($0.at, $0.id) < ($1.at, $1.id) }),
        let index = state.alarms.firstIndex(where: { $0.id == first.id })
      else { return nil }
      state.elapsed = max(state.elapsed, first.at)
      return state.alarms.remove(at: index)
    }
    alarm?.continuation.resume()
    return alarm != nil
  }
}
