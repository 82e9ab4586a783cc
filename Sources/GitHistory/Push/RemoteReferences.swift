import Capabilities
import GitObjects

/// What a remote has now, from `git ls-remote`.
struct RemoteReferences: Sendable {
  let ids: [ReferenceName: ObjectID]

  /// - Throws: `.network`, `.refused`, `.notFound` with what to do.
  init(remote: String, layout: RepositoryLayout, git: GitProgram) async throws(CapabilityError) {
    let outcome = try await git.run(["ls-remote", "--quiet", remote], in: layout.common)
    guard outcome.status == 0 else {
      throw PushFailure.error(of: outcome, remote: remote, operation: "git ls-remote")
    }
    var found: [ReferenceName: ObjectID] = [:]
    for line in outcome.output.split(separator: 0x0A) {
      guard line.count > 41, let id = ObjectID(hex: String(decoding: line.prefix(40), as: UTF8.self)) else {
        continue
      }
      let name = Array(line.dropFirst(41))
      if !name.suffix(3).elementsEqual("^{}".utf8) { found[ReferenceName(bytes: name)] = id }
    }
    ids = found
  }

  /// References that forges keep for merge requests and refuse to have pushed.
  static func isHidden(_ name: ReferenceName) -> Bool {
    [
      "refs/pull/", "refs/merge-requests/", "refs/pipelines/", "refs/keep-around/", "refs/environments/",
      "refs/changes/",
      "refs/pull-requests/",
    ].contains { name.hasPrefix($0) }
  }
}
