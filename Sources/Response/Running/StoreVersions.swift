package import Capabilities
import Chronicle
package import Incidents
package import Journal
package import Secrets

/// The former values of one entry, in a store that keeps them.
package struct StoreVersions: Sendable {
  private let store: any VersionedStore
  private let name: StoreName
  private let key: String

  /// - Throws: `unsupported` when the store keeps no versions; `notFound` when staunch.yaml has no such store.
  package init(_ key: String, in name: StoreName, of targets: Targets) throws(CapabilityError) {
    let place = try targets.store(name)
    guard let store = place as? any VersionedStore else {
      throw CapabilityError(
        .unsupported, "read the versions of \(key) in \(name)",
        because: "a store of kind \(type(of: place).kind) keeps no former values",
        fix: "write the value that is wanted: staunch.yaml names where it is kept")
    }
    (self.store, self.name, self.key) = (store, name, key)
  }

  /// Of the entry: a plan's run, or another hand, waits meanwhile.
  package var lock: String { "store/\(name)/\(key)" }

  /// Newest first. Read only.
  package func all() async throws(CapabilityError) -> [StoreVersion] { try await store.versions(of: key) }

  /// The version that is current now; nil when there is no entry.
  package func current() async throws(CapabilityError) -> String? { try await store.currentVersion(key) }

  /// Makes an earlier version current again, and looks at what is current then.
  ///
  /// - Parameter leaked: values that no program may read any more.
  /// - Throws: `notFound` when the version is gone for good; `unsafe` when it holds one of `leaked`: then the one before is current
  ///   again, and programs may have read the leaked one meanwhile.
  /// - Returns: the version that is current now.
  package func moveBack(
    to version: String, sparing leaked: [Secret], under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let before = try await store.currentVersion(key)
    let now = try await store.moveBack(key, to: version, under: authority)
    let value = try await store.read(key)
    guard leaked.contains(where: { $0.isSame(as: value) }) else { return now }
    guard let before else {
      throw CapabilityError(
        .unsafe, "move \(key) in \(name) back to \(version)", because: "that version holds a leaked value",
        fix: "it is current now: write another value at once")
    }
    _ = try await store.moveBack(key, to: before, under: authority)
    throw CapabilityError(
      .unsafe, "move \(key) in \(name) back to \(version)",
      because: "that version holds a leaked value; \(before) is current again",
      fix: "programs that read it meanwhile have the leaked one: restart them; then choose another version")
  }

  /// Every leaked value that the journal still holds. - Throws: a value that cannot be opened is no reason to call it harmless.
  package static func leaked(in journal: Journal) throws -> [Secret] {
    var values: [Secret] = []
    for ref in IncidentRecord.all(in: try journal.events()).flatMap({ $0.leakedValues.refs }) {
      do throws(JournalError) { values.append(try journal.open(ref)) } catch {
        // The key of a closed incident's values is destroyed some time after: those cannot be compared any more.
        guard error.code == .shredded || error.code == .notFound else { throw error }
      }
    }
    return values
  }
}
