import Capabilities
import Secrets

/// Entries of a store, and whether they hold their values already.
struct StoredValues {
  let store: any SecretStore
  /// Each with what it succeeds.
  let entries: [(key: String, secret: Secret, former: FormerValues)]

  /// What to write, and what is not written along.
  var writing: (entries: [StoreEntry], spared: Set<String>) {
    (
      entries.map { StoreEntry($0.key, $0.secret, replacing: $0.former.values) },
      entries.reduce(into: []) { $0.formUnion($1.former.spared) }
    )
  }

  /// For each entry, what else holds one of its old values. Read only.
  func holders() async throws(CapabilityError) -> [[FormerValues.Holder]] {
    var found: [[FormerValues.Holder]] = []
    for entry in entries { found.append(try await entry.former.holders().holders) }
    return found
  }

  /// `followed` and `still_old` of all of them. - Parameter before: ``holders()`` before the new values were written.
  func outputs(before: [[FormerValues.Holder]]) async throws(CapabilityError) -> [String: Value] {
    var merged: [String: [Value]] = ["followed": [], "still_old": []]
    for (entry, before) in zip(entries, before) {
      for (name, value) in try await entry.former.outputs(before: before) {
        guard case .list(let lines) = value else { continue }
        for line in lines where merged[name]?.contains(line) != true {
          merged[name, default: []].append(line)
        }
      }
    }
    return merged.mapValues { .list($0) }
  }

  /// Settles a lost `put` by reading the entries, and those that follow them.
  func settle(outputs: [String: Value]) async throws(CapabilityError) -> Settlement {
    guard store.canBeRead else {
      return .notDone(
        evidence: "the store never shows what it holds; setting the same text again changes nothing")
    }
    var version: String?
    for entry in entries {
      guard let found = try await store.currentVersion(entry.key) else {
        return .notDone(evidence: "the store has no entry \(entry.key)")
      }
      guard try await store.read(entry.key).isSame(as: entry.secret) else {
        return .notDone(evidence: "the store holds another value as \(entry.key)")
      }
      version = version ?? found
    }
    let names = entries.map(\.key).joined(separator: ", ")
    let left = try await holders()
    guard !left.joined().contains(where: \.follows) else {
      return .notDone(evidence: "the store holds the new value as \(names), and the old one elsewhere")
    }
    var outputs = outputs.merging(try await self.outputs(before: left.map { _ in [] })) { _, new in new }
    outputs["version"] = .optional(version)
    return .done(ActionResult(outputs: outputs), evidence: "the store holds the new value as \(names)")
  }
}
