import Capabilities
import Cryptography
import Secrets

/// What one rewrite keeps inside the repository: `<git directory>/staunch/history/<id>/`.
///
/// `state` is the protocol's journal, `plan` what the swap moves, `vault/` the old files under numbers, `staged/` the new
/// ones, `maps/` the old and new ids, `result.json` the answer. `vault`, `staged` and `plan` hold the secret.
struct RewriteDirectory: Sendable {
  /// How far the protocol is. Each is one synced line in `state`; the last line holds.
  enum State: String, Sendable {
    /// Nothing of the repository was changed: roll back by removing this directory.
    case preparing
    /// The plan is complete and on disk: roll forward.
    case committed
    /// Every file is in its place; the proof is missing.
    case applied
    case finished
    /// Roll back to the state before: goes on from any point.
    case restoring
  }

  /// 16 hexadecimal digits: names the backup.
  let id: String
  let root: PathBytes

  var stateLog: PathBytes { root / "state" }
  var plan: PathBytes { root / "plan" }
  var result: PathBytes { root / "result.json" }
  var vault: PathBytes { root / "vault" }
  var staged: PathBytes { root / "staged" }
  var maps: PathBytes { root / "maps" }

  init(id: String, in layout: RepositoryLayout) {
    self.id = id
    root = layout.ownHistory / id
  }

  /// The same marker always names the same directory.
  static func id(marker: String) -> String {
    Hex.text(SHA256.hash(data: Array("staunch history rewrite\0\(marker)".utf8)).prefix(8))
  }

  /// Every rewrite that left something in the repository.
  static func all(in layout: RepositoryLayout) throws(CapabilityError) -> [RewriteDirectory] {
    try OwnFiles(layout: layout).check()
    return try DurableFiles.entries(of: layout.ownHistory).map { String(decoding: $0, as: UTF8.self) }
      .filter { $0.count == 16 }.map { RewriteDirectory(id: $0, in: layout) }
  }

  /// nil when there is no such rewrite.
  var state: State? {
    get throws(CapabilityError) {
      guard let bytes = try DurableFiles.readIfPresent(stateLog) else { return nil }
      // A line cut off by a crash was never acknowledged: only whole lines count.
      let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
      return lines.last { !$0.isEmpty }.flatMap { State(rawValue: String(decoding: $0, as: UTF8.self)) }
    }
  }

  func record(_ state: State) throws(CapabilityError) {
    try DurableFiles.append(Array("\(state.rawValue)\n".utf8), to: stateLog)
    try DurableFiles.synchronizeDirectory(root)
  }
}
