public import Capabilities
import GitObjects

extension GitHistoryRewriter {
  /// The ids that the rewrite of `repository` named `backup` removed.
  /// - Parameter backup: as in `HistoryRewrite.backup`; nil: the only finished rewrite there.
  public func removedObjects(repository: String, backup: String?) async throws(CapabilityError)
    -> RemovedObjects
  {
    let layout = try RepositoryLayout(path: repository)
    let known = try RewriteDirectory.all(in: layout).filter { DurableFiles.exists($0.maps / "commit-map") }
    let chosen = backup.map { name in known.filter { $0.id == name } } ?? known
    guard let directory = chosen.first, chosen.count == 1 else {
      throw CapabilityError(
        .notFound, "read the maps of a rewrite",
        because: known.isEmpty
          ? "no finished rewrite was found in this repository"
          : "there are \(known.count) rewrites; say which",
        fix: known.isEmpty
          ? "give the maps directory with --maps"
          : "--backup " + known.map(\.id).joined(separator: " or --backup "))
    }
    return try RemovedObjects(directory: directory.maps)
  }

  /// Whether a colleague's clone holds removed history or would bring it back. Read only; needs no secret.
  public func checkClone(_ clone: String, removed: RemovedObjects) async throws(CapabilityError)
    -> CloneReport
  {
    try await CloneCheck(path: clone, removed: removed, git: git).report()
  }

  /// Puts a colleague's clone on the rewritten history that `remote` has now. Safe to repeat.
  public func repairClone(
    _ clone: String, remote: String, removed: RemovedObjects, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> CloneRepairReport {
    try await CloneRepair(path: clone, remote: remote, removed: removed, git: git).run(under: authority)
  }

  /// The text for a forge's support about what a push cannot remove. Asks the remote, changes nothing.
  /// - Parameter forge: nil: told by the remote's address.
  public func supportRequest(repository: String, remote: String, forge: SupportRequest.Forge?)
    async throws(CapabilityError) -> SupportRequest
  {
    let layout = try RepositoryLayout(path: repository)
    let removed = try await removedObjects(repository: repository, backup: nil)
    let target = try await RemoteTarget(remote, layout: layout, git: git)
    let there = try await RemoteReferences(target, layout: layout, git: git)
    let hidden = there.ids.filter { RemoteReferences.isHidden($0.key) && removed.objects.contains($0.value) }
    let address = target.shown
    guard let forge = forge ?? SupportRequest.Forge(address: address) else {
      throw CapabilityError(
        .invalid, "write a support request", because: "the remote's address does not tell which forge it is",
        fix: "--forge " + SupportRequest.Forge.allCases.map(\.rawValue).joined(separator: " | "))
    }
    return SupportRequest(
      forge: forge, repository: RemoteAddress.name(address), hidden: hidden.keys.sorted().map(\.description),
      firstChanged: try firstChanged(removed, layout),
      removedCommits: removed.commits.keys.sorted().map(\.hex))
  }

  /// New commits none of whose parents is new.
  private func firstChanged(_ removed: RemovedObjects, _ layout: RepositoryLayout) throws(CapabilityError)
    -> [String]
  {
    let objects = try engine { () throws(GitObjectsError) in
      try RepositoryObjects(gitDirectory: layout.common.text)
    }
    let new = Set(removed.commits.values)
    var first: [String] = []
    for id in new.sorted() where objects.contains(id) {
      let found = try engine { () throws(GitObjectsError) in try objects.read(id) }
      if !ObjectLinks.Commit(found.content).parents.contains(where: { new.contains($0) }) {
        first.append(id.hex)
      }
    }
    return first
  }
}
