public import Capabilities
import Foundation
import JSON
import RESTClient
import Secrets

// Stage before promote, and undo. What is staged lies in a Secret beside, `NAME-stage-MARKER`, which no program reads; it is
// deleted when it is promoted (`delete` of Secrets). Generations of an immutable Secret are its versions.
extension KubernetesSecret {
  public func versions(of key: String) async throws(CapabilityError) -> [StoreVersion] {
    try checkKey(key)
    let all = try await generations().filter { $0.data[key] != nil }
    return all.enumerated().reversed().map { index, document in
      StoreVersion(Self.id(document), isCurrent: index == all.count - 1, isReadable: true)
    }
  }

  private func stageName(_ marker: String) -> String {
    let word = marker.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? String($0) : "-" }
      .joined()
    return "\(settings.secret)-stage-\(word.prefix(40))x"
  }

  public func stage(_ entries: [StoreEntry], marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    for entry in entries { try checkKey(entry.key) }
    let values = Dictionary(entries.map { ($0.key, $0.secret.exposeAsBytes()) }) { _, last in last }
    let name = stageName(marker)
    if let staged = try await document(name) {
      guard staged.data != values else { return }
      try await client.delete(client.path("secrets", name), uid: staged.uid, under: authority)
    }
    try await client.create(
      client.path("secrets"),
      [
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": ["name": .string(name)],
        "data": .object(values.mapValues { .string(Data($0).base64EncodedString()) }),
      ], under: authority)
  }

  public func promote(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "promote \(entries.map(\.key).joined(separator: ", ")) of Secret \(name)"
    guard let staged = try await document(stageName(marker)) else {
      throw CapabilityError(.notFound, operation, because: "nothing is staged under \(marker)")
    }
    guard
      staged.data == Dictionary(entries.map { ($0.key, $0.secret.exposeAsBytes()) }, uniquingKeysWith: { $1 })
    else {
      throw CapabilityError(
        .conflict, operation, because: "what lies in Secret \(staged.name) is not what was staged",
        fix: "see who wrote it: it is not used")
    }
    let version = try await put(entries, sparing: others, marker: marker, under: authority)
    try await client.delete(client.path("secrets", staged.name), uid: staged.uid, under: authority)
    return version
  }

  public func moveBack(_ key: String, to version: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  {
    try checkKey(key)
    let operation = "move \(key) of Secret \(name) back to \(version)"
    let all = try await generations()
    guard let former = all.first(where: { Self.id($0) == version }), let value = former.data[key],
      let now = all.last
    else {
      throw CapabilityError(
        .notFound, operation, because: "the cluster keeps no such version of a Secret that is not immutable",
        fix: "write the value again where it came from")
    }
    guard now.data[key] != value else { return Self.id(now) }
    return try await write([key: value], over: now, dropsApplied: false, operation, under: authority)
  }
}
