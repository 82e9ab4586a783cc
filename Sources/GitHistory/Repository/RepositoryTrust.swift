import Capabilities

/// Of which repositories the own settings count although they may name programs: those that somebody who uses staunch has named.
public enum RepositoryTrust: Sendable {
  case none
  /// The one that a command is about (`--trust-repository-config`).
  case all
  /// Absolute paths of repositories as staunch.yaml names them (`trust_config: true`).
  case paths(Set<String>)

  func covers(_ layout: RepositoryLayout) -> Bool {
    switch self {
    case .none: false
    case .all: true
    case .paths(let paths):
      paths.contains { path in
        do throws(CapabilityError) {
          let place = try DurableFiles.canonical(PathBytes(path))
          return place == layout.common || place == layout.standing
        } catch {
          return false  // what leads nowhere is no repository that somebody named
        }
      }
    }
  }
}
