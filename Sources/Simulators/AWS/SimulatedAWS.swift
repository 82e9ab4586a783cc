public import Foundation
import JSON
import Synchronization

/// A simulation of the parts of AWS that staunch uses, in one account: keys and sessions of IAM and STS, CloudTrail, a bucket of
/// S3, Secrets Manager, a service of ECS and the control plane of a Redshift cluster.
///
/// Every request is authenticated as AWS does it, by its signature (``SimulatedAWS/caller(of:_:)``): an unknown or inactive id
/// is refused before the signature is looked at. A session may do what its user or role may, unless it is older than the moment
/// of `AWSRevokeOlderSessions`; no call ends one. What a caller may not, is refused in AWS's words.
///
/// Written from the API references; what it proves is our side only. It does not show how long AWS takes to hold everywhere, and
/// evaluates no policy but that one.
/// Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/, …/STS/latest/APIReference/,
/// …/awscloudtrail/latest/APIReference/, …/secretsmanager/latest/apireference/, …/AmazonECS/latest/APIReference/,
/// …/redshift/latest/APIReference/
public final class SimulatedAWS: Sendable {
  /// Whose rights count.
  public enum Holder: Sendable, Hashable {
    case user(String)
    case role(String)
  }

  /// A key of a user.
  struct Key: Sendable {
    let id: String
    let secret: String
    let user: String
    var isActive: Bool
    var created: Date
  }

  /// Temporary keys.
  public struct Session: Sendable, Hashable {
    /// `ASIA…`
    public let id: String
    public let secret: String
    public let token: String
    let holder: Holder
    /// To the second, as AWS dates a token.
    let issued: Date
  }

  /// Who asks.
  struct Caller: Sendable {
    let id: String
    let holder: Holder
    let session: Session?
    /// Of the request's signature.
    let region: String
  }

  struct State: Sendable {
    var keys: [Key] = []
    var deleted: [Key] = []
    var sessions: [Session] = []
    /// `service:Action`, or `*`.
    var rights: [Holder: Set<String>] = [:]
    /// Inline policies by name.
    var policies: [Holder: [String: String]] = [:]
    var secrets: [String: [SecretVersion]] = [:]
    /// When a secret or one of its labels was changed last.
    var changed: [String: Date] = [:]
    var events: [Event] = []
    var service: Service?
    var cluster: Cluster?
    /// Requests that could have changed something.
    var changes = 0
    /// Keys that are younger were made by whoever responds.
    var started = Date.distantPast
  }

  static let account = "000000000000"
  static let partition = "arn:aws"
  /// CloudTrail shows an event after about a quarter of an hour.
  static let delivery: TimeInterval = 15 * 60

  public let region = "eu-central-1"
  let now: @Sendable () -> Date
  /// Whether a key that was stopped is accepted once more, as where a change does not hold everywhere yet.
  /// `isAsked`: this use of it counts.
  let stillAccepts: @Sendable (_ isAsked: Bool) -> Bool
  /// Whether a task that a deployment has replaced still runs. `shown`: its id where it stands in an answer.
  let lingers: @Sendable (_ shown: String?) -> Bool
  let state = Mutex(State())

  public init(
    now: @escaping @Sendable () -> Date, stillAccepts: @escaping @Sendable (Bool) -> Bool = { _ in false },
    lingers: @escaping @Sendable (String?) -> Bool = { _ in false }
  ) {
    self.now = now
    self.stillAccepts = stillAccepts
    self.lingers = lingers
  }

  // MARK: what a world arranges

  /// A user with the rights `service:Action` (`*`: all).
  public func makeUser(_ name: String, _ rights: Set<String>) {
    state.withLock {
      $0.rights[.user(name)] = rights
      $0.policies[.user(name)] = [:]
    }
  }

  /// A role that everybody of the account may take.
  public func makeRole(_ name: String, _ rights: Set<String>) {
    state.withLock {
      $0.rights[.role(name)] = rights
      $0.policies[.role(name)] = [:]
    }
  }

  /// A key that is there already, for a year.
  /// - Returns: its id.
  public func makeKey(of user: String, secret: String) -> String {
    let id = Self.random("AKIA")
    let created = now().addingTimeInterval(-365 * 86_400)
    state.withLock {
      $0.keys.append(Key(id: id, secret: secret, user: user, isActive: true, created: created))
    }
    return id
  }

  /// A session that a key has drawn `before` now, with its record in CloudTrail.
  /// - Parameter role: nil: one of the user itself.
  public func drawSession(by key: String, role: String?, before: TimeInterval) -> Session? {
    let moment = now().addingTimeInterval(-before)
    return state.withLock { state in
      guard let user = state.keys.first(where: { $0.id == key })?.user else { return nil }
      return Self.draw(
        .init(id: key, holder: .user(user), session: nil, region: region), role: role, at: moment, &state)
    }
  }

  // MARK: what is true

  /// Whether a key is accepted now; one that is stopped and would still be counts.
  public func accepts(_ id: String, _ secret: String) -> Bool {
    let key = state.withLock { state in (state.keys + state.deleted).first { $0.id == id } }
    guard let key, key.secret == secret else { return false }
    return key.isActive || stillAccepts(false)
  }

