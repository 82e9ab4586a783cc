import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Secrets
import Synchronization

/// The outside of one simulated incident: a provider of each class in the step protocol's table, with faults.
///
/// What it keeps is the truth; what calls see may be late (`lag`), lost, or refused.
final class SimulatedWorld: Sendable {
  enum Issuing: String, CaseIterable, Sendable { case generated, named, unnamed }

  /// A promise that the world breaks when a test wants to see an invariant fail.
  enum Sabotage: String, CaseIterable, Sendable {
    /// Settling says "not done" without looking: the effect is repeated.
    case blindRepeat
    /// Settling an issue leaves the key that nobody knows.
    case leavesOrphans
    /// Disabling does nothing, and the probe says dead all the same.
    case liesAboutDeath
    /// An action enables the leaked credential again.
    case enablesAgain
    /// The tracker ignores the idempotency key.
    case forgetsKeys
    /// An action hands out a secret as plain text that it never said is one.
    case leaksSecret
  }

  struct Key: Sendable {
    let id: String
    let name: String?
    let secret: String
    var isEnabled = true
    /// When it appears in lists everywhere.
    var visible: Duration = .zero
  }

  struct State: Sendable {
    var keys: [Key] = []
    /// Values that a "generated" provider accepts.
    var accepted: Set<String> = []
    /// Until when a changed answer may still be the old one.
    var settledAt: Duration = .zero
    var stored: String?
    var rolledOut: [String: Int] = [:]
    var tickets: [String: Int] = [:]
    var hooks: [String: Int] = [:]
    var commands: [String: Int] = [:]
    var disabled = 0
    var wasLeakedDead = false
    var nextID = 0
    var secrets: Set<String> = []
    var violations: [String] = []
    var intentsChecked = 0
    var faults: [String: Int] = [:]
    var downUntil: Duration = .zero
    /// No faults any more: the run must end.
    var isCalm = false
  }

  static let leaked = "sk-leaked-" + "0123456789abcdef"
  /// The longest time until every reader sees a change; shorter than the span of three polls.
  static let lag = Duration.seconds(9)

  let issuing: Issuing
  let clock: VirtualClock
  let journal: Journal
  let sabotage: Sabotage?
  private let random: Mutex<SeededRandom>
  private let state: Mutex<State>

  init(seed: UInt64, issuing: Issuing, clock: VirtualClock, journal: Journal, sabotage: Sabotage? = nil) {
    self.sabotage = sabotage
    self.issuing = issuing
    self.clock = clock
    self.journal = journal
    random = Mutex(SeededRandom(seed &* 31 &+ 7))
    var state = State()
    state.keys = [Key(id: "key-old", name: "old", secret: Self.leaked)]
    state.accepted = [Self.leaked]
    state.secrets = [Self.leaked]
    self.state = Mutex(state)
  }

  func read<Result>(_ body: (State) -> Result) -> Result { state.withLock { body($0) } }

  func change<Result>(_ body: (inout State) -> Result) -> Result {
    state.withLock { state in
      let result = body(&state)
      let isAccepted = accepts(SimulatedWorld.leaked, state)
      if !isAccepted { state.wasLeakedDead = true }
      if isAccepted, state.wasLeakedDead {
        state.violations.append("the leaked credential was enabled again")
      }
      return result
    }
  }

  func roll(_ probability: Double) -> Bool {
    !read(\.isCalm) && random.withLock { $0.happens(probability) }
  }

  func pick(_ bound: Int) -> Int { random.withLock { $0.below(bound) } }

  func accepts(_ secret: String, _ state: State) -> Bool {
    switch issuing {
    case .generated: state.accepted.contains(secret)
    case .named, .unnamed: state.keys.contains { $0.secret == secret && $0.isEnabled }
    }
  }

  /// Makes the leaked credential work again, which nothing may.
  func enableLeaked() {
    change { state in
      state.accepted.insert(SimulatedWorld.leaked)
      for index in state.keys.indices where state.keys[index].secret == SimulatedWorld.leaked {
        state.keys[index].isEnabled = true
      }
    }
  }

  func violation(_ text: String) { state.withLock { $0.violations.append(text) } }

  func count(_ fault: String) { state.withLock { $0.faults[fault, default: 0] += 1 } }

  // MARK: Faults

  /// What may happen to any call before it reaches the provider.
  func before(_ operation: String) async throws(CapabilityError) {
    if roll(0.03) {
      count("clock step")
      clock.step(by: Double(pick(7200) - 3600))
    }
    if roll(0.02) {
      count("provider down")
      change { $0.downUntil = clock.elapsed + .seconds(20) }
    }
    if !read(\.isCalm), read(\.downUntil) > clock.elapsed {
      throw CapabilityError(.network, operation, because: "connection refused")
    }
    if roll(0.03) {
      count("429")
      throw CapabilityError(
        .rateLimit, operation, because: "too many requests", retryAfter: .seconds(pick(40)))
    }
    if roll(0.03) {
      count("5xx")
      throw CapabilityError(.serverError, operation, because: "internal error")
    }
    if roll(0.05) {
      count("slow")
      try await nap(.seconds(pick(20)), operation)
    }
  }

  /// Applies an effect with everything that can go wrong around the reply.
  ///
  /// - Parameter isRepeatable: the provider tolerates the same request twice.
  func apply<Result>(
    _ call: ActionCall, _ operation: String, isRepeatable: Bool, _ effect: () -> Result
  ) async throws(CapabilityError) -> Result {
    checkIntent(call, operation)
    state.withLock { $0.intentsChecked += 1 }
    try await before(operation)
    if roll(0.04) {
      count("request lost")
      throw CapabilityError(.unknownOutcome, operation, because: "the connection broke")
    }
    if roll(0.03) {
      count("request hangs")
      try await nap(.seconds(100_000), operation)
    }
    let result = effect()
    if isRepeatable, roll(0.03) {
      count("request duplicated")
      _ = effect()
    }
    if roll(0.06) {
      count("reply lost")
      throw CapabilityError(.unknownOutcome, operation, because: "the reply was lost")
    }
    if roll(0.03) {
      count("reply hangs")
      try await nap(.seconds(100_000), operation)
    }
    return result
  }

  func nap(_ duration: Duration, _ operation: String) async throws(CapabilityError) {
    do { try await clock.sleep(for: duration) } catch {
      throw CapabilityError(.cancelled, operation, because: "cancelled")
    }
  }

  /// Invariant: no effect without a durable INTENT.
  private func checkIntent(_ call: ActionCall, _ operation: String) {
    do {
      let intents = try journal.events(run: call.run, kinds: [.stepIntent])
      let isThere = intents.contains {
        $0.body["step"]?.string == call.step.rawValue && $0.body["item"]?.integer == call.item
          && $0.body["marker"]?.string == call.marker
      }
      if !isThere { violation("\(operation) of \(call.step) without an intent") }
    } catch { violation("the journal could not be read: \(error)") }
  }
}
