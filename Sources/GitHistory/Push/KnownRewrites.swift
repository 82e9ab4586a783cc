import Capabilities
import Foundation
import GitObjects

/// What the finished rewrites of a repository say about a remote: old and new ids, what moved, where the remote led.
struct KnownRewrites {
  /// Old → new ids of commits and tags, over all rewrites.
  private(set) var map: [ObjectID: ObjectID] = [:]
  private(set) var moved: [(old: ReferenceName, new: ReferenceName, from: ObjectID, to: ObjectID)] = []
  /// What the remote-tracking references said before the first rewrite that moved them.
  private(set) var tracked: [ReferenceName: ObjectID] = [:]
  /// Every object that a rewrite removed.
  private(set) var removed = RemovedObjects()
  private let path: String
  private let remote: String
  private var addresses: Set<String> = []

  init(path: String, remote: String, layout: RepositoryLayout, seal: RewriteSeal) throws(CapabilityError) {
    self.path = path
    self.remote = remote
    for directory in try KnownRewrites.finished(path, layout) {
      try seal.check(.maps, of: directory, layout)
      for name in ["commit-map", "tag-map"] {
        let later = try HistoryMaps.read(directory.maps / name)
        for (old, new) in map { map[old] = later[new] ?? new }
        map.merge(later) { _, new in new }
      }
      removed.formUnion(try RemovedObjects(directory: directory.maps))
      if let address = try RemoteRecord.read(directory)[remote] { addresses = [address] }
      if DurableFiles.exists(directory.plan) { try seal.check(.plan, of: directory, layout) }
      moved += try moves(directory, layout)
    }
  }

  /// A remote that leads elsewhere than when history was rewritten is another remote.
  func refuseOtherAddress(_ target: RemoteTarget) throws(CapabilityError) {
    guard let before = addresses.first, before != target.shown else { return }
    throw CapabilityError(
      .conflict, "push to \(remote)",
      because: "it led to \(before) when the history was rewritten and leads to \(target.shown) now",
      fix: "see who changed it: git -C '\(path)' remote -v; if the repository was moved, give its address: "
        + "--remote '\(target.shown)'")
  }

  /// Nothing is clean because nothing is there.
  func refuseOtherRepository(_ there: RemoteReferences) throws(CapabilityError) {
    guard !there.ids.isEmpty else {
      throw CapabilityError(
        .conflict, "push to \(remote)",
        because:
          "the repository at \(there.target.shown) has no references: what was published before is not there",
        fix: "check that it is the right one: git -C '\(path)' remote -v")
    }
    let gone = tracked.keys.filter { there.ids[$0] == nil }
    guard !tracked.isEmpty, gone.count == tracked.count else { return }
    throw CapabilityError(
      .conflict, "push to \(remote)",
      because: "none of the \(tracked.count) branches that were known of it is at \(there.target.shown)",
      fix: "check that it is the right repository: git -C '\(path)' remote -v")
  }

  private static func finished(_ path: String, _ layout: RepositoryLayout) throws(CapabilityError)
    -> [RewriteDirectory]
  {
    var found: [(directory: RewriteDirectory, seconds: Int, nanoseconds: Int)] = []
    for directory in try RewriteDirectory.all(in: layout) {
      switch try directory.state {
      case .finished:
        let time = DurableFiles.status(of: directory.maps / "commit-map")?.st_mtim
        found.append((directory, Int(time?.tv_sec ?? 0), Int(time?.tv_nsec ?? 0)))
      case .committed, .applied, .restoring:
        throw CapabilityError(
          .conflict, "push", because: "the rewrite \(directory.id) was interrupted",
          fix:
            "finish it: the staunch history rewrite that began it, with --resume"
        )
      case .preparing, nil: continue
      }
    }
    return found.sorted { ($0.seconds, $0.nanoseconds) < ($1.seconds, $1.nanoseconds) }.map(\.directory)
  }

  /// From the stored result, and old names (which may hold the secret) from the plan while the vault exists.
  private mutating func moves(_ directory: RewriteDirectory, _ layout: RepositoryLayout)
    throws(CapabilityError)
    -> [(old: ReferenceName, new: ReferenceName, from: ObjectID, to: ObjectID)]
  {
    let stored = try StoredRewrite.read(directory)
    var oldNames: [ReferenceName: ReferenceName] = [:]
    if let bytes = try DurableFiles.readIfPresent(directory.plan) {
      oldNames = try SwapPlan(bytes: bytes, PlanBases(layout)).renames
    }
    var found: [(old: ReferenceName, new: ReferenceName, from: ObjectID, to: ObjectID)] = []
    let prefix = "refs/remotes/\(remote)/"
    for move in stored.refs {
      guard let from = ObjectID(hex: move.from), let to = ObjectID(hex: move.to) else { continue }
      let new = ReferenceName(move.ref)
      if new.hasPrefix(prefix) {
        tracked[ReferenceName("refs/heads/" + move.ref.dropFirst(prefix.count))] = from
      }
      found.append((oldNames[new] ?? new, new, from, to))
    }
    return found
  }
}

/// Judges what the remote has by what is here.
struct RemoteStanding {
  private let known: KnownRewrites
  private let repository: OpenRepository
  private var walk: TaintWalk

  init(_ known: KnownRewrites, _ repository: OpenRepository) {
    self.known = known
    self.repository = repository
    walk = TaintWalk(objects: repository.objects, removed: known.removed)
  }

  mutating func of(_ id: ObjectID) throws(CapabilityError) -> PushPlan.Standing {
    if let new = known.map[id] { return .rewritten(new) }
    guard repository.objects.contains(id) else { return .absent }
    if known.removed.objects.contains(id) { return .holdsRemoved }
    let end = try repository.peeled(id) ?? id
    guard repository.objects.contains(end) else { return .absent }
    return try walk.isTainted(end) ? .holdsRemoved : .clean
  }
}
