import Capabilities
import Foundation
import Secrets
import Simulators
import Synchronization
import TestSupport

/// A simulator that answers over HTTP, in the words of a real platform's documentation: what happens is the simulator's, how
/// it is said the front's own test file knows.
final class SimulatorFront<Simulator: SimulatedProvider>: Sendable {
  let conditions: ScriptedConditions
  let simulator: Simulator
  private let turn = Mutex(false)

  init(_ make: (ScriptedConditions) -> Simulator = { Simulator(conditions: $0) }) {
    let conditions = ScriptedConditions()
    self.conditions = conditions
    simulator = make(conditions)
  }

  /// Whether the platform takes `value` now, at the node that this request came to.
  func accepts(_ value: String) -> Bool {
    let world = simulator.world
    if world.isAccepted(value) { return true }
    guard world.isAcceptedAnywhere(value) else { return false }
    guard world.manners.takesTurns else { return true }
    return turn.withLock { turn in
      turn.toggle()
      return !turn
    }
  }

  /// What goes wrong with a question, if anything does.
  func obstacle() -> LoopbackServer.Reply? {
    let conditions = conditions
    switch awaited({ try await conditions.ask("GET") }) {
    case .success: return nil
    case .failure(let error): return Self.reply(to: error)
    }
  }

  /// What the platform answers where the simulator throws.
  static func reply(to error: any Error) -> LoopbackServer.Reply {
    switch (error as? CapabilityError)?.class {
    case .rateLimit: .json(429, #"{"message":"Too Many Requests"}"#, headers: ["retry-after": "7"])
    case .unknownOutcome: .hangUp
    default: .json(500, #"{"message":"simulated"}"#)
    }
  }

  func loseNextReply() -> Bool {
    conditions.set { $0.lostReplies = 1 }
    return true
  }

  func refuseNextCall() -> Bool {
    conditions.set { $0.tooManyRequests = 1 }
    return true
  }

  func answerOldThings(takingTurns: Bool) -> Duration? {
    simulator.world.set { manners in
      manners.stale = .seconds(10)
      manners.takesTurns = takingTurns
    }
    return .seconds(10)
  }
}

/// Waits for asynchronous work on the thread of a ``LoopbackServer``, which answers without `async`.
func awaited<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) -> Result<
  Value, any Error
> {
  let place = Place<Value>()
  Task.detached {
    do { place.put(.success(try await work())) } catch { place.put(.failure(error)) }
  }
  while true {
    if let result = place.result { return result }
    Thread.sleep(forTimeInterval: 0.001)
  }
}

private final class Place<Value: Sendable>: Sendable {
  private let held = Mutex<Result<Value, any Error>?>(nil)
  func put(_ result: Result<Value, any Error>) { held.withLock { $0 = result } }
  var result: Result<Value, any Error>? { held.withLock { $0 } }
}
