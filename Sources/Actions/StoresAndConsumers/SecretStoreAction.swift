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
    return PlannedEffect(
      will: version == nil ? "add the entry \(key) to \(name)" : "replace the value of \(key) in \(name)",
      target: "\(name)/\(key)", reversible: true,
      affected: ["programs that read \(key) from \(name)"])
  }

  func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation {
    let version = try await targets.store(call.store()).currentVersion(try call.text("key"))
    return Preparation(snapshot: ["previous": version.map { .string($0) } ?? .null])
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let version = try await targets.store(call.store()).put(
      try call.text("key"), try await call.secret(), marker: call.marker, under: authority)
    return ActionResult(outputs: ["version": .string(version), "previous": previous(prepared)])
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    let store = try targets.store(call.store())
    return try await StoredValue(store: store, key: try call.text("key")).settle(
      try await call.secret(), outputs: ["previous": previous(prepared)])
  }

  private func previous(_ prepared: Preparation) -> Value {
    .optional(prepared.snapshot["previous"]?.string)
  }
}
