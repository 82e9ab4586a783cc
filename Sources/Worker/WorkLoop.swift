import Foundation
package import Journal
package import LocalSystem
import Response

/// The worker's rounds: one after the other while there is work, then none until something happens.
package struct WorkLoop {
  package let worker: Worker
  /// Set by the endpoint's byte, by a signal, by the endpoint's end.
  package let wake: WakeSignal
  package let isOver: () -> Bool
  package let sleep: @Sendable (Duration) async throws -> Void

  package init(
    worker: Worker, wake: WakeSignal, isOver: @escaping () -> Bool,
    sleep: @escaping @Sendable (Duration) async throws -> Void
  ) {
    self.worker = worker
    self.wake = wake
    self.isOver = isOver
    self.sleep = sleep
  }

  /// Other processes (`staunch approve`, an endpoint that is not our child) tell nobody: so often it is looked, by three
  /// small queries, whether they did something.
  private static let look = Duration.seconds(1)

  /// Until `isOver`.
  package func run() async throws {
    while !isOver() {
      try worker.beat()
      if try await worker.round() { continue }
      while !isOver(), try !worker.hasNews() {
        try worker.beat()
        await wake.wait(atMost: Self.look, by: sleep)
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
