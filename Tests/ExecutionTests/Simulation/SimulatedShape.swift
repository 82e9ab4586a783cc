import Actions
import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Simulators
import Synchronization

/// One of the seven shapes of docs/CONTRACT.md, played with the real actions: the provider is a simulator whose calls go
/// through the faults of the ``SimulatedWorld``.
final class SimulatedShape: Sendable {
  enum Name: String, CaseIterable, Sendable { case pair, document, slots, rotation, lease, nodes, token }

  let name: Name
  let provider: any SimulatedProvider
  let store: SimulatedStore
  let conditions: SimulatedConditions
  /// What there was before the run.
  let initial: Set<CredentialRef>
  /// The truth: whoever holds the leaked value can read the store.
  let readsStore: Bool

  init(_ name: Name, seed: UInt64, world: SimulatedWorld, sabotage: SimulatedWorld.Sabotage?) {
    self.name = name
    let conditions = SimulatedConditions(world: world, repeatsRotation: sabotage == .rotatesTwice)
    self.conditions = conditions
    let readsStore = name == .pair && (sabotage == .hidesReach || (sabotage == nil && seed.isMultiple(of: 2)))
    self.readsStore = readsStore
    switch name {
    case .pair:
      let rights = Reach(
        readsStore ? [Reach.Grant(.read, "simulated:*")] : [Reach.Grant(.read, "other:*")], isComplete: true)
      provider = SimulatedKeyPair(conditions: conditions, rights: sabotage == .hidesReach ? .unknown : rights)
    case .document: provider = SimulatedDocument(conditions: conditions)
    case .slots: provider = SimulatedFixedSlots(conditions: conditions)
    case .rotation: provider = SimulatedSelfRotation(conditions: conditions)
    case .lease: provider = SimulatedLease(conditions: conditions)
    case .nodes:
      var nodes = SimulatedNodes(conditions: conditions)
      if sabotage == .overlooksANode { nodes.overlooked = "node-2" }
      provider = nodes
    case .token: provider = SimulatedHandIssued(conditions: conditions)
    }
    initial = Set(provider.world.entries.map(\.ref))
    store = SimulatedStore(conditions, writesHalf: sabotage == .storesHalf)
    var random = SeededRandom(seed &+ 5)
    let stale = Duration.seconds(random.below(25))
    let takesTurns = random.happens(0.5)
    provider.world.set { manners in
      manners.stale = stale
      manners.takesTurns = takesTurns
    }
    store.onWrite { [unowned self] in self.check(afterWriting: world) }
  }

  var leaked: String { provider.leak.value?.exposeAsText() ?? "" }

  var isLeakedAccepted: Bool { provider.world.isAcceptedAnywhere(leaked) }

  /// Every value that must stand nowhere but sealed.
  var secrets: Set<String> { Set(provider.world.values) }

  var targets: Targets {
    let keys: [String: String] =
      name == .pair ? ["access_key_id": "KEY_ID", "secret_access_key": "KEY_SECRET"] : [:]
    return Targets(
      credentials: ["cred": Targets.Credential(provider: provider, store: "vault", key: "KEY", keys: keys)],
      stores: ["vault": store])
  }

  /// The real actions, each telling the conditions which call is under way.
  func actions(now: @escaping @Sendable () -> Date) -> [String: AnyAction] {
    BuiltinActions.credentials(targets: targets, now: now).mapValues { action in
      switch action {
      case .read: action
      case .effect(let effect): .effect(WatchedAction(inner: effect, conditions: conditions))
      }
    }
  }

  /// A person issues what only a person can.
  func handOver() { (provider as? SimulatedHandIssued)?.handOver() }

  private func check(afterWriting world: SimulatedWorld) {
    world.change { $0.stored = "by a shape" }
    if let problem = halfStored { world.violation(problem) }
    if readsStore, isLeakedAccepted {
      world.violation("a new value was written where a living leaked credential can read it")
    }
  }

  /// Why what the store holds is half a credential; nil when it is whole.
  var halfStored: String? {
    guard name == .pair else { return nil }
    let (id, secret) = (store.value("KEY_ID"), store.value("KEY_SECRET"))
    guard id != nil || secret != nil else { return nil }
    let isWhole = provider.world.entry(CredentialRef(id ?? "")).map { $0.value == secret }
    // A key that is deleted by now was whole when it was written.
    guard id == nil || secret == nil || isWhole == false else { return nil }
    return "half a credential stands in the store"
  }
}

/// Says which call is under way, so that its INTENT can be looked for.
struct WatchedAction: EffectAction {
  let inner: any EffectAction
  let conditions: SimulatedConditions
  var signature: ActionSignature { inner.signature }
  var phases: [String] { inner.phases }

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect { try await inner.plan(call) }
  func patience(for call: ActionCall) async -> Duration? { await inner.patience(for: call) }
  func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation {
    try await inner.prepare(call, phase: phase)
  }
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    conditions.begin(call)
    return try await inner.perform(call, phase: phase, prepared: prepared, under: authority)
  }
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    conditions.begin(call)
    return try await inner.settle(call, phase: phase, prepared: prepared, under: authority)
  }
  func lateness(_ call: ActionCall) throws(CapabilityError) -> Duration { try inner.lateness(call) }
  func leftovers(_ call: ActionCall, _ prepared: [Preparation]) async throws(CapabilityError) -> [Leftover] {
    try await inner.leftovers(call, prepared)
  }
  func glance(_ call: ActionCall) async throws(CapabilityError) -> JSONValue? { try await inner.glance(call) }
}
