public import Capabilities
import Foundation
import JSON
import RESTClient
public import Secrets

// Writing: a version under AWSPENDING and the run's own label, then AWSCURRENT is moved. Every call's outcome can be read again
// from the labels, so that nothing is ever sent twice blindly.
extension AWSSecretsManager {
  public var takesSeveralEntries: Bool { true }

  public func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try await put(
      [StoreEntry(key, secret, replacing: old)], sparing: others, marker: marker, under: authority)
  }

  public func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "write \(entries.map(\.key).joined(separator: ", ")) to \(name)"
    let values = try VaultKV.values(of: entries, operation, name)
    let before = try await version()
    var id: String
    if let before {
      id = before.id
      let text = Self.text(entries, values, sparing: others, in: before.document)
      if text != before.document.text {
        id = try await pend(text, marker, under: authority)
        try await move(from: before.id, to: id, operation, under: authority)
      }
      try await unpend(id, marker, under: authority)
    } else {
      id = try await create(
        Self.text(entries, values, sparing: others, in: .empty), operation, under: authority)
    }
    let old = entries.flatMap(\.old)
    if !old.isEmpty {
      for (version, labels) in try await versions(holding: old, besides: id).found {
        for label in labels { try await take(label, off: version, under: authority) }
      }
    }
    return id
  }

  private static func text(
    _ entries: [StoreEntry], _ values: [String: String], sparing others: Set<String>,
    in document: JSONDocument?
  ) -> [UInt8] {
    guard let document else { return [] }
    let changes = VaultKV.changes(entries, values, sparing: others, in: document.fields)
    return document.setting(changes.compactMapValues(\.string))
  }

  // MARK: the steps

  /// A version under AWSPENDING that holds `text`; one that this run has put there already is taken.
  /// - Throws: `.conflict` when somebody else's lies there.
  private func pend(_ text: [UInt8], _ marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  {
    let operation = "secretsmanager:PutSecretValue"
    let labels = try await labels() ?? [:]
    if let (id, own) = labels.first(where: { $0.value.contains(Self.pending) }),
      !own.contains(Self.current)
    {
      guard own.contains(marker) else {
        throw CapabilityError(
          .conflict, operation,
          because: "version \(id) of \(name) is pending, and this run did not put it there",
          fix: "another rotation may be under way: see whose it is, or aws secretsmanager "
            + "update-secret-version-stage --secret-id \(name) --version-stage AWSPENDING "
            + "--remove-from-version-id \(id); then: staunch resume")
      }
      if try await version(id: id)?.document.text == text { return id }
    }
    let token = newToken()
    do throws(CapabilityError) {
      try await client.change(
        .secretsManager, "PutSecretValue",
        [
          "SecretId": .string(name), "ClientRequestToken": .string(token),
          "SecretString": .string(String(decoding: text, as: UTF8.self)),
          "VersionStages": [.string(Self.pending), .string(marker)],
        ], under: authority)
    } catch {
      guard error.class == .unknownOutcome, try await version(id: token)?.document.text == text else {
        throw error
      }
    }
    return token
  }

  /// AWS refuses when the label is no longer where it was read: that is the check-and-set.
  private func move(
    from old: String, to new: String, _ operation: String, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    do throws(CapabilityError) {
      try await client.change(
        .secretsManager, "UpdateSecretVersionStage",
        [
          "SecretId": .string(name), "VersionStage": .string(Self.current), "MoveToVersionId": .string(new),
          "RemoveFromVersionId": .string(old),
        ], under: authority)
    } catch {
      let now = try await labels()?.first { $0.value.contains(Self.current) }?.key
      if now == new { return }
      guard now == old else {
        throw CapabilityError(
          .conflict, operation, because: "something else made another version current at the same time",
          fix: "staunch resume")
      }
      throw error
    }
  }

  /// Takes AWSPENDING and the run's label off what is current.
  private func unpend(_ id: String, _ marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    for label in (try await labels() ?? [:])[id] ?? [] where label == Self.pending || label == marker {
      try await take(label, off: id, under: authority)
    }
  }

  private func take(_ label: String, off id: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    do throws(CapabilityError) {
      try await client.change(
        .secretsManager, "UpdateSecretVersionStage",
        ["SecretId": .string(name), "VersionStage": .string(label), "RemoveFromVersionId": .string(id)],
        under: authority)
    } catch {
      guard try await labels()?[id]?.contains(label) ?? false else { return }
      throw error
    }
  }

  private func create(_ text: [UInt8], _ operation: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  {
    guard !name.hasPrefix("arn:") else {
      throw CapabilityError(
        .notFound, operation, because: "there is no such secret", fix: "correct secret_id in staunch.yaml")
    }
    let token = newToken()
    do throws(CapabilityError) {
      try await client.change(
        .secretsManager, "CreateSecret",
        [
          "Name": .string(name), "ClientRequestToken": .string(token),
          "SecretString": .string(String(decoding: text, as: UTF8.self)),
        ], under: authority)
    } catch {
      guard error.class == .unknownOutcome, let made = try await version(), made.id == token else {
        throw error
      }
    }
    guard let made = try await version() else {
      throw CapabilityError(.unknownOutcome, operation, because: "it was made, and cannot be read")
    }
    return made.id
  }

  /// AWS's version id: a UUID of our own, so that a lost reply is looked for by it.
  private func newToken() -> String {
    let hex = Hex.text(Secret(environment.randomBytes(16)).exposeAsBytes())
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { range in
      String(hex.dropFirst(range.lowerBound).prefix(range.count))
    }
    return parts.joined(separator: "-")
  }

  // MARK: versions

  public func versions(of key: String) async throws(CapabilityError) -> [StoreVersion] {
    try VaultKV.checkKey(key, name)
    let answer = try await client.answer(
      .secretsManager, "ListSecretVersionIds",
      ["SecretId": .string(name), "IncludeDeprecated": true, "MaxResults": 100])
    if answer.code == "ResourceNotFoundException" { return [] }
    if let failure = client.failure(of: answer, .secretsManager, "ListSecretVersionIds", changes: false) {
      throw failure
    }
    // What is no list has no versions that could be told.
    let list = (try? JSONValue(parsing: answer.response.body))?["Versions"]?.array
    guard let list else {
      throw CapabilityError(
        .invalid, "secretsmanager:ListSecretVersionIds", because: "the answer is no list of versions")
    }
    var found: [(made: Double, version: StoreVersion)] = []
    for element in list.prefix(Self.mostVersions) {
      guard let id = element["VersionId"]?.string, let value = try await version(id: id),
        value.document.fields[key] != nil
      else { continue }
      let labels = element["VersionStages"]?.array?.compactMap(\.string) ?? []
      let made: Double =
        switch element["CreatedDate"] {
        case .number(let number)?: number
        case .integer(let number)?: Double(number)
        default: 0
        }
      found.append(
        (made, StoreVersion(id, isCurrent: labels.contains(Self.current), isReadable: true)))
    }
    // Of the same moment the current one is the newer.
    return found.sorted {
      $0.made != $1.made ? $0.made > $1.made : $0.version.isCurrent && !$1.version.isCurrent
    }.map(\.version)
  }

  public func stage(_ entries: [StoreEntry], marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let operation = "stage \(entries.map(\.key).joined(separator: ", ")) in \(name)"
    let values = try VaultKV.values(of: entries, operation, name)
    guard let before = try await version() else {
      throw CapabilityError(
        .notFound, operation, because: "there is no such secret", fix: "correct secret_id in staunch.yaml")
    }
    let text = before.document.setting(values)
    _ = try await pend(text, marker, under: authority)
  }

  public func promote(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "promote \(entries.map(\.key).joined(separator: ", ")) of \(name)"
    let values = try VaultKV.values(of: entries, operation, name)
    guard let staged = try await version(label: marker) else {
      throw CapabilityError(.notFound, operation, because: "nothing is staged under \(marker)")
    }
    guard values.allSatisfy({ staged.document.fields[$0.key]?.string == $0.value }) else {
      throw CapabilityError(
        .conflict, operation, because: "what lies in version \(staged.id) is not what was staged",
        fix: "see who wrote it: it is not used")
    }
    return try await put(entries, sparing: others, marker: marker, under: authority)
  }

  public func moveBack(_ key: String, to version: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  {
    try VaultKV.checkKey(key, name)
    let operation = "move \(key) of \(name) back to version \(version)"
    guard let former = try await self.version(id: version), let value = former.document.fields[key]?.string
    else {
      throw CapabilityError(
        .notFound, operation, because: "the version is gone, or holds no such member",
        fix: "see which there are: aws secretsmanager list-secret-version-ids --secret-id \(name)")
    }
    guard let current = try await self.version() else {
      throw CapabilityError(.notFound, operation, because: "the secret has no current version")
    }
    guard current.document.fields[key]?.string != value else { return current.id }
    let text = current.document.setting([key: value])
    // Where nothing else differs, the label itself goes back.
    if let wanted = JSONDocument(text), wanted.fields == former.document.fields {
      try await move(from: current.id, to: former.id, operation, under: authority)
      return former.id
    }
    let marker = "staunch-move-back"
    let id = try await pend(text, marker, under: authority)
    try await move(from: current.id, to: id, operation, under: authority)
    try await unpend(id, marker, under: authority)
    return id
  }
}
