import Foundation

/// A repository as a scanner or platform names it.
public struct RepositoryRef: Sendable, Hashable, Codable {
  /// For example `github.com`.
  public var host: String?
  /// The platform's own number; survives renaming.
  public var id: String?
  /// `owner/name`, or the directory's name.
  public var name: String?

  public init(host: String? = nil, id: String? = nil, name: String? = nil) {
    self.host = host
    self.id = id
    self.name = name
  }

  /// From an address such as `https://github.com/acme/app.git`, `git@host:acme/app` or a plain name. Credentials in an
  /// address are dropped.
  public init(address: String) {
    var rest = Substring(address)
    if let scheme = rest.range(of: "://") {
      rest = rest[scheme.upperBound...]
    } else if let at = rest.firstIndex(of: "@"), let colon = rest.firstIndex(of: ":"), at < colon {
      host = String(rest[rest.index(after: at)..<colon])
      name = RepositoryRef.trimmed(rest[rest.index(after: colon)...])
      return
    } else {
      name = RepositoryRef.trimmed(rest)
      return
    }
    let authority = rest.prefix { $0 != "/" }
    let path = rest.dropFirst(authority.count)
    let place = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    host = place.isEmpty ? nil : String(place)
    name = RepositoryRef.trimmed(path)
  }

  private static func trimmed(_ path: Substring) -> String? {
    var path = path
    while path.first == "/" { path.removeFirst() }
    while path.last == "/" { path.removeLast() }
    if path.hasSuffix(".git") { path.removeLast(4) }
    return path.isEmpty ? nil : String(path)
  }

  /// What names it best: the number, else the name.
  public var identity: String { id ?? name ?? "" }
}

/// Where a secret stands. Holds no value.
public struct Location: Sendable, Hashable, Codable {
  /// What holds the text.
  public enum Place: String, Sendable, Codable, CaseIterable {
    case commit, file, wiki, issue
    case pullRequest = "pull_request"
    case discussion, log, image, other
  }
  /// How the secret is written there.
  public enum Encoding: String, Sendable, Codable { case plain, base64, archive }

  public var place: Place
  public var repository: RepositoryRef?
  /// Commit id; nil for a file of the work tree.
  public var commit: String?
  public var blob: String?
  /// Relative to the repository or the scanned directory. Members of archives follow a `!`.
  public var path: String?
  /// From 1.
  public var startLine: Int?
  public var endLine: Int?
  /// As the scanner counts; never part of a key, because scanners count differently.
  public var startColumn: Int?
  public var endColumn: Int?
  public var encoding: Encoding
  public var url: String?

  public init(
    _ place: Place, repository: RepositoryRef? = nil, commit: String? = nil, blob: String? = nil,
    path: String? = nil, startLine: Int? = nil, endLine: Int? = nil, startColumn: Int? = nil,
    endColumn: Int? = nil, encoding: Encoding = .plain, url: String? = nil
  ) {
    self.place = place
    self.repository = repository
    self.commit = commit
    self.blob = blob
    self.path = path
    self.startLine = startLine
    self.endLine = endLine
    self.startColumn = startColumn
    self.endColumn = endColumn
    self.encoding = encoding
    self.url = url
  }

  /// This place with the path relative to the scanned directory: `app/src/a.py` → `src/a.py` for `/home/dev/app`.
  public func relative(toScanned directory: String) -> Location {
    guard var path else { return self }
    var copy = self
    guard commit == nil else { return self }  // paths of history have no such prefix
    while path.hasPrefix("./") { path.removeFirst(2) }
    var whole = directory
    while whole.count > 1, whole.hasSuffix("/") { whole.removeLast() }
    if let name = whole.split(separator: "/").last {
      for prefix in [whole + "/", name + "/"] where path.hasPrefix(prefix) && prefix != "./" {
        path.removeFirst(prefix.count)
        break
      }
    }
    copy.path = path
    return copy
  }

  /// True when the path cannot leave the directory it is joined to. A report's path is somebody else's word.
  public var isContained: Bool {
    guard let path, !path.isEmpty, !path.hasPrefix("/"), !path.hasPrefix("~") else { return false }
    return !path.split(separator: "/", omittingEmptySubsequences: false).contains("..")
  }

  /// For people: `src/a.py:12`, with the commit's first twelve digits where there is one.
  public var text: String {
    var text = path ?? url ?? place.rawValue
    if let startLine { text += ":\(startLine)" }
    if let commit { text += " (\(commit.prefix(12)))" }
    return text
  }
}
