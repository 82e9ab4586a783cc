import Foundation
import Journal
import LocalSystem

/// The worker's rounds: one after the other while there is work, then none until something happens.
struct WorkLoop {
  let worker: Worker
  /// Set by the endpoint's byte, by a signal, by the endpoint's end.
  let wake: WakeSignal
  let isOver: () -> Bool
  let sleep: @Sendable (Duration) async throws -> Void

  /// Other processes (`staunch approve`, an endpoint that is not our child) tell nobody: so often it is looked, by three
  /// small queries, whether they did something.
  private static let look = Duration.seconds(1)

  /// Until `isOver`.
  func run() async throws {
    while !isOver() {
      if try await worker.round() { continue }
      while !isOver(), try !worker.hasNews() { await wake.wait(atMost: Self.look, by: sleep) }
    }
  }

  /// One worker at a time in a state directory.
  static func place(in state: StateDirectory) throws -> ExclusiveLock {
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
