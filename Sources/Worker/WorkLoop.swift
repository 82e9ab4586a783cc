import Foundation
package import Journal
package import LocalSystem
import Response

/// Lets every lane of the worker look for itself: at once when there is news for it, and not again before.
package struct WorkLoop: Sendable {
  private let worker: Worker
  private let wake: WakeSignal
  private let isOver: @Sendable () -> Bool
  private let say: @Sendable (String) -> Void
  private let sleep: @Sendable (Duration) async throws -> Void

  /// Other processes (`staunch approve`, an endpoint that is not our child) tell nobody: so often it is looked, by a few
  /// small queries, whether they did something.
  private static let look = Duration.seconds(1)
  /// After a stop was asked for, runs come to their next safe point in this time; a call that takes longer is cut off. Its INTENT
  /// stands in the journal, and the next start finds out by a probe how it ended.
  package static let grace = Duration.seconds(3)

  /// - Parameters:
  ///   - wake: set by the endpoint's byte, by a signal, by the endpoint's end.
  ///   - isOver: whether to stop; asked after each wake-up.
  ///   - sleep: a cancelled one throws.
  package init(
    worker: Worker, wake: WakeSignal, isOver: @escaping @Sendable () -> Bool,
    say: @escaping @Sendable (String) -> Void = { _ in },
    sleep: @escaping @Sendable (Duration) async throws -> Void
  ) {
    self.worker = worker
    self.wake = wake
    self.isOver = isOver
    self.say = say
    self.sleep = sleep
  }

  private enum End { case byThemselves, late }

  /// Until `isOver`, and ``grace`` longer at most.
  package func run() async {
    let over = WakeSignal()
    await withTaskGroup(of: End.self) { group in
      group.addTask {
        await lanes(over)
        return .byThemselves
      }
      group.addTask {
        await over.wait()
        do { try await sleep(Self.grace) } catch { return .byThemselves }  // cancelled: they were in time
        return .late
      }
      if await group.next() == .late {
        say("stopped in the middle of a call: how it ended is found out at the next start")
      }
      group.cancelAll()
    }
  }

  /// - Parameter over: set once it is over, when the lanes begin no more.
  private func lanes(_ over: WakeSignal) async {
    let bells = Dictionary(uniqueKeysWithValues: Lane.allCases.map { ($0, WakeSignal()) })
    await withDiscardingTaskGroup { group in
      for (lane, bell) in bells { group.addTask { await loop(lane, bell) } }
      while !isOver(), !Task.isCancelled {
        await worker.beat()
        for lane in await worker.lanesWithNews() { bells[lane]?.set() }
        await wake.wait(atMost: Self.look, by: sleep)
      }
      over.set()
      for bell in bells.values { bell.set() }
    }
  }

  private func loop(_ lane: Lane, _ bell: WakeSignal) async {
    await withDiscardingTaskGroup { group in
      while !isOver(), !Task.isCancelled {
        let turn = await worker.turn(lane)
        for job in turn.jobs {
          group.addTask {
            await job.work()
            wake.set()
          }
        }
        // What this lane has done may be news for another.
        wake.set()
        if !turn.more { await bell.wait() }
      }
    }
  }

  /// One worker at a time in a state directory.
  package static func place(in state: StateDirectory) throws -> ExclusiveLock {
    let path = state.path + "/worker.lock"
    guard let lock = try ExclusiveLock.take(path) else {
      let who = ExclusiveLock.holder(of: path).map { "process \($0)" } ?? "another process"
      throw Refusal(
        .unavailable, "a worker runs already", because: "\(who) works on \(state.path)",
        fix: "let it work; or end it first, or choose another state directory: STAUNCH_STATE=DIR")
    }
    lock.note(getpid())
    return lock
  }
}
