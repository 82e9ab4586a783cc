public import Foundation
public import Incidents

/// What the Git history and the forge tell about the leak in one repository. No value, no message, no file content.
///
/// The caller reads it (from the backup once history is rewritten) and passes it in; every absent part is printed as
/// unknown with its reason.
public struct RepositoryEvidence: Sendable, Hashable, Codable {
  /// The first commit, in topological order, that held the secret.
  public struct Introduction: Sendable, Hashable, Codable {
    /// Full object id, from before the rewrite.
    public let commit: String
    /// The author date: claimed, since Git lets the client set it.
    public let authored: Date
    /// Refs that reached it, full names.
    public let refs: [String]
    public init(commit: String, authored: Date, refs: [String]) {
      self.commit = commit
      self.authored = authored
      self.refs = refs
    }
  }

  /// An instant that the forge recorded.
  public struct Receipt: Sendable, Hashable, Codable {
    public let at: Date
    /// Where it was read, in words: `forge event log`.
    public let source: String
    public init(at: Date, source: String) {
      self.at = at
      self.source = source
    }
  }

  /// What the rewrite of this repository did.
  public struct Rewrite: Sendable, Hashable, Codable {
    /// Something that still holds the secret or needs a person.
    public struct Residual: Sendable, Hashable, Codable {
      public let place: String
      public let why: String
      public let fix: String
      public init(place: String, why: String, fix: String) {
        self.place = place
        self.why = why
        self.fix = fix
      }

      /// Reads the line that `history.rewrite` puts out: `place: why; fix: what to do`. What is absent is empty.
      public init(line: String) {
        let parts = line.split(separator: "; fix: ", maxSplits: 1, omittingEmptySubsequences: false)
        let head = parts[0].split(separator: ": ", maxSplits: 1, omittingEmptySubsequences: false)
        place = String(head[0])
        why = head.count > 1 ? String(head[1]) : ""
        fix = parts.count > 1 ? String(parts[1]) : ""
      }
    }
    /// Nil, here and below: the report does not say.
    public let commits: Int?
    public let blobs: Int?
    public let tags: Int?
    public let refs: Int?
    public let signaturesDropped: Int?
    public let residual: [Residual]
    /// Names the backup for `staunch history restore`. It holds the secret until it is deleted.
    public let backup: String?
    public init(
      commits: Int?, blobs: Int?, tags: Int?, refs: Int?, signaturesDropped: Int?, residual: [Residual],
      backup: String?
    ) {
      self.commits = commits
      self.blobs = blobs
      self.tags = tags
      self.refs = refs
      self.signaturesDropped = signaturesDropped
      self.residual = residual
      self.backup = backup
    }
  }

  /// A scan of every ref in a clone made for it. It says something about the forge only with ``remote``.
  public struct FreshScan: Sendable, Hashable, Codable {
    public let at: Date
    public let isClean: Bool
    /// How many were looked at; nil: the report does not say.
    public let objects: Int?
    /// The address that was cloned, without user; nil: this machine's repository.
    public let remote: String?
    public init(at: Date, isClean: Bool, objects: Int?, remote: String? = nil) {
      self.at = at
      self.isClean = isClean
      self.objects = objects
      self.remote = remote
    }
  }

  public let repository: RepositoryName
  /// `public`, `internal`, `private`; nil when nobody asked the forge.
  public let visibility: String?
  public let introduction: Introduction?
  /// When the forge first received it.
  public let firstPush: Receipt?
  /// When people beyond the intended audience could first read it.
  public let published: Receipt?
  /// How many forks, and how many pull or merge requests, reach the secret; nil when nobody asked.
  public let forks: Int?
  public let pullRequests: Int?
  public let rewrite: Rewrite?
  public let freshScan: FreshScan?
  /// Names, logins and addresses of its authors: what must not stand in a report. Never printed.
  public let people: [String]

  public init(
    repository: RepositoryName, visibility: String? = nil, introduction: Introduction? = nil,
    firstPush: Receipt? = nil, published: Receipt? = nil, forks: Int? = nil, pullRequests: Int? = nil,
    rewrite: Rewrite? = nil, freshScan: FreshScan? = nil, people: [String] = []
  ) {
    self.repository = repository
    self.visibility = visibility
    self.introduction = introduction
    self.firstPush = firstPush
    self.published = published
    self.forks = forks
    self.pullRequests = pullRequests
    self.rewrite = rewrite
    self.freshScan = freshScan
    self.people = people
  }
}
