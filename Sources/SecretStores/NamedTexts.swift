import Capabilities
import Foundation
import Secrets

/// A store that is a list of names with texts, and that takes several of them in one request: what such stores share.
protocol NamedTexts: SecretStore {
  /// As people write it: `shop/prd`.
  var place: String { get }
  /// What it holds now.
  func texts() async throws(CapabilityError) -> [String: NamedText]
  /// - Throws: `.configuration` for what is no name there.
  static func checkKey(_ key: String) throws(CapabilityError)
  /// Why a text cannot be held as it is; nil: it can.
  static func obstacle(to text: String) -> String?
  /// Writes all of `changes` in one request, over what was read.
  func write(
    _ changes: [String: String], over before: [String: NamedText], _ operation: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError)
}

/// One entry.
struct NamedText: Equatable {
  /// Nil: it is there, and nobody is shown what it holds.
  let text: String?
  let version: String
}

extension NamedTexts {
  public var takesSeveralEntries: Bool { true }

  func hidden(_ key: String) -> CapabilityError {
    CapabilityError(
      .unsupported, "read \(key) of \(place)", because: "its value is shown to nobody with this login",
      fix: "give the runner's login the right to see it")
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    try Self.checkKey(key)
    return try await texts()[key]?.version
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    try Self.checkKey(key)
    guard let entry = try await texts()[key] else {
      throw CapabilityError(
        .notFound, "read \(key) of \(place)", because: "it has no such entry",
        fix: "check the key in staunch.yaml")
    }
    guard let text = entry.text else { throw hidden(key) }
    return Secret(text)
  }

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    var copies: [SecretCopy] = []
    for (other, entry) in try await texts().sorted(by: { $0.key < $1.key }) where other != key {
      guard let text = entry.text else {
        copies.append(
          SecretCopy(
            key: other, canFollow: false,
            kind: .unread(because: "its value is shown to nobody with this login")))
        continue
      }
      let copy = CredentialCopy(name: other, text: Array(text.utf8))
      let held = secrets.map { copy.holding($0.exposeAsBytes()) }
      if held.contains(where: { $0 != .nothing }) {
        copies.append(SecretCopy(key: other, canFollow: !held.contains(.unclear)))
      }
    }
    return copies
  }

  public func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try await put(
      [StoreEntry(key, secret, replacing: old)], sparing: others, marker: marker, under: authority)
  }

  /// All of them in one request. The marker stands nowhere: what is already there is not written again.
  public func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "write \(entries.map(\.key).joined(separator: ", ")) to \(place)"
    for entry in entries {
      try Self.checkKey(entry.key)
      let text = String(validating: entry.secret.exposeAsBytes(), as: UTF8.self)
      guard let text, !text.isEmpty, !text.utf8.contains(0) else {
        throw CapabilityError(
          .invalid, operation, because: "it holds UTF-8 text that is not empty and has no zero byte")
      }
      if let obstacle = Self.obstacle(to: text) {
        throw CapabilityError(.invalid, operation, because: obstacle)
      }
    }
    let before = try await texts()
    let changes = try changes(entries, sparing: others, in: before)
    var after = before
    if !changes.isEmpty {
      try await write(changes, over: before, operation, under: authority)
      after = try await texts()
      guard changes.allSatisfy({ after[$0.key]?.text == $0.value }) else {
        throw CapabilityError(
          .conflict, operation, because: "something else wrote it at the same time", fix: "staunch resume")
      }
    }
    guard let version = entries.first.flatMap({ after[$0.key]?.version }) else {
      throw CapabilityError(.invalid, operation, because: "no entry is named")
    }
    return version
  }

  /// The entries that get another text: those that are meant, and what follows them.
  private func changes(
    _ entries: [StoreEntry], sparing others: Set<String>, in texts: [String: NamedText]
  ) throws(CapabilityError) -> [String: String] {
    var changes: [String: String] = [:]
    for entry in entries {
      let known = texts[entry.key]
      if let known, known.text == nil { throw hidden(entry.key) }
      let text = entry.secret.exposeAsText()
      if known?.text != text { changes[entry.key] = text }
    }
    let own = Set(entries.map(\.key))
    for entry in entries {
      for old in entry.old.map({ $0.exposeAsBytes() }) {
        for (key, known) in texts where !own.contains(key) && !others.contains(key) {
          guard let text = changes[key] ?? known.text else { continue }
          let copy = CredentialCopy(name: key, text: Array(text.utf8))
          guard copy.holding(old) == .replaceable,
            let whole = copy.replacing(old, with: entry.secret.exposeAsBytes()),
            let followed = String(validating: whole, as: UTF8.self)
          else { continue }
          changes[key] = followed
        }
      }
    }
    return changes
  }
}
