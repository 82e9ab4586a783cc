import Capabilities
import Foundation
import Incidents
import JSON
import Secrets

/// The built-in verbs over a ``SimulatedWorld``, each settling as its class in the step protocol's table says.
enum SimulatedActions {
  static func all(_ world: SimulatedWorld) -> [String: AnyAction] {
    let actions: [AnyAction] = [
      .read(VerifyCredential(world: world)), .read(InspectCredential(world: world)),
      .read(Health(world: world)),
      .effect(IssueCredential(world: world)), .effect(DisableCredential(world: world)),
      .effect(DeleteCredential(world: world)), .effect(RollOut(world: world)),
      .effect(OpenTicket(world: world)),
      .effect(CloseTicket(world: world)), .effect(PlainHook(world: world)), .effect(RunCommand(world: world)),
    ]
    return Dictionary(uniqueKeysWithValues: actions.map { ($0.signature.id, $0) })
  }
}

extension ActionCall {
  func secretText(_ name: String) async throws(CapabilityError) -> String {
    let ref: SecretRef
    switch inputs[name] {
    case .secret(let only)?: ref = only
    case .list(let values)? where values.count == 1:
      guard case .secret(let only) = values[0] else { throw Self.noSecret(name) }
      ref = only
    default: throw Self.noSecret(name)
    }
    return try await secrets.secret(ref).exposeAsText()
  }

  private static func noSecret(_ name: String) -> CapabilityError {
    CapabilityError(.invalid, "read \(name)", because: "it is not one secret")
  }
}

struct VerifyCredential: ReadAction {
  let signature = ActionSignature.credentialVerify
  let world: SimulatedWorld

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let secret = try await call.secretText("secret")
    try await world.before(signature.id)
    world.maybeForeign()
    let now = world.clock.elapsed
    let isFresh = world.read { $0.settledAt > now }
    var isAlive = world.read { world.accepts(secret, $0) }
    if secret == SimulatedWorld.leaked {
      // Some nodes still, or again, accept what others refuse.
      if !isAlive, world.acceptsAnywhere(secret), world.sabotage != .lagsBeyondItsWord, world.pick(2) == 0 {
        isAlive = true
      }
    } else if isFresh, world.roll(0.5) {
      // Eventual consistency: some node still gives the old answer.
      world.count("stale answer")
      isAlive.toggle()
    }
    if world.sabotage == .liesAboutDeath, secret == SimulatedWorld.leaked { isAlive = false }
    if isAlive, secret == SimulatedWorld.leaked, world.read(\.isProven) {
      world.violation("the leaked credential was accepted after it was proven dead")
    }
    let state: CredentialState = isAlive ? .alive : .dead
    guard
      case .secret(let ref)? = call.inputs["secret"].map({ value -> Value in
        if case .list(let values) = value, let first = values.first { first } else { value }
      })
    else { throw CapabilityError(.invalid, signature.id, because: "no secret") }
    return ActionResult(
      outputs: ["state": .string(state.rawValue), "code": .string("200")], answer: state.rawValue,
      probes: [ProbeRecord(credential: "cred", secret: ref, probe: CredentialProbe(state, code: "200"))],
      propagation: world.sabotage == .hidesPropagation ? nil : SimulatedWorld.propagation)
  }
}

struct InspectCredential: ReadAction {
  let signature = ActionSignature.credentialInspect
  let world: SimulatedWorld
  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    try await world.before(signature.id)
    world.maybeForeign()
    return ActionResult(outputs: ["ref": .string("key-old"), "facts": .record(["owner": .string("ml")])])
  }
}

struct Health: ReadAction {
  let signature = ActionSignature.consumerHealth
  let world: SimulatedWorld
  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    try await world.before(signature.id)
    guard case .consumer(let name)? = call.inputs["consumer"] else {
      throw CapabilityError(.invalid, signature.id, because: "no consumer")
    }
    let isMoved = world.read { $0.rolledOut[name.rawValue] != nil }
    return ActionResult(answer: isMoved ? "healthy" : "unhealthy")
  }
}

