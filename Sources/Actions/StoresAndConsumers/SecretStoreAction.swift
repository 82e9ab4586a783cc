import Capabilities
import JSON
import Secrets

/// `secret.store`
struct SecretStoreAction: EffectAction {
  let signature = ActionSignature.secretStore
  let targets: Targets

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try call.store()
    let key = try call.text("key")
    let version = try await targets.store(name).currentVersion(key)
    let copies = try await FormerValues(call, targets, store: name, key: key).planned()
    return PlannedEffect(
      will: version == nil ? "add the entry \(key) to \(name)" : "replace the value of \(key) in \(name)",
      target: "\(name)/\(key)", reversible: true,
      affected: ["programs that read \(key) from \(name)"] + copies.affected,
      cannotPredict: copies.cannotPredict)
  }

  func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation {
    let version = try await targets.store(call.store()).currentVersion(try call.text("key"))
    return Preparation(snapshot: ["previous": version.map { .string($0) } ?? .null])
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let (key, new) = (try call.text("key"), try await call.secret())
    let former = try await FormerValues(call, targets, store: try call.store(), key: key, new: new)
    let before = try await former.holders().holders
    let version = try await targets.store(call.store()).put(
      key, new, replacing: former.values, sparing: former.spared, marker: call.marker, under: authority)
    var outputs = try await former.outputs(before: before)
    outputs["version"] = .string(version)
    outputs["previous"] = previous(prepared)
    return ActionResult(outputs: outputs)
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    let (key, new) = (try call.text("key"), try await call.secret())
    let former = try await FormerValues(call, targets, store: try call.store(), key: key, new: new)
    return try await StoredValues(
      store: try targets.store(call.store()), entries: [(key, new, former)]
    ).settle(outputs: ["previous": previous(prepared)])
  }

  private func previous(_ prepared: Preparation) -> Value {
    .optional(prepared.snapshot["previous"]?.string)
  }
}
