import Capabilities
import Secrets

/// An entry of a store, and whether it holds a value already.
struct StoredValue {
  let store: any SecretStore
  let key: String

  /// Settles a lost `put` by reading the entry.
  func settle(_ secret: Secret, outputs: [String: Value]) async throws(CapabilityError) -> Settlement {
    guard let version = try await store.currentVersion(key) else {
      return .notDone(evidence: "the store has no entry \(key)")
    }
    guard try await store.read(key).exposeAsBytes() == secret.exposeAsBytes() else {
      return .notDone(evidence: "the store holds another value as \(key)")
    }
    var outputs = outputs
    outputs["version"] = .string(version)
    return .done(ActionResult(outputs: outputs), evidence: "the store holds the new value as \(key)")
  }
}