/// Classes "we generate", "named" and "unnamed" of the table, in two phases.
struct IssueCredential: EffectAction {
  let signature = ActionSignature.credentialIssue
  let phases = ["issue", "store"]
  let world: SimulatedWorld

  private func ref(_ call: ActionCall) -> SecretRef { SecretRef("\(call.marker)/new") }

  private var isForeign: Bool {
    world.sabotage != .overwritesForeignValue && world.read { $0.foreign != nil }
  }

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    PlannedEffect(
      will: "issue \(call.marker)", target: "cred",
      preconditions: ["keys": .integer(1), "replaced": .boolean(isForeign)], reversible: true)
  }

  func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation {
    try await world.before("prepare")
    guard phase == "issue" else { return Preparation() }
    guard !isForeign else {
      throw CapabilityError(.conflict, "issue", because: "somebody has changed the value already")
    }
    var preparation = Preparation(snapshot: [
      "existing": .array(world.read { $0.keys.map { .string($0.id) } })
    ])
    if world.issuing == .generated {
      // The same value again after a lost reply: what comes late then changes nothing.
      let value: String
      if call.attempt > 1 {
        value = try await call.secrets.secret(ref(call)).exposeAsText()
      } else {
        value = "generated-" + String(world.pick(1_000_000_000)) + "-secret"
      }
      _ = world.change { $0.secrets.insert(value) }
      preparation.secrets = [ref(call): Secret(value)]
    }
    return preparation
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    guard phase == "issue" else {
      guard case .secret(let ref)? = call.earlier["secret"] else {
        throw CapabilityError(.invalid, "store", because: "the first phase gave no secret")
      }
      let value = try await call.secrets.secret(ref).exposeAsText()
      try await world.apply(call, "store", isRepeatable: true, mayBeLate: true) {
        world.change { $0.stored = value }
      }
      return ActionResult(outputs: ["version": .string("2")])
    }
    if world.issuing == .generated {
      guard let value = prepared.secrets[ref(call)]?.exposeAsText() else {
        throw CapabilityError(.invalid, "issue", because: "no value was prepared")
      }
      world.change { $0.wasIssueTried = true }
      try await world.apply(call, "issue", isRepeatable: true, mayBeLate: true) {
        guard world.takesOneValue else {
          world.change { _ = $0.accepted.insert(value) }
          return
        }
        world.stopLeaked { $0.accepted = [value] }
      }
      return ActionResult(
        outputs: ["ref": .string("role"), "secret": .secret(ref(call))], secrets: [ref(call): Secret(value)])
    }
    let name = world.issuing == .named ? call.marker : nil
    let key = try await world.apply(call, "issue", isRepeatable: false, mayBeLate: true) {
      world.change { state -> SimulatedWorld.Key in
        state.nextID += 1
        let key = SimulatedWorld.Key(
          id: "key-\(state.nextID)", name: name, secret: "issued-\(state.nextID)-" + "secretvalue",
          visible: world.clock.elapsed + .seconds(world.pick(8)))
        state.secrets.insert(key.secret)
        state.keys.append(key)
        return key
      }
    }
    return ActionResult(
      outputs: ["ref": .string(key.id), "secret": .secret(ref(call))],
      secrets: [ref(call): Secret(key.secret)])
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    guard phase == "issue" else { return .notDone(evidence: "storing again is harmless") }
    if world.issuing == .generated {
      guard let value = prepared.secrets[ref(call)]?.exposeAsText() else {
        return .unknown(reason: "no value")
      }
      try await world.before("settle issue")
      guard world.read({ $0.accepted.contains(value) }) else {
        return .notDone(evidence: "it does not log in")
      }
      return .done(
        ActionResult(
          outputs: ["ref": .string("role"), "secret": .secret(ref(call))], secrets: [ref(call): Secret(value)]
        ),
        evidence: "it logs in")
    }
    // Lists lag: whoever looks too early finds no orphan.
    try await world.nap(SimulatedWorld.lag, "settle issue")
    try await world.before("settle issue")
    let known = Set((prepared.snapshot["existing"]?.array ?? []).compactMap(\.string))
    let now = world.clock.elapsed
    let new = world.read { state in
      state.keys.filter { key in
        key.visible <= now && (world.issuing == .named ? key.name == call.marker : !known.contains(key.id))
      }
    }
    guard new.count < 2 || world.issuing == .named else { return .unknown(reason: "\(new.count) new keys") }
    if world.sabotage != .leavesOrphans {
      world.change { state in state.keys.removeAll { key in new.contains { $0.id == key.id } } }
    }
    if world.sabotage == .hidesLeftovers { return .notDone(evidence: "nobody waited") }
    return new.isEmpty
      ? .notDoneYet(evidence: "nothing there", lateness: try lateness(call))
      : .notDone(evidence: "removed \(new.count) orphans")
  }

  func lateness(_ call: ActionCall) throws(CapabilityError) -> Duration {
    SimulatedWorld.propagation + SimulatedWorld.lag
  }

  func leftovers(_ call: ActionCall, _ prepared: [Preparation]) async throws(CapabilityError) -> [Leftover] {
    try await world.nap(SimulatedWorld.lag, "leftovers")
    try await world.before("leftovers")
    guard world.sabotage != .hidesLeftovers, world.sabotage != .leavesOrphans else { return [] }
    let kept: String? = if case .string(let id)? = call.earlier["ref"] { id } else { nil }
    if world.issuing == .generated {
      guard kept == nil, let value = prepared.last?.secrets[ref(call)]?.exposeAsText(),
        world.read({ $0.accepted.contains(value) })
      else { return [] }
      return [Leftover(ref: "role", isRemovable: !world.takesOneValue, why: "no store holds it")]
    }
    let known = Set((prepared.first?.snapshot["existing"]?.array ?? []).compactMap(\.string))
    let isNamed = world.issuing == .named
    return world.read { state in
      state.keys.filter { isNamed ? $0.name == call.marker : !known.contains($0.id) }
        .filter { $0.id != kept }
        .map { Leftover(ref: $0.id, isRemovable: isNamed, why: "nobody uses it") }
    }
  }
}

