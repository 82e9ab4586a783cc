import Capabilities
import Cryptography
import Foundation
import Secrets

/// Ties what a rewrite keeps in a repository to the installation that wrote it: HMAC-SHA256 under its key.
///
/// A plan moves files and maps decide what a push publishes. Both lie in the repository, which somebody else may have
/// prepared: without the seal of this installation neither is believed.
struct RewriteSeal: Sendable {
  /// nil: a caller without an installation of its own (tests of this room): nothing is sealed.
  let key: (@Sendable () throws(CapabilityError) -> Secret)?

  /// Seals the plan and the maps of a rewrite, before it may be carried out.
  func write(_ directory: RewriteDirectory, _ layout: RepositoryLayout) throws(CapabilityError) {
    guard let key else { return }
    let secret = try key()
    for part in Part.allCases {
      let bytes = try RewriteSeal.bytes(part, directory, layout)
      let code = HMAC<SHA256>.authenticationCode(
        for: Data(bytes), using: SymmetricKey(data: Data(secret.exposeAsBytes())))
      try DurableFiles.write(Array(Hex.text(Array(code)).utf8), to: directory.root / part.file)
    }
  }

  /// - Throws: `.unsafe` when this installation did not write it.
  func check(_ part: Part, of directory: RewriteDirectory, _ layout: RepositoryLayout) throws(CapabilityError)
  {
    guard let key else { return }
    let file = directory.root / part.file
    let bytes = try RewriteSeal.bytes(part, directory, layout)
    if DurableFiles.kind(of: file) == .regular,
      let code = Hex.bytes(String(decoding: try DurableFiles.read(file), as: UTF8.self)),
      HMAC<SHA256>.isValidAuthenticationCode(
        Data(code), authenticating: Data(bytes),
        using: SymmetricKey(data: Data(try key().exposeAsBytes())))
    {
      return
    }
    throw CapabilityError(
      .unsafe, "use the rewrite \(directory.id)",
      because:
        "its \(part.rawValue) do not carry the seal of this installation: another one wrote them, or somebody prepared them",
      fix:
        "continue where it was made (the same STAUNCH_STATE); else look at '\(directory.root.text)' and move it away"
    )
  }

  enum Part: String, CaseIterable {
    case plan = "plans"
    case maps
    var file: String { self == .plan ? "plan.seal" : "maps.seal" }
  }

  private static func bytes(_ part: Part, _ directory: RewriteDirectory, _ layout: RepositoryLayout)
    throws(CapabilityError) -> [UInt8]
  {
    var bytes = Array("staunch rewrite \(part.rawValue) 1\0\(directory.id)\0".utf8)
    switch part {
    case .plan:
      // Paths of the plan are relative to the work tree: where that is belongs to it.
      let root = layout.workTrees.first?.root
      bytes += root == layout.common.parent ? Array("parent".utf8) : root?.bytes ?? Array("none".utf8)
      bytes += [0] + (try DurableFiles.read(directory.plan))
    case .maps:
      for name in ["commit-map", "tag-map", "remotes"] {
        let map = try DurableFiles.readIfPresent(directory.maps / name) ?? []
        bytes += Array("\(name) \(map.count)\0".utf8) + map
      }
      // What moved decides which lease a push asks for.
      for move in try StoredRewrite.read(directory).refs {
        bytes += Array("\(move.ref)\0\(move.from)\0\(move.to)\0".utf8)
      }
    }
    return bytes
  }
}
