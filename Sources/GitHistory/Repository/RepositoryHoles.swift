import Capabilities
import GitObjects

/// What a repository names and does not hold: it is damaged, and nobody can say what stood there.
struct RepositoryHoles: Sendable {
  let repository: OpenRepository
  let git: GitProgram

  /// Git knows them without holding them: the empty tree and the empty file.
  private static let builtIn = Set(
    ["4b825dc642cb6eb9a060e54bf8d69288fbee4904", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"].compactMap {
      ObjectID(hex: $0)
    })

  /// What references, the HEAD and index of every work tree, or the objects that they lead to name and that is not here.
  ///
  /// What only garbage names is no hole. Where an object is missing `git fsck` decides which of both it is, in every work tree.
  /// - Returns: in ascending order; empty: the repository is whole.
  /// - Throws: `.invalid` (a pack or object breaks its format), `.timeout`, `.cancelled`.
  func find(progress: any ProgressSink) async throws(CapabilityError) -> [ObjectID] {
    let tips = try lostTips()
    guard tips.isEmpty else { return tips }
    let objects = repository.objects
    let named = try await BlockingWork.run(progress: progress) { progress in
      try ObjectHoles(objects).find(progress: progress)
    }
    let lost = named.filter { !Self.builtIn.contains($0) }
    guard !lost.isEmpty else { return [] }
    for tree in repository.layout.workTrees {
      let check = try await git.run(
        ["fsck", "--connectivity-only", "--no-dangling", "--no-progress"], of: repository.layout, at: tree)
      guard check.status == 0 else { return lost }
    }
    return []
  }

  private func lostTips() throws(CapabilityError) -> [ObjectID] {
    var ids = Set(repository.snapshot.targets)
    for tree in repository.layout.workTrees {
      let file = tree.gitDirectory / "index"
      guard DurableFiles.exists(file), try !IndexFile.isSplit(file) else { continue }
      ids.formUnion(try IndexFile(path: file).entries.filter { !$0.isGitlink }.map(\.id))
    }
    return ids.subtracting(Self.builtIn).filter { !repository.objects.contains($0) }.sorted()
  }
}
