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
    /// A node that no probe reaches accepts the leaked credential for longer than the provider says a change takes.
    case lagsBeyondItsWord
    /// The provider's word on how long a change takes does not reach the engine.
    case hidesPropagation
    /// Settling does not wait, and nobody says what the attempts of a step left outside.
    case hidesLeftovers
    /// Issuing does not look whether somebody else has changed the value.
    case overwritesForeignValue
    /// The store writes the fields of a credential one by one and stops in between.
    case storesHalf
    /// The transport sends a self-rotation again when its reply is lost.
    case rotatesTwice
    /// One node is neither changed nor asked.
    case overlooksANode
    /// The provider does not tell that the leaked credential reads the store.
    case hidesReach

    /// The shape that it is about; nil: the classes of the step protocol's table.
    var shape: SimulatedShape.Name? {
      switch self {
      case .storesHalf, .hidesReach: .pair
      case .rotatesTwice: .rotation
      case .overlooksANode: .nodes
      case .blindRepeat, .leavesOrphans, .liesAboutDeath, .enablesAgain, .forgetsKeys, .leaksSecret,
        .lagsBeyondItsWord, .hidesPropagation, .hidesLeftovers, .overwritesForeignValue:
        nil
      }
    }
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
    /// From when to when some node still (or again) accepts the leaked credential that others refuse.
    var acceptedFrom: Duration = .zero
    var acceptedUntil: Duration = .zero
    /// When the leaked credential was stopped; nil while it was not.
    var stoppedAt: Duration?
    /// A proof of death is in the journal.
    var isProven = false
    /// A value that somebody else has set.
    var foreign: String?
    var wasIssueTried = false
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
  /// The longest time until lists show a change.
  static let lag = Duration.seconds(9)
  /// How long a change may take to hold at every node, and a request to be carried out after its connection broke: what
  /// the provider declares. Longer than the span of three polls.
  static let propagation = Duration.seconds(30)

  let issuing: Issuing
  let clock: VirtualClock
  let journal: Journal
  let sabotage: Sabotage?
  /// A "generated" account takes one value (PostgreSQL) or several (Redis).
  let takesOneValue: Bool
  private let random: Mutex<SeededRandom>
  private let state: Mutex<State>
  private let late = Mutex<[(at: Duration, effect: @Sendable () -> Void)]>([])
  private let arriving = Mutex<Duration?>(nil)

  init(seed: UInt64, issuing: Issuing, clock: VirtualClock, journal: Journal, sabotage: Sabotage? = nil) {
    self.sabotage = sabotage
    self.issuing = issuing
    takesOneValue = issuing == .generated && seed.isMultiple(of: 2)
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

  /// True while the credential is accepted by any node.
  func acceptsAnywhere(_ secret: String) -> Bool {
    let now = clock.elapsed
    return read { state in
      accepts(secret, state)
        || secret == Self.leaked && state.acceptedFrom <= now && now < state.acceptedUntil
    }
  }

  /// The leaked credential is stopped: some nodes hear of it later, some take back their no.
  func stopLeaked(_ body: (inout State) -> Void) {
    let wasAccepted = read { accepts(Self.leaked, $0) }
    change { body(&$0) }
    guard wasAccepted, !read({ accepts(Self.leaked, $0) }) else { return }
    let now = clock.elapsed
    var (from, until) = (now, now)
    if roll(0.4) {
      count("nodes disagree")
      until = now + .seconds(pick(30))
    } else if roll(0.4) {
      count("no taken back")
      from = now + .seconds(11 + pick(10))
      until = now + .seconds(30)
    }
    if sabotage == .lagsBeyondItsWord { until = now + .seconds(300) }
    change { state in
      state.stoppedAt = now
      (state.acceptedFrom, state.acceptedUntil) = (from, until)
      state.settledAt = now + Self.lag
    }
  }

  /// A team rotates by hand, before the run has tried to.
  func maybeForeign() {
    guard takesOneValue, read({ $0.foreign == nil && !$0.wasIssueTried && accepts(Self.leaked, $0) }),
      roll(0.12)
    else { return }
    count("rotated by somebody else")
    let value = "foreign-\(pick(1_000_000))-" + "teamvalue"
    stopLeaked { state in
      state.foreign = value
      state.accepted = [value]
      state.secrets.insert(value)
    }
  }

  /// When what happens now is carried out: in the past for what came late and is looked at later.
  var moment: Duration { arriving.withLock { $0 } ?? clock.elapsed }

  /// Carries out what was asked for and is due. - Parameter all: also what is due later.
  func arrive(all: Bool = false) {
    let now = clock.elapsed
    let due = late.withLock { late in
      let due = late.filter { all || $0.at <= now }
      late.removeAll { all || $0.at <= now }
      return due
    }
    for entry in due.sorted(by: { $0.at < $1.at }) {
      // It was carried out then, whenever somebody looks.
      arriving.withLock { $0 = min(entry.at, now) }
      entry.effect()
      arriving.withLock { $0 = nil }
    }
  }

  func violation(_ text: String) { state.withLock { $0.violations.append(text) } }

  func count(_ fault: String) { state.withLock { $0.faults[fault, default: 0] += 1 } }

  // MARK: Faults

  /// What may happen to any call before it reaches the provider.
  func before(_ operation: String) async throws(CapabilityError) {
    arrive()
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
  /// - Parameters:
  ///   - isRepeatable: the provider tolerates the same request twice.
  ///   - mayBeLate: it may be carried out after its connection broke, also when the process has died.
  func apply<Result: Sendable>(
    _ call: ActionCall, _ operation: String, isRepeatable: Bool, mayBeLate: Bool = false,
    sent: () -> Void = {}, _ effect: @escaping @Sendable () -> Result
  ) async throws(CapabilityError) -> Result {
    checkIntent(call, operation)
    state.withLock { $0.intentsChecked += 1 }
    try await before(operation)
    sent()
    if roll(0.04) {
      count("request lost")
      throw CapabilityError(.unknownOutcome, operation, because: "the connection broke")
    }
    if mayBeLate, roll(sabotage == .hidesLeftovers ? 0.5 : 0.04) {
      count("request carried out late")
      let due = clock.elapsed + .seconds(1 + pick(28))
      late.withLock { $0.append((due, { _ = effect() })) }
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
