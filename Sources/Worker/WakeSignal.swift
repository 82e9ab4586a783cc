import Response
import Synchronization

/// Wakes one waiting task. Set while nobody waits, the next wait returns at once.
package final class WakeSignal: Sendable {
  private struct State {
    var isSet = false
    var waiting: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  package init() {}

  /// From anywhere, also from a signal's or a pipe's handler.
  package func set() {
    let waiting = state.withLock { state in
      defer { state.waiting = nil }
      state.isSet = state.waiting == nil
      return state.waiting
    }
    waiting?.resume()
  }

  /// Returns when it is set, or when the task is cancelled. One task at a time may wait.
  package func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isDue = state.withLock { state in
          if state.isSet || Task.isCancelled {
            state.isSet = false
            return true
          }
          state.waiting = continuation
          return false
        }
        if isDue { continuation.resume() }
      }
    } onCancel: {
      let waiting = state.withLock { state in
        defer { state.waiting = nil }
        return state.waiting
      }
      waiting?.resume()
    }
  }

  /// Returns when it is set, at the latest after `pause`.
  package func wait(atMost pause: Duration, by sleep: @escaping @Sendable (Duration) async throws -> Void)
    async
  {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait() }
      // A cancelled sleep only means that the signal came first.
      group.addTask { try? await sleep(pause) }
      await group.next()
      group.cancelAll()
    }
  }
}
