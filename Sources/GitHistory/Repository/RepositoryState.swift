import Capabilities
import GitObjects

/// What a rewrite is made from, at one moment: references, objects, and the files that name objects besides. Two equal
/// ones lead to the same rewrite.
struct RepositoryState: Sendable, Equatable {
  private let snapshot: ReferenceSnapshot
  private let objects: ObjectStoreState
  private let workTrees: [RepositoryLayout.WorkTree]
  private let files: [PathBytes: FileFingerprint]

  /// - Throws: as the reading of the parts.
  init(_ layout: RepositoryLayout) throws(CapabilityError) {
    snapshot = try ReferenceSnapshot(layout)
    objects = try engine { () throws(GitObjectsError) in
      try ObjectStoreState(gitDirectory: layout.common.text)
    }
    workTrees = layout.workTrees
    var files: [PathBytes: FileFingerprint] = [:]
    let named =
      try layout.reflogs().map(\.file) + layout.stateFiles()
      + layout.workTrees.map { $0.gitDirectory / "index" } + [layout.common / "config"]
    for file in named { files[file] = FileFingerprint(file) }
    self.files = files
  }
}
