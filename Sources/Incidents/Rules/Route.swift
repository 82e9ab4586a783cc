/// How far staunch may go without a person, least first.
public enum Autonomy: Sendable, Hashable, Comparable {
  /// Write it down and tell people.
  case record
  /// Also make a plan and wait for its approval.
  case plan
  /// Also carry out these actions, by name; everything else of the plan waits.
  case contain(actions: Set<String>)

  public static func < (one: Autonomy, other: Autonomy) -> Bool { one.rank < other.rank }
  private var rank: Int {
    switch self {
    case .record: 0
    case .plan: 1
    case .contain: 2
    }
  }

  /// What is left of this for `incident`: a restrained incident is never contained by itself, a trap only recorded; a
  /// storm leaves only what the route contains in storms.
  public func allowed(
    for incident: Incident, storm: StormBreaker.Decision = .proceed, containsInStorm: Bool = false
  )
    -> Autonomy
  {
    if incident.restraint == .canary { return .record }
    var allowed = self
    if incident.restraint != nil { allowed = min(allowed, .plan) }
    if storm != .proceed, !containsInStorm { allowed = min(allowed, .plan) }
    return allowed
  }
}

/// Which incidents take which playbook. A condition that is absent always holds; `*` in one stands for any text.
public struct Route: Sendable, Hashable {
  public var kind: String?
  public var repository: String?
  public var source: FindingSource?
  public var validity: Validity?
  public var playbook: PlaybookID
  /// Credentials of staunch.yaml that it is about.
  public var targets: [CredentialName]
  public var autonomy: Autonomy

  public init(
    kind: String? = nil, repository: String? = nil, source: FindingSource? = nil, validity: Validity? = nil,
    playbook: PlaybookID, targets: [CredentialName] = [], autonomy: Autonomy = .plan
  ) {
    self.kind = kind
    self.repository = repository
    self.source = source
    self.validity = validity
    self.playbook = playbook
    self.targets = targets
    self.autonomy = autonomy
  }

  /// True when every condition holds. An uncertain kind counts as each that it may be; names of repositories compare
  /// without case, with or without their owner.
  public func matches(_ incident: Incident) -> Bool {
    let kinds = [incident.kind] + incident.alternatives
    if let kind, !kinds.contains(where: { Route.glob(kind, $0.rawValue) }) { return false }
    if let source, !incident.sources.contains(source) { return false }
    if let validity, validity != incident.validity { return false }
    guard let repository else { return true }
    let wanted = repository.lowercased()
    return incident.repositories.contains { name in
      let name = name.lowercased()
      return Route.glob(wanted, name)
        || name.split(separator: "/").last.map { Route.glob(wanted, $0) } ?? false
    }
  }

  /// The first route that matches.
  public static func first(of routes: [Route], for incident: Incident) -> Route? {
    routes.first { $0.matches(incident) }
  }

  /// True when `text` is `pattern`, in which each `*` stands for any text, also none.
  static func glob(_ pattern: some StringProtocol, _ text: some StringProtocol) -> Bool {
    let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map { Array($0.utf8) }
    guard let first = parts.first, let last = parts.last, parts.count > 1 else { return pattern == text }
    var rest = Array(text.utf8)[...]
    guard rest.count >= first.count + last.count, rest.starts(with: first),
      rest.suffix(last.count).elementsEqual(last)
    else { return false }
    rest = rest.dropFirst(first.count).dropLast(last.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let range = rest.firstRange(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return true
  }
}