/// Class "revoke, delete": repeat; the probe decides.
struct DisableCredential: EffectAction {
  let signature = ActionSignature.credentialDisable
  let world: SimulatedWorld
  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    PlannedEffect(will: "disable", target: "cred", preconditions: ["exists": true], reversible: true)
  }
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    try await world.apply(call, "disable", isRepeatable: true, mayBeLate: true) {
      guard world.sabotage != .liesAboutDeath else { return }
      world.stopLeaked { state in
        state.disabled += 1
        state.accepted.remove(SimulatedWorld.leaked)
        for index in state.keys.indices where state.keys[index].secret == SimulatedWorld.leaked {
          state.keys[index].isEnabled = false
        }
      }
    }
    return ActionResult()
  }
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement { .notDone(evidence: "disabling again is harmless") }
}

struct DeleteCredential: EffectAction {
  let signature = ActionSignature.credentialDelete
  let world: SimulatedWorld
  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    PlannedEffect(will: "delete", target: "cred", reversible: false)
  }
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    guard case .string(let id)? = call.inputs["ref"] else {
      throw CapabilityError(.invalid, "delete", because: "no ref")
    }
    try await world.apply(call, "delete", isRepeatable: true, mayBeLate: true) {
      world.change { state in
        state.keys.removeAll { $0.id == id && $0.secret != SimulatedWorld.leaked }
        if id == "role" {
          state.accepted = state.accepted.filter { $0 == SimulatedWorld.leaked || $0 == state.foreign }
        }
      }
    }
    return ActionResult()
  }
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement { .notDone(evidence: "deleting again is harmless") }
}

