/// The text for a forge's support: what only its staff can delete after a rewrite was pushed.
///
/// Sources: GitHub Docs, "Removing sensitive data from a repository"; GitLab Docs, "Reduce repository size" and "Remove
/// sensitive data"; Gitea Docs, "Repository housekeeping" (cron `git_gc_repos`).
public struct SupportRequest: Sendable {
  public enum Forge: String, Sendable, CaseIterable {
    case github, gitlab, gitea

    /// By the host in a remote's address; nil for others.
    public init?(address: String) {
      let text = address.lowercased()
      if text.contains("github") {
        self = .github
      } else if text.contains("gitlab") {
        self = .gitlab
      } else if text.contains("gitea") || text.contains("codeberg") || text.contains("forgejo") {
        self = .gitea
      } else {
        return nil
      }
    }
  }

  public let forge: Forge
  /// `owner/name`.
  public let repository: String
  /// Hidden references that still hold old history (`refs/pull/7/head`).
  public let hidden: [String]
  /// The first commits that changed, new ids: filter-repo's "First Changed Commit(s)".
  public let firstChanged: [String]
  /// Old commits that must no longer be served.
  public let removedCommits: [String]

  public init(
    forge: Forge, repository: String, hidden: [String], firstChanged: [String], removedCommits: [String]
  ) {
    self.forge = forge
    self.repository = repository
    self.hidden = hidden
    self.firstChanged = firstChanged
    self.removedCommits = removedCommits
  }

  /// Copy and paste. Holds ids and reference names, never a value.
  public var text: String {
    switch forge {
    case .github:
      return """
        To: https://support.github.com/request (choose "Remove sensitive data")
        Subject: Removing sensitive data from \(repository)

        We rewrote the history of \(repository) to remove a credential, and pushed it. The credential is revoked.
        Please dereference or delete the pull request references below, run garbage collection on the repository and
        its forks' network, and remove cached views of the removed commits.

        Repository: \(repository)
        Affected pull requests: \(hidden.count)\(items(hidden))
        First changed commits: \(firstChanged.count)\(items(firstChanged))
        LFS objects orphaned: none by this rewrite
        Removed commits (first ten of \(removedCommits.count)):\(items(Array(removedCommits.prefix(10))))

        """
    case .gitlab:
      return """
        For: maintainers of \(repository) (and the administrators, on a self-managed instance)
        Subject: Clean-up after removing a credential from \(repository)

        1. Settings > Repository > Repository maintenance > Remove blobs / Repository clean-up: upload the file
           object-id-map.old-new.txt (or commit-map) from the maps directory of the rewrite.
        2. Delete these references, which a push cannot move: \(hidden.count)\(items(hidden))
        3. Then: Settings > General > Advanced > Run housekeeping > Prune unreachable objects.
           (self-managed: gitlab-rake gitlab:cleanup:orphan_lfs_files, and housekeeping with prune for the forks)
        Removed commits (first ten of \(removedCommits.count)):\(items(Array(removedCommits.prefix(10))))

        """
    case .gitea:
      return """
        For: the administrators of the server that holds \(repository)
        Subject: Clean-up after removing a credential from \(repository)

        1. In the bare repository delete the references that a push cannot move: \(hidden.count)\(items(hidden))
             for each: git update-ref -d REFERENCE
        2. Then: git reflog expire --expire=now --all && git gc --prune=now
           (or Site Administration > Maintenance > Garbage collect all repositories, with [cron.git_gc_repos] ARGS = --prune=now)
        3. Do the same for its forks, and restart the server or clear its cache.
        Removed commits (first ten of \(removedCommits.count)):\(items(Array(removedCommits.prefix(10))))

        """
    }
  }

  private func items(_ lines: [String]) -> String { lines.map { "\n  - \($0)" }.joined() }
}
