import Synchronization

/// "Stop at the next safe point", from Ctrl-C or another command. Pauses end early; calls that run are not cut off.
final class StopSignal: Sendable {
  private struct State: Sendable {
    var isSet = false
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    var next = 0
  }
  private let state = Mutex(State())

  var isSet: Bool { state.withLock { $0.isSet } }

  func set() {
    let waiting = state.withLock { state in
      state.isSet = true
      let waiting = state.waiting.values
      state.waiting = [:]
      return Array(waiting)
    }
    for continuation in waiting { continuation.resume() }
  }

  /// Returns when the signal is set or the task is cancelled.
  func wait() async {
    let id = state.withLock { state in
      state.next += 1
      return state.next
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if state.isSet || Task.isCancelled { return true }
          state.waiting[id] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
    }
  }
}
