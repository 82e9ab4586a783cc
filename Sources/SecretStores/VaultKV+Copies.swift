public import Capabilities
import Foundation
import JSON
import RESTClient
public import Secrets

/// Other places of a value in the engine: other keys of the document, and former versions of it.
extension VaultKV {
  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    let current = try await document()
    guard current.version > 0 else {
      // An engine of version 1 says the same of every document.
      try await requireVersion2()
      return []
    }
    var copies: [SecretCopy] = []
    for (field, value) in (current.fields ?? [:]).sorted(by: { $0.key < $1.key }) where field != key {
      let held = Self.held(secrets, field, value)
      guard held.contains(where: { $0 != .nothing }) else { continue }
      copies.append(SecretCopy(key: field, canFollow: value.string != nil && !held.contains(.unclear)))
    }
    do throws(CapabilityError) {
      let former = try await versions(holding: secrets, before: current.version)
      for version in former.found {
        copies.append(SecretCopy(key: "version \(version) of \(name)", canFollow: true, kind: .remark))
      }
      if let unread = former.unread {
        copies.append(
          SecretCopy(key: "former versions of \(name)", canFollow: false, kind: .unread(because: unread)))
      }
    } catch {
      guard error.class == .refused else { throw error }
      copies.append(
        SecretCopy(key: "former versions of \(name)", canFollow: false, kind: .unread(because: error.because))
      )
    }
    return copies
  }

  /// How each leaf of a value holds one of `secrets`.
  static func held(_ secrets: [Secret], _ name: String, _ value: JSONValue)
    -> [CredentialCopy.Holding]
  {
    switch value {
    case .null, .boolean: return []
    case .object(let members): return members.flatMap { held(secrets, $0.key, $0.value) }
    case .array(let elements): return elements.flatMap { held(secrets, name, $0) }
    case .string, .integer, .number:
      let copy = CredentialCopy(name: name, text: text(of: value))
      return secrets.map { copy.holding($0.exposeAsBytes()) }
    }
  }

  /// Former versions that can still be read and hold one of `secrets`, and why some were not looked at.
  func versions(holding secrets: [Secret], before current: Int) async throws(CapabilityError)
    -> (found: [Int], unread: String?)
  {
    let former = try Self.versions(in: try await metadata(), name)
      .filter { $0.number < current && !$0.isDestroyed }
    var found: [Int] = []
    for version in former.prefix(Self.mostVersions) {
      let fields = try await document(version.number).fields ?? [:]
      let holds = fields.contains { field in
        Self.held(secrets, field.key, field.value).contains { $0 != .nothing }
      }
      if holds { found.append(version.number) }
    }
    let left = former.count - Self.mostVersions
    return (found, left > 0 ? "only the newest \(Self.mostVersions) were read, \(left) were not" : nil)
  }

  /// Newest first. - Throws: `.serverError` when the answer does not list them: that there are none nobody has said.
  static func versions(in metadata: JSONValue?, _ name: String) throws(CapabilityError)
    -> [(number: Int, isDestroyed: Bool)]
  {
    guard let metadata else { return [] }
    let listed = metadata["versions"]?.object
    let found = listed?.compactMap { number, about in
      Int(number).map { (number: $0, isDestroyed: about["destroyed"]?.boolean ?? false) }
    }
    guard let found, found.count == listed?.count else {
      throw CapabilityError(
        .serverError, "read former versions of \(name)", because: "the answer does not list them",
        fix: "see what the server says: vault kv metadata get \(name)")
    }
    return found.sorted { $0.number > $1.number }
  }

  func takeOut(_ versions: [Int], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    guard !versions.isEmpty else { return }
    let answer = try await vault.api.change(
      .post, path("delete"), ["versions": .array(versions.map { .integer($0) })], under: authority)
    _ = try vault.done(answer, "take former versions of \(name) out")
  }
}
