/// A store that keeps former versions: a value can lie ready before programs read it, and the one before can be made current
/// again.
public protocol VersionedStore: SecretStore {
  /// What it still holds of the entry, newest first. Read only.
  func versions(of key: String) async throws(CapabilityError) -> [StoreVersion]
  /// Puts the entries where no program reads them, under `marker`. Repeating it is fine.
  func stage(_ entries: [StoreEntry], marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  /// Makes what was staged under `marker` current, all of it in one step, and clears the stage. As
  /// ``SecretStore/put(_:sparing:marker:under:)`` otherwise.
  /// - Parameter entries: what was staged.
  /// - Throws: `.notFound` when nothing is staged under `marker`, `.conflict` when something else is.
  /// - Returns: the new version.
  func promote(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String
  /// Makes the entry's value of an earlier version current again; other entries stay as they are.
  /// - Throws: `.notFound` when the version, or the entry in it, is gone for good.
  /// - Returns: the version that is current now.
  func moveBack(_ key: String, to version: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
}

/// One version of an entry.
public struct StoreVersion: Sendable, Hashable {
  /// As ``SecretStore/currentVersion(_:)`` names it.
  public let id: String
  public let isCurrent: Bool
  /// False: it was taken out, and ``VersionedStore/moveBack(_:to:under:)`` can fetch it back.
  public let isReadable: Bool
  public init(_ id: String, isCurrent: Bool, isReadable: Bool) {
    self.id = id
    self.isCurrent = isCurrent
    self.isReadable = isReadable
  }
}
