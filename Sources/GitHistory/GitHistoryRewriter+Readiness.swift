public import Capabilities

// Whether a clone can be cleaned and its remote pushed to, asked before an incident. Read only.
extension GitHistoryRewriter {
  /// - Parameter remote: as staunch.yaml names it; nil: nothing is pushed.
  public func readiness(repository path: String, remote: String?) async -> [Readiness] {
    let layout: RepositoryLayout
    do throws(CapabilityError) {
      layout = try RepositoryLayout(path: path)
      try RepositoryConditions(layout).checkRewritable()
    } catch { return [Readiness("clone", error)] }
    guard let remote else {
      return [
        Readiness("clone", .ready(path)),
        Readiness(
          "remote",
          .unknown(
            because: "none is named: a clean history is not pushed, and what the forge holds is not looked at"
          )),
      ]
    }
    var found = [Readiness("clone", .ready(path))]
    do throws(CapabilityError) {
      let known = try await git.run(["remote"], of: layout)
      guard known.status == 0 else {
        throw PushFailure.error(of: known, remote: remote, operation: "git remote")
      }
      let names = String(decoding: known.output, as: UTF8.self).split(whereSeparator: \.isNewline)
      guard names.contains(Substring(remote)) else {
        return found + [
          Readiness(
            "remote \(remote)",
            .missing(
              because: "the clone has no remote of this name"
                + (names.isEmpty ? ": it has none" : ": it has \(names.joined(separator: ", "))"),
              fix: names.isEmpty
                ? "add it: git -C \(path) remote add \(remote), and its address"
                : "correct \"remote\" in staunch.yaml"))
        ]
      }
      let target = try await RemoteTarget(remote, layout: layout, git: git)
      let references = try await RemoteReferences(target, layout: layout, git: git)
      found.append(
        Readiness("remote \(remote)", .ready("it answers with \(references.ids.count) references")))
      found.append(
        Readiness(
          "pushing to \(remote)",
          .unknown(because: "only a push shows whether protected branches and rights let it through")))
    } catch { found.append(Readiness("remote \(remote)", error)) }
    return found
  }
}
