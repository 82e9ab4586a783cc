import Capabilities
import GitObjects

/// The proof from outside: a new clone made by `git` itself, then searched.
struct FreshClone: Sendable {
  let path: String
  /// A remote's name or an address; nil: the repository itself, which proves nothing about what was published.
  let remote: String?
  let patterns: SecretPatterns
  let git: GitProgram
  /// Where the clone lies while it is searched.
  let temporaryDirectory: PathBytes

  func scan(progress: any ProgressSink) async throws(CapabilityError) -> HistoryScan {
    let layout = try RepositoryLayout(path: path)
    try await RepositoryOwner(layout: layout, git: git).check()
    let temporary = try TemporaryPlace(.clone, in: temporaryDirectory)
    defer { withExtendedLifetime(temporary) {} }
    let place = temporary.path
    progress.progress("clone", done: 0, total: nil, unit: "clones")
    guard let remote else {
      try await copy(layout, to: place / "clone", in: place)
      progress.progress("clone", done: 1, total: 1, unit: "clones")
      return try await search(
        place / "clone", completing: "git -C '\(path)' fetch --unshallow, then run the command again",
        progress)
    }
    let target = try await RemoteTarget(remote, layout: layout, git: git)
    try await clone(target, layout, to: place / "clone")
    progress.progress("clone", done: 1, total: 1, unit: "clones")
    let address = RemoteAddress.withoutUser(target.fetchAddress)
    let scan = try await search(place / "clone", completing: FreshClone.completing(address), progress)
    let others = try await elsewhere(target, layout, scan, in: place, progress)
    return HistoryScan(
      places: scan.places, objects: scan.objects, commits: scan.commits, notSearched: scan.notSearched,
      remote: address, elsewhere: others)
  }

  /// A clone of a shallow repository is shallow, too: what is missing is missing there.
  private static func completing(_ address: String) -> String {
    "the repository at \(address) is incomplete itself; there: git fetch --unshallow"
  }

