import Capabilities
import Foundation
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
    let place = temporaryDirectory / "staunch-clone-\(UUID().uuidString.lowercased())"
    try DurableFiles.makeDirectory(place)
    defer { try? DurableFiles.removeTree(place) }  // clean-up only: the clone is a copy
    progress.progress("clone", done: 0, total: nil, unit: "clones")
    var address: String?
    if let remote {
      let target = try await RemoteTarget(remote, layout: layout, git: git)
      try await clone(target, layout, to: place / "clone")
      address = RemoteAddress.withoutUser(target.fetchAddress)
    } else {
      try await copy(layout, to: place / "clone", in: place)
    }
    progress.progress("clone", done: 1, total: 1, unit: "clones")
    // A clone of a shallow repository is shallow, too: what is missing is missing there.
    let completing =
      address.map { "the repository at \($0) is incomplete itself; there: git fetch --unshallow" }
      ?? "git -C '\(path)' fetch --unshallow, then run the command again"
    let scan = try await ScanRun(
      path: (place / "clone").text, patterns: patterns, git: git, completing: completing
    ).run(progress: progress)
    return HistoryScan(
      places: scan.places, objects: scan.objects, commits: scan.commits, notSearched: scan.notSearched,
      remote: address)
  }

  /// Every reference that the remote advertises, hidden ones of merge requests included.
  private func clone(_ target: RemoteTarget, _ layout: RepositoryLayout, to place: PathBytes)
    async throws(CapabilityError)
  {
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
      more: view.userSettings)
    outcome.ignored = view.settings.ignored
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
