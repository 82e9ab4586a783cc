public import Capabilities
import Synchronization

/// What happens around the calls to a simulated provider: time, and everything that can go wrong between it and us.
///
/// Tests and drills script it (``ScriptedConditions``); the seeded simulation of `ExecutionTests` rolls dice.
public protocol SimulatorConditions: Sendable {
  /// Time since the start, by a clock that only the conditions move.
  var elapsed: Duration { get }
  /// How long a change may take to hold everywhere, and a request to be carried out after its connection broke: what the
  /// providers declare.
  var propagation: Duration { get }
  /// Before a question reaches the provider. - Throws: when it does not.
  func ask(_ operation: String) async throws(CapabilityError)
  /// Carries out a change with what goes wrong around its reply.
  func change<Result: Sendable>(
    _ operation: String, isRepeatable: Bool,
    _ effect: @escaping @Sendable () throws(CapabilityError) -> Result
  ) async throws(CapabilityError) -> Result
}

/// Conditions that a test sets: nothing fails unless it is told to, and time stands still until it is moved.
public final class ScriptedConditions: SimulatorConditions {
  /// The faults that are left; each is used up by the call that it strikes.
  public struct Faults: Sendable {
    /// Changes that are carried out and whose replies are lost.
    public var lostReplies = 0
    /// Changes that never arrive, which nobody can tell from a lost reply.
    public var lostRequests = 0
    /// Calls that are answered 429 with `retry-after: 7`.
    public var tooManyRequests = 0
    public init() {}
  }

  private let state = Mutex((faults: Faults(), elapsed: Duration.zero))

  public let propagation = Duration.seconds(10)

  public init() {}

  public var elapsed: Duration { state.withLock { $0.elapsed } }

  public func advance(by duration: Duration) { state.withLock { $0.elapsed += duration } }

  public func set(_ change: (inout Faults) -> Void) { state.withLock { change(&$0.faults) } }

  private func takes(_ fault: WritableKeyPath<Faults, Int>) -> Bool {
    state.withLock { state in
      guard state.faults[keyPath: fault] > 0 else { return false }
      state.faults[keyPath: fault] -= 1
      return true
    }
  }

  public func ask(_ operation: String) async throws(CapabilityError) {
    guard takes(\.tooManyRequests) else { return }
    throw CapabilityError(
      .rateLimit, operation, because: "too many requests (HTTP 429)", retryAfter: .seconds(7))
  }

  public func change<Result: Sendable>(
    _ operation: String, isRepeatable: Bool,
    _ effect: @escaping @Sendable () throws(CapabilityError) -> Result
  ) async throws(CapabilityError) -> Result {
    try await ask(operation)
    if takes(\.lostRequests) {
      throw CapabilityError(.unknownOutcome, operation, because: "the connection broke")
    }
    let result = try effect()
    if takes(\.lostReplies) {
      throw CapabilityError(.unknownOutcome, operation, because: "the reply was lost")
    }
    return result
  }
}
