import Capabilities
import GitObjects

/// A repository whose conditions were checked, with everything that names objects in it.
struct OpenRepository: Sendable {
  let layout: RepositoryLayout
  let snapshot: ReferenceSnapshot
  let objects: RepositoryObjects

  enum Purpose: Sendable { case scan, rewrite }

  /// - Throws: `.notFound`, `.unsupported`, `.refused` with what to do. Changes nothing.
  init(path: String, for purpose: Purpose, git: GitProgram) async throws(CapabilityError) {
    try self.init(try await OpenRepository.checked(path, for: purpose, git: git))
  }

  /// The parts of the repository at `path`, once its conditions were checked.
  /// - Throws: as ``init(path:for:git:)``.
  static func checked(_ path: String, for purpose: Purpose, git: GitProgram) async throws(CapabilityError)
    -> RepositoryLayout
  {
    let layout = try RepositoryLayout(path: path)
    let conditions = try RepositoryConditions(layout)
    switch purpose {
    case .scan: try conditions.checkReadable()
    case .rewrite: try conditions.checkRewritable()
    }
    try await RepositoryOwner(layout: layout, git: git).check()
    // libgit2's own checks: formats that we did not think of.
    _ = try engine { () throws(GitObjectsError) in
      try GitRepository(path: layout.common.text, ownerIsChecked: true)
    }
    return layout
  }

  /// Reads again what may have changed.
  init(_ layout: RepositoryLayout) throws(CapabilityError) {
    self.layout = layout
    snapshot = try ReferenceSnapshot(layout)
    objects = try engine { () throws(GitObjectsError) in
      try RepositoryObjects(gitDirectory: layout.common.text)
    }
  }

  /// Whatever must survive a rewrite: targets of references, reflog entries, index blobs, ids in state files.
  func tips() throws(CapabilityError) -> [ObjectID] {
    var ids = Set(snapshot.targets)
    for log in try layout.reflogs() { ids.formUnion(Reflog(bytes: try DurableFiles.read(log.file)).ids) }
    for file in try layout.stateFiles() { ids.formUnion(StateFile(bytes: try DurableFiles.read(file)).ids) }
    for tree in layout.workTrees where DurableFiles.exists(tree.gitDirectory / "index") {
      let index = try IndexFile(path: tree.gitDirectory / "index")
      ids.formUnion(index.entries.filter { !$0.isGitlink }.map(\.id))
    }
    return ids.filter { objects.contains($0) }.sorted()
  }

  /// Targets of `refs/notes/*`.
  var notesTips: Set<ObjectID> {
    Set(
      snapshot.references.compactMap {
        if $0.name.hasPrefix("refs/notes/"), case .object(let id) = $0.value { id } else { nil }
      })
  }

  /// What an annotated tag finally points to; nil for anything else.
  func peeled(_ id: ObjectID) throws(CapabilityError) -> ObjectID? {
    var current = id
    var isTag = false
    for _ in 0..<64 {  // deeper nesting of tags is hostile
      guard objects.contains(current) else { return nil }
      let kind = try engine { () throws(GitObjectsError) in try objects.kind(of: current) }
      guard kind == .tag else { return isTag ? current : nil }
      isTag = true
      let found = try engine { () throws(GitObjectsError) in try objects.read(current) }
      let line = found.content.prefix { $0 != 0x0A }
      guard line.starts(with: "object ".utf8),
        let target = ObjectID(hex: String(decoding: line.dropFirst(7), as: UTF8.self))
      else { return nil }
      current = target
    }
    return nil
  }
}
