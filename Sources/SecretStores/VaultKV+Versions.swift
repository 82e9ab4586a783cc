public import Capabilities
import JSON
import RESTClient

// Stage before promote, and undo. The engine knows no stages: a new version is current at once. So what is staged lies in a
// document beside, `PATH.MARKER`, which needs the same rights as the document itself (`path "secret/data/app.*"`), and `delete`
// on its metadata.
extension VaultKV {
  private func stage(_ marker: String) throws(CapabilityError) -> String {
    let stage = "\(settings.path).\(marker)"
    guard VaultClient.isPath(stage) else {
      throw CapabilityError(.invalid, "stage \(name)", because: "the marker is no part of a path")
    }
    return stage
  }

  public func versions(of key: String) async throws(CapabilityError) -> [StoreVersion] {
    try Self.checkKey(key, name)
    let current = try await document().version
    var found: [StoreVersion] = []
    for version in try Self.versions(in: try await metadata(), name) where !version.isDestroyed {
      let fields = try await document(version.number).fields
      guard fields == nil || fields?[key] != nil else { continue }
      found.append(
        StoreVersion(
          "\(version.number)", isCurrent: version.number == current, isReadable: fields != nil))
    }
    return found
  }

  public func stage(_ entries: [StoreEntry], marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let operation = "stage \(entries.map(\.key).joined(separator: ", ")) beside \(name)"
    let values = try Self.values(of: entries, operation, name).mapValues { JSONValue.string($0) }
    let stage = try stage(marker)
    let before = try await document(of: stage)
    guard before.fields != values else { return }
    let answer = try await vault.api.change(
      .post, path("data", of: stage),
      ["options": ["cas": .integer(before.version)], "data": .object(values)], under: authority)
    _ = try vault.done(answer, operation)
  }

  public func promote(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "promote \(entries.map(\.key).joined(separator: ", ")) of \(name)"
    let values = try Self.values(of: entries, operation, name).mapValues { JSONValue.string($0) }
    let stage = try stage(marker)
    guard let staged = try await document(of: stage).fields else {
      throw CapabilityError(.notFound, operation, because: "nothing is staged under \(marker)")
    }
    guard staged == values else {
      throw CapabilityError(
        .conflict, operation, because: "what lies in \(settings.mount)/\(stage) is not what was staged",
        fix: "see who wrote it: it is not used")
    }
    let version = try await put(entries, sparing: others, marker: marker, under: authority)
    // With all its versions: a stage has no history.
    let answer = try await vault.api.change(.delete, path("metadata", of: stage), nil, under: authority)
    if let failure = vault.failure(of: answer, "clear \(settings.mount)/\(stage)", changes: true),
      failure.class != .notFound
    {
      throw failure
    }
    return version
  }

  public func moveBack(_ key: String, to version: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  {
    try Self.checkKey(key, name)
    let operation = "move \(key) of \(name) back to version \(version)"
    guard let number = Int(version), number > 0 else {
      throw CapabilityError(.invalid, operation, because: "the version is no number")
    }
    var former = try await document(number)
    if former.fields == nil {
      let answer = try await vault.api.change(
        .post, path("undelete"), ["versions": [.integer(number)]], under: authority)
      _ = try vault.done(answer, operation)
      // 204 is said for a destroyed version, too, and changes nothing.
      former = try await document(number)
    }
    guard let value = former.fields?[key] else {
      throw CapabilityError(
        .notFound, operation,
        because: former.fields == nil ? "the version was destroyed" : "the version has no such field",
        fix: "see which there are: vault kv metadata get \(name)")
    }
    let current = try await document()
    guard current.fields?[key] != value else { return "\(current.version)" }
    let now = try await write([key: value], over: current, operation, under: authority)
    return "\(now)"
  }
}
