import Capabilities
import Secrets

/// An entry of a store, and whether it holds a value already.
struct StoredValue {
  let store: any SecretStore
  let key: String

  /// Settles a lost `put` by reading the entry, and those that follow it.
  func settle(_ secret: Secret, replacing former: FormerValues, outputs: [String: Value])
    async throws(CapabilityError) -> Settlement
  {
    guard let version = try await store.currentVersion(key) else {
      return .notDone(evidence: "the store has no entry \(key)")
    }
    guard try await store.read(key).exposeAsBytes() == secret.exposeAsBytes() else {
      return .notDone(evidence: "the store holds another value as \(key)")
    }
    let left = try await former.holders().holders
    guard !left.contains(where: \.follows) else {
      return .notDone(evidence: "the store holds the new value as \(key), and the old one elsewhere")
    }
    var outputs = outputs.merging(try await former.outputs(before: [])) { _, new in new }
    outputs["version"] = .string(version)
    return .done(ActionResult(outputs: outputs), evidence: "the store holds the new value as \(key)")
  }
}
