import Dispatch
import Foundation
import Synchronization

/// Runs pieces of one job on as many threads as the machine has processors (at most eight).
///
/// Blocks until all have ended. The first error stops the others at their next piece.
enum WorkerThreads {
  static let count = max(1, min(8, ProcessInfo.processInfo.activeProcessorCount))

  private struct State: Sendable {
    var next = 0
    var done = 0
    var failure: GitObjectsError?
  }

  /// - Parameters:
  ///   - pieces: how many there are; they are handed out in ascending order.
  ///   - makeWorker: called once on each thread.
  ///   - work: does one piece.
  /// - Returns: the workers, to collect what they found.
  /// - Throws: the first error of a worker; `.cancelled`.
  static func run<Worker: Sendable>(
    pieces: Int, phase: EngineProgress.Phase, progress: EngineProgress,
    makeWorker: @Sendable () throws(GitObjectsError) -> Worker,
    work: @Sendable (inout Worker, Int) throws(GitObjectsError) -> Void
  ) throws(GitObjectsError) -> [Worker] {
    let state = Mutex(State())
    let workers = Mutex<[Worker]>([])
    let threads = max(1, min(count, pieces))
    @Sendable func thread() {
      do throws(GitObjectsError) {
        var worker = try makeWorker()
        while let piece = take(state, pieces) {
          try work(&worker, piece)
          let done = state.withLock { state in
            state.done += 1
            return state.done
          }
          try progress.step(phase, done, of: pieces)
        }
        workers.withLock { [worker] in $0.append(worker) }
      } catch {
        state.withLock { $0.failure = $0.failure ?? error }
      }
    }
    if threads == 1 {
      thread()
    } else {
      DispatchQueue.concurrentPerform(iterations: threads) { _ in thread() }
    }
    if let failure = state.withLock({ $0.failure }) { throw failure }
    return workers.withLock { $0 }
  }

  private static func take(_ state: borrowing Mutex<State>, _ pieces: Int) -> Int? {
    state.withLock { state in
      guard state.failure == nil, state.next < pieces else { return nil }
      state.next += 1
      return state.next - 1
    }
  }
}
