import Capabilities
import Foundation
import GitObjects

/// The proof from outside: a new clone made by `git` itself, then searched.
struct FreshClone: Sendable {
  let path: String
  /// A remote's name or an address; nil: the repository itself.
  let remote: String?
  let patterns: SecretPatterns
  let git: GitProgram
  /// Where the clone lies while it is searched.
  let temporaryDirectory: PathBytes

  func scan(progress: any ProgressSink) async throws(CapabilityError) -> HistoryScan {
    let layout = try RepositoryLayout(path: path)
    let place = temporaryDirectory / "staunch-clone-\(UUID().uuidString.lowercased())"
    try DurableFiles.makeDirectory(place)
    defer { try? DurableFiles.removeTree(place) }  // clean-up only: the clone is a copy
    progress.progress("clone", done: 0, total: nil, unit: "clones")
    try await clone(layout, to: place)
    progress.progress("clone", done: 1, total: 1, unit: "clones")
    return try await ScanRun(path: place.text, patterns: patterns).run(progress: progress)
  }

  private func clone(_ layout: RepositoryLayout, to place: PathBytes) async throws(CapabilityError) {
    // --no-local: a local clone would copy unreachable objects, too, and prove nothing.
    let outcome: GitProgram.Outcome
    if let remote {
      // By name inside a copy of the remote's settings: an address may hold a credential, which must not stand in argv.
      let setUp = try await git.run(["init", "--quiet", "--bare", "."], in: place)
      guard setUp.status == 0 else {
        throw PushFailure.error(of: setUp, remote: remote, operation: "git init")
      }
      let address = try await git.run(["remote", "get-url", remote], in: layout.common)
      let url =
        address.status == 0
        ? String(decoding: address.output.prefix { $0 != 0x0A }, as: UTF8.self) : remote
      let absolute =
        url.contains("://") || url.hasPrefix("/") || RemoteAddress.isSecureShell(url)
        ? url
        : (layout.workTrees.first?.root ?? layout.common).text + "/" + url
      let quoted = absolute.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      let text = "[remote \"origin\"]\n\turl = \"\(quoted)\"\n\tfetch = +refs/*:refs/*\n\tmirror = true\n"
      try DurableFiles.append(Array(text.utf8), to: place / "config")
      outcome = try await git.run(
        ["-c", "gc.auto=0", "fetch", "--quiet", "--no-auto-gc", "origin"], in: place)
    } else {
      outcome = try await git.run(
        [
          Array("clone".utf8), Array("--quiet".utf8), Array("--mirror".utf8), Array("--no-local".utf8),
          layout.common.bytes,
          place.bytes,
        ], in: place)
    }
    guard outcome.status == 0 else {
      throw PushFailure.error(
        of: outcome, remote: remote ?? "the repository", operation: "git clone --mirror")
    }
  }
}