  /// Whether a session may do `service:Action` now.
  public func mayStill(_ session: Session, _ action: String) -> Bool {
    state.withLock { Self.refusal(session.holder, session, action, $0) == nil }
  }

  /// Ids of a user's keys, in the order in which they were made.
  public func keys(of user: String) -> [String] {
    state.withLock { $0.keys.filter { $0.user == user }.map(\.id) }
  }

  /// Ids and secrets of the keys that were made since ``begin()``.
  public var issued: [(id: String, secret: String)] {
    state.withLock { state in
      (state.keys + state.deleted).filter { $0.created >= state.started }.map { ($0.id, $0.secret) }
    }
  }

  /// What is made from now on was made by whoever responds.
  public func begin() { state.withLock { $0.started = now() } }

  /// Requests so far that could have changed something.
  public var changes: Int { state.withLock { $0.changes } }

  // MARK: the API

  /// The answer to one request, whoever carried it.
  public func answer(_ request: SimulatedRequest) async -> SimulatedReply {
    let outcome = state.withLock { state -> (reply: SimulatedReply, password: String?) in
      Self.advance(&state, now(), lingers)
      let style: Style
      let caller: Caller
      switch self.caller(of: request, state) {
      case .failure(let refusal): return (refusal.reply, nil)
      case .success(let known): (caller, style) = known
      }
      let action = Self.action(of: request, style)
      if let refusal = Self.refusal(caller.holder, caller.session, "\(style.service):\(action)", state) {
        return (style.refusal(refusal.code, refusal.message), nil)
      }
      if Self.changing.contains(where: { action.hasPrefix($0) }) { state.changes += 1 }
      if style.service == "redshift", action == "ModifyCluster" {
        return modifyCluster(request.form, style, state)
      }
      return (answer(action, request, caller, style, &state), nil)
    }
    guard let password = outcome.password else { return outcome.reply }
    let set = state.withLock { $0.cluster?.set }
    guard await set?(password) == true else {
      return Style(service: "redshift", kind: .query).refusal(
        "InternalFailure", "It was not done.", status: 500)
    }
    return outcome.reply
  }

  private static let changing = ["Create", "Update", "Delete", "Put", "Modify"]

  private func answer(
    _ action: String, _ request: SimulatedRequest, _ caller: Caller, _ style: Style, _ state: inout State
  ) -> SimulatedReply {
    switch style.service {
    case "iam": identities(action, request.form, caller, style, &state)
    case "sts": sessions(action, request.form, caller, style, &state)
    case "s3": bucket(request, style)
    case "cloudtrail": trail(request.json ?? [:], caller, style, state)
    case "secretsmanager": secrets(action, request.json ?? [:], style, &state)
    case "ecs": containers(action, request.json ?? [:], style, &state)
    case "redshift": clusters(action, request.form, style, state)
    default: style.refusal("InvalidAction", "There is no such service here.", status: 400)
    }
  }

  /// `ListBucket` of S3, `Action` of a form, the last part of `X-Amz-Target`.
  private static func action(of request: SimulatedRequest, _ style: Style) -> String {
    switch style.kind {
    case .rest: "ListBucket"
    case .query: request.form["Action"] ?? ""
    case .json: String(request.headers["x-amz-target"]?.split(separator: ".").last ?? "")
    }
  }

  /// What AWS says of a caller that may not; nil: it may. Who one is, everybody may ask.
  static func refusal(_ holder: Holder, _ session: Session?, _ action: String, _ state: State) -> (
    code: String, message: String
  )? {
    if action == "sts:GetCallerIdentity" { return nil }
    let word = "User is not authorized to perform: \(action)"
    if let session, let cut = cut(of: state.policies[holder]?[revocation]), session.issued < cut {
      return ("AccessDenied", word + " with an explicit deny in an identity-based policy")
    }
    let rights = state.rights[holder] ?? []
    guard rights.contains("*") || rights.contains(action) else {
      return ("AccessDenied", word + " because no identity-based policy allows the action")
    }
    return nil
  }

  static let revocation = "AWSRevokeOlderSessions"

  /// Before which moment a policy denies everything to tokens; nil: it does not.
  /// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
  private static func cut(of policy: String?) -> Date? {
    // What is no JSON denies nothing.
    guard let policy, let document = try? JSONValue(parsing: policy) else { return nil }
    let statement = document["Statement"]?.array?.first
    guard statement?["Effect"] == "Deny", statement?["Action"] == ["*"], statement?["Resource"] == ["*"]
    else {
      return nil
    }
    return (statement?["Condition"]?["DateLessThan"]?["aws:TokenIssueTime"]?.string).flatMap(Self.date)
  }

  // MARK: small parts

  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

  /// `AKIA` and sixteen more.
  static func random(_ head: String, _ count: Int = 16) -> String {
    var generator = SystemRandomNumberGenerator()
    return head
      + String((0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
  }

  static func date(_ text: String) -> Date? {
    // One of two shapes; a miss is not an error.
    if let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) {
      return date
    }
    return try? Date(text, strategy: Date.ISO8601FormatStyle())
  }

  static func text(_ date: Date) -> String { date.formatted(Date.ISO8601FormatStyle()) }
}
