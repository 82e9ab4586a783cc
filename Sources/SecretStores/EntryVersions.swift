import Capabilities
import Secrets

/// A service that keeps each entry by itself, in versions of which one is current: what GCP Secret Manager and Azure Key Vault
/// have in common. How a value is put in place, what follows it and what is taken out stands here once.
protocol EntryVersions: SecretStore {
  /// Other entries that may hold the same value: only these are looked at, and written along.
  var known: [String] { get }
  /// - Throws: `.configuration` when `key` is no entry's name there.
  func checkKey(_ key: String) throws(CapabilityError)
  /// What programs read now; nil: there is no such entry, or what is current may not be read by anyone.
  func current(_ key: String) async throws(CapabilityError) -> EntryVersion?
  /// Adds a version and makes it current. A lost reply is settled by looking.
  func add(
    _ key: String, _ secret: Secret, over before: EntryVersion?, marker: String,
    under authority: borrowing ExecutionAuthority
  )
    async throws(CapabilityError) -> String
  /// Former versions that can be read, newest first.
  func former(_ key: String) async throws(CapabilityError) -> [EntryVersion]
  /// Takes a former version out, so that nobody reads it.
  func takeOut(_ key: String, _ version: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
}

/// One version with its value.
struct EntryVersion: Sendable {
  let id: String
  let value: Secret
}

extension EntryVersions {
  /// Former versions beyond are not looked through, which is said.
  static var mostVersions: Int { 25 }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    try checkKey(key)
    return try await current(key)?.id
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    try checkKey(key)
    guard let current = try await current(key) else {
      throw CapabilityError(
        .notFound, "read \(key)", because: "there is no such entry, or its current version is disabled",
        fix: "check the key in staunch.yaml")
    }
    return current.value
  }

  public func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try checkKey(key)
    guard !secret.isEmpty else {
      throw CapabilityError(.invalid, "write \(key)", because: "an entry cannot hold an empty value")
    }
    let version = try await write(key, secret, marker: marker, under: authority)
    let along = known.filter { $0 != key && !others.contains($0) }
    for other in along {
      guard let current = try await current(other) else { continue }
      var text = current.value.exposeAsBytes()
      for old in old.map({ $0.exposeAsBytes() }) {
        let copy = CredentialCopy(name: other, text: text)
        guard copy.holding(old) == .replaceable else { continue }
        text = copy.replacing(old, with: secret.exposeAsBytes()) ?? text
      }
      _ = try await write(other, Secret(SecretBytes(copying: text)), marker: marker, under: authority)
    }
    for entry in [key] + along where !old.isEmpty {
      do throws(CapabilityError) {
        for version in try await former(entry).prefix(Self.mostVersions)
        where holds(old, entry, version.value) {
          try await takeOut(entry, version.id, under: authority)
        }
      } catch {
        // The new value is in place; what is left is named by `copies`.
        guard error.class == .refused else { throw error }
      }
    }
    return version
  }

  /// - Returns: the version that is current now, and holds `secret`.
  private func write(
    _ key: String, _ secret: Secret, marker: String, under authority: borrowing ExecutionAuthority
  )
    async throws(CapabilityError) -> String
  {
    let before = try await current(key)
    if let before, before.value.isSame(as: secret) { return before.id }
    let version = try await add(key, secret, over: before, marker: marker, under: authority)
    guard let after = try await current(key), after.id == version, after.value.isSame(as: secret) else {
      throw CapabilityError(
        .conflict, "write \(key)", because: "something else wrote it at the same time", fix: "staunch resume")
    }
    return version
  }

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    var copies: [SecretCopy] = []
    for entry in Set(known + [key].compactMap(\.self)).sorted() {
      try checkKey(entry)
      if entry != key, let current = try await current(entry) {
        let held = secrets.map {
          CredentialCopy(name: entry, text: current.value.exposeAsBytes()).holding($0.exposeAsBytes())
        }
        if held.contains(where: { $0 != .nothing }) {
          copies.append(SecretCopy(key: entry, canFollow: !held.contains(.unclear)))
        }
      }
      copies += try await formerCopies(of: secrets, entry)
    }
    return copies
  }

  private func formerCopies(of secrets: [Secret], _ entry: String) async throws(CapabilityError)
    -> [SecretCopy]
  {
    let name = "former versions of \(entry)"
    do throws(CapabilityError) {
      let former = try await former(entry)
      var copies = former.prefix(Self.mostVersions).filter { holds(secrets, entry, $0.value) }.map {
        SecretCopy(key: "version \($0.id) of \(entry)", canFollow: true, kind: .remark)
      }
      if former.count > Self.mostVersions {
        copies.append(
          SecretCopy(
            key: name, canFollow: false,
            kind: .unread(because: "only the newest \(Self.mostVersions) were read")))
      }
      return copies
    } catch {
      guard error.class == .refused else { throw error }
      return [SecretCopy(key: name, canFollow: false, kind: .unread(because: error.because))]
    }
  }

  private func holds(_ secrets: [Secret], _ entry: String, _ value: Secret) -> Bool {
    let copy = CredentialCopy(name: entry, text: value.exposeAsBytes())
    return secrets.contains { copy.holding($0.exposeAsBytes()) != .nothing }
  }
}
