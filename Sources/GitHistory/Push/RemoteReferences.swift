import Capabilities
import GitObjects

/// What a remote has now, from `git ls-remote`.
struct RemoteReferences: Sendable {
  let target: RemoteTarget
  let ids: [ReferenceName: ObjectID]

  /// - Parameter deadline: a plan waits for less than a push.
  /// - Throws: `.network`, `.refused`, `.notFound` with what to do.
  init(
    _ target: RemoteTarget, layout: RepositoryLayout, git: GitProgram, deadline: Duration = .seconds(600)
  ) async throws(CapabilityError) {
    self.target = target
    let outcome = try await git.run(
      ["ls-remote", "--quiet", "--", target.operand], of: layout, contacting: .remote,
      settings: target.settings, deadline: deadline)
    guard outcome.status == 0 else {
      throw PushFailure.error(of: outcome, remote: target.name, operation: "git ls-remote")
    }
    var found: [ReferenceName: ObjectID] = [:]
    for line in outcome.output.split(separator: 0x0A) {
      guard line.count > 41, let id = ObjectID(hex: String(decoding: line.prefix(40), as: UTF8.self)) else {
        // A line that cannot be read is a reference that nobody accounts for.
        throw CapabilityError(
          .invalid, "git ls-remote", because: "a line of \(line.count) bytes is no SHA-1 id and name",
          fix: "see what it says: git -C '\(layout.standing.text)' ls-remote \(target.name)")
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
