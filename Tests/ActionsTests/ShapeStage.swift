import Actions
import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Simulators
import TestSupport

/// The real actions over one shape of docs/CONTRACT.md and a store in memory.
struct ShapeStage<Provider: SimulatedProvider> {
  let provider: Provider
  let conditions: ScriptedConditions
  let store: FakeStore
  let secrets: FakeSecrets
  let actions: [String: AnyAction]

  init(_ provider: Provider, store: FakeStore = FakeStore(), keys: [String: String] = [:]) {
    self.provider = provider
    // The simulators of these tests are all made with scripted conditions.
    conditions = (provider.world.conditions as? ScriptedConditions) ?? ScriptedConditions()
    self.store = store
    secrets = FakeSecrets(["leaked": provider.leak.value?.exposeAsText() ?? ""])
    actions = BuiltinActions.credentials(
      targets: Targets(
        credentials: [
          "it": Targets.Credential(provider: provider, store: "env", key: "KEY", keys: keys)
        ], stores: ["env": store]), now: { Date(timeIntervalSince1970: 1_800_000_000) })
  }

  static var issuing: [String: Value] {
    ["credential": .credential("it"), "store": .store("env"), "replaces": .list([.secret("leaked")])]
  }
  static var leaked: [String: Value] {
    ["credential": .credential("it"), "secret": .list([.secret("leaked")])]
  }

  func call(_ inputs: [String: Value], earlier: [String: Value] = [:], attempt: Int = 1) -> ActionCall {
    ActionCall(
      run: "run-00000001", incident: "inc-00000001", step: "step", item: nil, attempt: attempt,
      inputs: inputs, earlier: earlier, marker: "staunch-run-00000001-step-1", secrets: secrets,
      progress: secrets)
  }

  func effect(_ id: String) throws -> any EffectAction {
    guard case .effect(let action)? = actions[id] else {
      throw CapabilityError(.invalid, id, because: "it is no effect action")
    }
    return action
  }

  func read(_ id: String, _ inputs: [String: Value]) async throws -> ActionResult {
    guard case .read(let action)? = actions[id] else {
      throw CapabilityError(.invalid, id, because: "it is no read action")
    }
    return try await action.read(call(inputs))
  }

  /// Every phase, as the engine does it. - Returns: all outputs.
  @discardableResult
  func run(_ id: String, _ inputs: [String: Value], attempt: Int = 1) async throws -> [String: Value] {
    let action = try effect(id)
    var outputs: [String: Value] = [:]
    for phase in action.phases {
      let call = call(inputs, earlier: outputs, attempt: attempt)
      let prepared = try await action.prepare(call, phase: phase)
      secrets.seal(prepared.secrets)
      let result = try await action.perform(call, phase: phase, prepared: prepared, under: .forTests())
      secrets.seal(result.secrets)
      outputs.merge(result.outputs) { _, new in new }
    }
    return outputs
  }

  /// Phase `issue` whose reply is lost, and how it is settled.
  func lose() async throws -> Settlement {
    let action = try effect("credential.issue")
    let call = call(Self.issuing)
    let prepared = try await action.prepare(call, phase: "issue")
    conditions.set { $0.lostReplies = 1 }
    do {
      _ = try await action.perform(call, phase: "issue", prepared: prepared, under: .forTests())
    } catch {
      guard (error as? CapabilityError)?.class == .unknownOutcome else { throw error }
    }
    return try await action.settle(call, phase: "issue", prepared: prepared, under: .forTests())
  }
}
