public import Incidents

/// Another address that a repository's remotes lead to, and whether what was looked for is there.
public struct HistoryElsewhere: Sendable, Hashable, Codable {
  public enum State: Sendable, Hashable, Codable {
    /// Everything that it advertises was searched.
    case clean
    case found(places: Int)
    case unseen(because: String)
  }
  /// What `--remote` takes for it.
  public let remote: String
  /// Without user; empty where nobody knows it.
  public let address: String
  public let state: State
  public init(remote: String, address: String, state: State) {
    self.remote = remote
    self.address = address
    self.state = state
  }

  /// `remote mirror (/srv/mirror.git): holds it in 3 places`; nil where it is clean.
  public var finding: String? {
    let name = address.isEmpty || address == remote ? "remote \(remote)" : "remote \(remote) (\(address))"
    switch state {
    case .clean: return nil
    case .found(let places): return "\(name): holds it in \(places == 1 ? "1 place" : "\(places) places")"
    case .unseen(let because): return "\(name): not looked at: \(because)"
    }
  }
}

extension HistoryElsewhere {
  /// ``finding`` with what to do: `…; fix: …`; nil where it is clean.
  /// - Parameter repository: the clone's path.
  public func line(repository: String) -> String? {
    guard let finding else { return nil }
    let options = "--repository \(ShellWord.quoted(repository)) --remote \(ShellWord.quoted(remote))"
    switch state {
    case .clean, .unseen:
      return "\(finding); fix: git -C \(ShellWord.quoted(repository)) ls-remote \(ShellWord.quoted(remote))"
    case .found: return "\(finding); fix: staunch history push \(options) --live"
    }
  }

  /// The command that looks at every remote again, and lets the incident know.
  public static func again(repository: String, remote: String, incident: IncidentID) -> String {
    "staunch history verify --repository \(ShellWord.quoted(repository)) --remote \(ShellWord.quoted(remote)) "
      + "--incident \(incident)"
  }
}
