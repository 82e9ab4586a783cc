import Capabilities
import GitObjects

/// Whether a clone still holds removed objects, and whether it would bring them back.
public struct CloneReport: Sendable {
  /// A branch, tag, stash … of the clone whose history holds a removed commit.
  public struct Tainted: Sendable, Hashable {
    public let ref: String
    /// Commits of the clone's own on top of removed history: a push or a `git pull` would bring the old ones back.
    public let ownCommits: Int
    /// Exactly what puts it right; nil when a person must look (several lines of removed history in it).
    public let command: String?
  }

  public let tainted: [Tainted]
  /// Removed objects that the clone has, reachable or not.
  public let removedObjects: Int
  /// No removed object at all.
  public var isClean: Bool { removedObjects == 0 && tainted.isEmpty }
  /// A push from it would bring the secret back.
  public var wouldBringItBack: Bool { !tainted.isEmpty }
}

/// Looks into a colleague's clone by ids alone: nobody needs the secret for it. Read only.
struct CloneCheck: Sendable {
  let path: String
  let removed: RemovedObjects
  let git: GitProgram

  /// What stands between a branch and the rewritten history.
  struct Branch: Sendable {
    let name: ReferenceName
    let tip: ObjectID
    /// The removed commits that its own commits stand on; the tip itself when it has none of its own.
    let bases: Set<ObjectID>
    let ownCommits: Int
  }

  func report() async throws(CapabilityError) -> CloneReport {
    let repository = try await OpenRepository(path: path, for: .scan, git: git)
    let tainted = try branches(repository).map { branch in
      CloneReport.Tainted(
        ref: branch.name.description, ownCommits: branch.ownCommits, command: command(for: branch))
    }
    let held = removed.objects.count { repository.objects.contains($0) }
    return CloneReport(tainted: tainted, removedObjects: held)
  }

  /// Every reference whose history holds a removed commit.
  func branches(_ repository: OpenRepository) throws(CapabilityError) -> [Branch] {
    var walk = TaintWalk(objects: repository.objects, removed: removed)
    var found: [Branch] = []
    for reference in repository.snapshot.references {
      guard case .object(let id) = reference.value else { continue }
      guard let tip = try commit(id, repository), try walk.isTainted(tip) else { continue }
      let (bases, own) = try walk.bases(of: tip)
      found.append(Branch(name: reference.name, tip: tip, bases: bases, ownCommits: own))
    }
    return found
  }

  func command(for branch: Branch) -> String? {
    let git = "git -C '\(path)'"
    let name = branch.name.description
    guard branch.bases.count == 1, let base = branch.bases.first, let new = removed.commits[base] else {
      return nil
    }
    if branch.name.hasPrefix("refs/remotes/") { return "\(git) fetch --prune --all" }
    guard branch.name.hasPrefix("refs/heads/") else { return "\(git) update-ref -d \(name)" }
    let short = name.dropFirst("refs/heads/".count)
    if branch.ownCommits == 0 { return "\(git) branch -f \(short) \(new.hex)" }
    return "\(git) rebase --rebase-merges --onto \(new.hex) \(base.hex) \(short)"
  }

  private func commit(_ id: ObjectID, _ repository: OpenRepository) throws(CapabilityError) -> ObjectID? {
    guard repository.objects.contains(id) else { return nil }
    let end = try repository.peeled(id) ?? id
    let kind = try engine { () throws(GitObjectsError) in try repository.objects.kind(of: end) }
    return kind == .commit ? end : nil
  }
}

/// Which commits have removed ones among their ancestors: each commit is read once.
struct TaintWalk {
  let objects: RepositoryObjects
  let removed: RemovedObjects
  private var known: [ObjectID: Bool] = [:]
  private var parents: [ObjectID: [ObjectID]] = [:]

  init(objects: RepositoryObjects, removed: RemovedObjects) {
    self.objects = objects
    self.removed = removed
  }

  mutating func isTainted(_ start: ObjectID) throws(CapabilityError) -> Bool {
    var stack = [start]
    while let top = stack.last {
      if known[top] != nil {
        stack.removeLast()
      } else if removed.objects.contains(top) {
        known[top] = true
      } else if let above = parents[top] {
        known[top] = above.contains { known[$0] == true }
      } else {
        let above = try read(top)
        parents[top] = above
        stack += above.filter { known[$0] == nil }
      }
    }
    // Every way through the loop ends with an answer for `start`; without one it counts as tainted.
    return known[start] ?? true
  }

  /// The removed commits on which the tainted commits above them stand, and how many those are.
  mutating func bases(of tip: ObjectID) throws(CapabilityError) -> (bases: Set<ObjectID>, own: Int) {
    var bases: Set<ObjectID> = []
    var seen: Set<ObjectID> = []
    var own = 0
    var stack = [tip]
    while let top = stack.popLast() {
      guard seen.insert(top).inserted, try isTainted(top) else { continue }
      if removed.objects.contains(top) {
        bases.insert(top)
      } else {
        own += 1
        stack += parents[top] ?? []
      }
    }
    return (bases, own)
  }

  private func read(_ id: ObjectID) throws(CapabilityError) -> [ObjectID] {
    guard objects.contains(id) else { return [] }
    let kind = try engine { () throws(GitObjectsError) in try objects.kind(of: id) }
    guard kind == .commit else { return [] }
    let found = try engine { () throws(GitObjectsError) in try objects.read(id) }
    return ObjectLinks.Commit(found.content).parents
  }
}