struct RollOut: EffectAction {
  let signature = ActionSignature.consumerRollOut
  let world: SimulatedWorld
  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    PlannedEffect(will: "roll out", target: "\(call.inputs["consumer"] ?? .null)", reversible: true)
  }
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    guard case .consumer(let name)? = call.inputs["consumer"] else {
      throw CapabilityError(.invalid, "roll out", because: "no consumer")
    }
    if world.read({ $0.stored }) == nil { world.violation("rolled out before the store had the new value") }
    try await world.apply(call, "roll out", isRepeatable: true, mayBeLate: true) {
      world.change { $0.rolledOut[name.rawValue, default: 0] += 1 }
    }
    return ActionResult()
  }
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement { .notDone(evidence: "rolling out again is harmless") }
}

/// Class "idempotency key": repeat with the same key.
struct OpenTicket: EffectAction {
  let signature = ActionSignature.ticketOpen
  let world: SimulatedWorld
  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    PlannedEffect(will: "open", target: "tracker", reversible: true)
  }
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    try await world.apply(call, "open ticket", isRepeatable: true, mayBeLate: true) {
      world.change { state in
        // The tracker knows the key: the same request twice is one ticket.
        if state.tickets[call.marker] == nil || world.sabotage == .forgetsKeys {
          state.tickets[call.marker, default: 0] += 1
        }
      }
    }
    return ActionResult(outputs: ["id": .string("T-1"), "url": .null])
  }
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement { .notDone(evidence: "the same key again") }
}

struct CloseTicket: EffectAction {
  let signature = ActionSignature.ticketClose
  let world: SimulatedWorld
  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    PlannedEffect(will: "close", target: "tracker", reversible: true)
  }
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    try await world.apply(call, "close ticket", isRepeatable: true) {}
    return ActionResult()
  }
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement { .notDone(evidence: "closing again is harmless") }
}

/// Class "not probeable": a plain webhook.
struct PlainHook: EffectAction {
  let signature = ActionSignature.httpRequest
  let world: SimulatedWorld
  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    PlannedEffect(will: "post", target: "hook", reversible: false, cannotPredict: ["what the receiver does"])
  }
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    try await world.apply(call, "post", isRepeatable: false) {
      world.change { $0.hooks[call.marker, default: 0] += 1 }
    }
    return ActionResult(outputs: ["status": .integer(200)])
  }
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement { .unknown(reason: "the receiver keeps no list") }
}

/// Probeable by its marker: must happen exactly once.
struct RunCommand: EffectAction {
  let signature = ActionSignature.commandRun
  let world: SimulatedWorld

  private func output(of call: ActionCall) -> String {
    guard world.sabotage == .leaksSecret else { return "fine" }
    let secret = "token-of-" + call.marker
    world.change { _ = $0.secrets.insert(secret) }
    return "your key is " + secret
  }

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    PlannedEffect(will: "run", target: "\(call.step)", preconditions: ["ready": true], reversible: false)
  }
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    if world.roll(0.02) {
      world.count("refused")
      throw CapabilityError(.refused, "run", because: "not allowed")
    }
    try await world.apply(call, "run", isRepeatable: false) {
      world.change { $0.commands[call.marker, default: 0] += 1 }
    }
    if world.sabotage == .enablesAgain || call.inputs["argv"] == .list([.string("enable")]) {
      world.enableLeaked()
    }
    return ActionResult(outputs: ["status": .integer(0), "output": .string(output(of: call))])
  }
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    try await world.before("settle run")
    return world.sabotage != .blindRepeat && world.read { $0.commands[call.marker] != nil }
      ? .done(ActionResult(outputs: ["status": .integer(0)]), evidence: "its mark is there")
      : .notDone(evidence: "no mark")
  }
}
