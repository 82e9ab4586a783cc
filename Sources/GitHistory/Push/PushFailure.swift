import Capabilities

/// Reads what Git and the remote say when a push or another contact fails.
enum PushFailure {
  /// The error of a command that did not even come to single references.
  static func error(of outcome: GitProgram.Outcome, remote: String, operation: String) -> CapabilityError {
    let error = plain(outcome, remote, operation)
    let prefixes = [
      "core.sshcommand", "core.gitproxy", "core.askpass", "credential.", "http.", "url.", "remote.",
      "protocol.",
      "ssh.", "include",
    ]
    // They may be what makes it work for somebody who calls git by hand.
    let keys = Set(outcome.ignored.filter { key in prefixes.contains { key.hasPrefix($0) } }).sorted()
    guard !keys.isEmpty else { return error }
    return CapabilityError(
      error.class, error.operation,
      because: error.because
        + "; the repository's own settings \(keys.joined(separator: ", ")) did not count",
      fix: (error.fix.map { $0 + "; " } ?? "")
        + "when those settings are yours: the same command with --trust-repository-config, or trust_config: true in staunch.yaml"
    )
  }

  private static func plain(_ outcome: GitProgram.Outcome, _ remote: String, _ operation: String)
    -> CapabilityError
  {
    let text = outcome.errors.lowercased()
    // Pasted somewhere else, a command without its repository asks another one.
    let git = "git" + (outcome.repository.map { " -C '\($0)'" } ?? "")
    let signs: [(sign: String, kind: CapabilityError.Class, because: String, fix: String)] = [
      (
        "dubious ownership", .refused,
        "the remote's directory belongs to another user, and git does not trust it",
        "add the remote's directory to safe.directory (git config --global --add); this shows it: \(git) remote -v"
      ),
      (
        "not allowed", .configuration,
        "git's configuration forbids the remote's transport (protocol.allow, protocol.NAME.allow, GIT_ALLOW_PROTOCOL)",
        "see what forbids it: \(git) config --show-origin --get-regexp '^protocol[.]'"
      ),
      ("no such remote", .notFound, "this repository has no remote \(remote)", "\(git) remote -v"),
      (
        "does not appear to be a git repository", .notFound,
        "there is no repository at the remote's address, or no right to see it",
        "\(git) remote -v; then: \(git) ls-remote \(remote)"
      ),
      (
        "repository not found", .notFound,
        "the forge has no such repository, or the credentials may not see it",
        "check the address (\(git) remote -v) and the credentials"
      ),
      (
        "permission denied", .refused, "the remote refused the credentials",
        "check the key or token that git uses for this remote: \(git) ls-remote \(remote)"
      ),
      (
        "authentication failed", .refused, "the remote refused the credentials",
        "check the token that git uses for this remote: \(git) ls-remote \(remote)"
      ),
      (
        "could not read username", .refused, "the remote wants credentials and git has none",
        "set up a credential helper or an SSH key, then: \(git) ls-remote \(remote)"
      ),
      (
        "host key verification failed", .refused, "the remote's SSH host key is not known or has changed",
        "compare the fingerprint with the one the forge publishes, then add it to ~/.ssh/known_hosts with ssh-keyscan"
      ),
      (
        "atomic push", .unsupported, "the remote cannot push atomically",
        "ask its administrator for receive.advertiseAtomic"
      ),
      (
        "could not resolve host", .network, "the remote's host name does not resolve",
        "check the network, then run the same command again"
      ),
      (
        "connection refused", .network, "the remote refuses connections",
        "check the network, then run the same command again"
      ),
      (
        "connection timed out", .network, "the remote does not answer",
        "check the network, then run the same command again"
      ),
      (
        "unable to access", .network, "the remote could not be reached",
        "check the network and the address: \(git) remote -v"
      ),
    ]
    for sign in signs where text.contains(sign.sign) {
      return CapabilityError(sign.kind, operation, because: sign.because, fix: sign.fix)
    }
    return CapabilityError(
      .refused, operation, because: "git ended with status \(outcome.status)",
      fix: "see what it says: \(git) ls-remote \(remote)")
  }

  /// Git's own word for a lease that does not hold.
  static func isOvertaken(_ short: String) -> Bool { short.lowercased().contains("stale info") }

  /// One reference's reason (git-push(1), OUTPUT) in full words, with what the remote's hook said.
  static func reason(_ short: String, remoteMessages: [String]) -> String {
    let text = short.lowercased()
    let said = remoteMessages.isEmpty ? "" : " — the remote says: " + remoteMessages.joined(separator: " / ")
    let all = (text + " " + said.lowercased())
    if all.contains("protected branch") || all.contains("gh006") || all.contains("gh013")
      || all.contains("not allowed to force push")
    {
      return
        "the branch is protected: allow force pushes for this push (forge settings, Branches or Rulesets), then push again\(said)"
    }
    if isOvertaken(short) {
      return "somebody pushed to it since the last fetch: fetch, rewrite again, then push"
    }
    if text.contains("pre-receive hook declined") {
      return "the remote's pre-receive hook declined it\(said)"
    }
    if text.contains("hook declined") { return "the remote's update hook declined it\(said)" }
    if text.contains("hidden ref") {
      return "the remote keeps this reference to itself: ask its support to delete it"
    }
    if text.contains("non-fast-forward") || text.contains("denynonfastforwards") {
      return
        "the remote forbids rewriting (receive.denyNonFastForwards): have it switched off for this push\(said)"
    }
    if text.contains("deletion prohibited") || text.contains("denydeletes") {
      return
        "the remote forbids deleting references (receive.denyDeletes): have it switched off for this push\(said)"
    }
    if text.contains("branch is currently checked out") {
      return
        "the remote has this branch checked out: push to a bare repository, or check out another branch there"
    }
    if text.contains("atomic push failed") || text.contains("atomic transaction failed") {
      return "another reference was refused, and all move together or none"
    }
    return short + said
  }
}