  private func search(_ clone: PathBytes, completing: String, _ progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryScan
  {
    try await ScanRun(path: clone.text, patterns: patterns, git: git, completing: completing, isFresh: true)
      .run(progress: progress)
  }

  // MARK: The other remotes

  /// Nobody waits longer for one of them, nor for all.
  private static let patience = (one: Duration.seconds(300), all: Duration.seconds(600))

  /// What the other remotes have. Each is asked once what it advertises; only one that has something that was not searched in
  /// the clone of `target` is cloned itself.
  private func elsewhere(
    _ target: RemoteTarget, _ layout: RepositoryLayout, _ scan: HistoryScan, in place: PathBytes,
    _ progress: any ProgressSink
  ) async throws(CapabilityError) -> [HistoryElsewhere] {
    let others = try await OtherRemotes(besides: [target.fetchAddress], layout: layout, git: git)
    let searched = try engine { () throws(GitObjectsError) in
      try RepositoryObjects(gitDirectory: (place / "clone").text)
    }
    let end = ContinuousClock.now + FreshClone.patience.all
    var found: [HistoryElsewhere] = []
    for (number, other) in others.places.enumerated() {
      let state: HistoryElsewhere.State
      do throws(CapabilityError) {
        let left = end - ContinuousClock.now
        guard left > .zero else {
          throw CapabilityError(
            .timeout, "look at \(other.name)", because: "the other remotes took ten minutes")
        }
        state = try await look(
          at: other, layout, besides: scan.isClean ? searched : nil, in: place / "other-\(number)",
          within: min(left, FreshClone.patience.one), progress)
      } catch {
        guard error.class != .cancelled else { throw error }
        state = .unseen(because: error.because)
      }
      found.append(HistoryElsewhere(remote: other.name, address: other.target.shown, state: state))
    }
    return found + others.refused
  }

  /// - Parameter searched: objects that were searched and are clean, with everything that they lead to; nil: none.
  private func look(
    at other: OtherRemotes.Place, _ layout: RepositoryLayout, besides searched: RepositoryObjects?,
    in place: PathBytes, within patience: Duration, _ progress: any ProgressSink
  ) async throws(CapabilityError) -> HistoryElsewhere.State {
    let there = try await RemoteReferences(
      other.target, layout: layout, git: git, deadline: min(patience, .seconds(60)))
    guard !there.ids.isEmpty else { return .clean }
    if let searched, there.ids.values.allSatisfy({ searched.contains($0) }) {
      var names = 0
      for name in there.ids.keys where try patterns.form(in: name.bytes) != nil { names += 1 }
      return names == 0 ? .clean : .found(places: names)
    }
    try await clone(other.target, layout, to: place, within: patience)
    defer { try? DurableFiles.removeTree(place) }  // clean-up only; the directory around it goes, too
    let scan = try await search(place, completing: FreshClone.completing(other.target.shown), progress)
    return scan.isClean ? .clean : .found(places: scan.places.count)
  }

  /// Every reference that the remote advertises, hidden ones of merge requests included.
  private func clone(
    _ target: RemoteTarget, _ layout: RepositoryLayout, to place: PathBytes,
    within patience: Duration = .seconds(3600)
  ) async throws(CapabilityError) {
    try DurableFiles.makeDirectory(place)
    let setUp = try await git.run(["init", "--quiet", "--bare", "."], in: place)
    guard setUp.status == 0 else {
      throw PushFailure.error(of: setUp, remote: target.name, operation: "git init")
    }
    // By name inside a copy of the remote's settings: an address may hold a credential, which must not stand in argv.
    let url = target.fetchAddress
    let absolute =
      url.contains("://") || url.hasPrefix("/") || RemoteAddress.isSecureShell(url)
      ? url : layout.standing.text + "/" + url
    let quoted = absolute.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    let text = "[remote \"origin\"]\n\turl = \"\(quoted)\"\n\tfetch = +refs/*:refs/*\n\tmirror = true\n"
    try DurableFiles.append(Array(text.utf8), to: place / "config")
    // The user's settings as they are for the repository: a condition on its place would not hold for this one.
    let view = try await RepositoryView(layout, at: nil, git: git)
    var outcome = try await git.run(
      // Without --update-shallow git leaves out, silently, what a shallow remote has.
      ["fetch", "--quiet", "--no-auto-gc", "--update-shallow", "origin"], in: place, contacting: .remote,
      more: view.userSettings, deadline: patience)
    outcome.ignored = view.settings.ignored
    outcome.repository = layout.standing.text
    withExtendedLifetime(view) {}
    guard outcome.status == 0 else {
      throw PushFailure.error(of: outcome, remote: target.name, operation: "git clone --mirror")
    }
    let snapshot = try ReferenceSnapshot(try RepositoryLayout(path: place.text))
    guard snapshot.references.contains(where: { $0.name.hasPrefix("refs/") }) else {
      throw CapabilityError(
        .conflict, "scan a fresh clone of \(target.name)",
        because:
          "the repository at \(RemoteAddress.withoutUser(url)) has no references: an empty clone proves nothing",
        fix: "check that it is the right one: git -C '\(layout.standing.text)' remote -v")
    }
  }

  private func copy(_ layout: RepositoryLayout, to place: PathBytes, in directory: PathBytes)
    async throws(CapabilityError)
  {
    // --no-local: a local clone would copy unreachable objects, too, and prove nothing. The file transport is allowed for
    // this one clone of ours, whatever the user's configuration says about clones from elsewhere (CVE-2022-39253). The view
    // is cloned and not the repository, whose settings upload-pack would read; and it is ours, whoever owns the other.
    let view = try await RepositoryView(layout, at: nil, git: git)
    let outcome = try await git.run(
      [
        Array("clone".utf8), Array("--quiet".utf8), Array("--mirror".utf8), Array("--no-local".utf8),
        Array("--".utf8), view.path.bytes, place.bytes,
      ], in: directory, settings: [(key: "protocol.file.allow", value: "always")])
    withExtendedLifetime(view) {}
    guard outcome.status == 0 else {
      throw PushFailure.error(of: outcome, remote: "the repository", operation: "git clone --mirror")
    }
  }
}
