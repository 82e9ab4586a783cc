import Capabilities
import Cryptography
import Foundation
import Incidents
import JSON
import Secrets

/// One Redis server of an entry: what is asked of it and changed at it. A session is one connection.
struct RedisServer: Sendable {
  let endpoint: PostgresRole.Endpoint
  let settings: RedisUser.Settings
  let stage: RedisStage
  let environment: AdapterEnvironment

  init(
    at endpoint: PostgresRole.Endpoint, settings: RedisUser.Settings, stage: RedisStage,
    environment: AdapterEnvironment
  ) {
    self.endpoint = endpoint
    self.settings = settings
    self.stage = stage
    self.environment = environment
  }

  var user: String { settings.user }
  /// `cache-1:6379`, or the path of a socket.
  var place: String { endpoint.host.hasPrefix("/") ? endpoint.host : endpoint.name }
  /// What is said of it: `app at cache-1:6379`.
  var ref: CredentialRef { CredentialRef("\(user) at \(place)") }

  static func digest(_ secret: Secret) -> String {
    Hex.text(SHA256.hash(data: secret.exposeAsBytes()))
  }

  // MARK: asking

  /// A login of the runner's, on a server that is what it says.
  func open(at address: String? = nil) async throws(CapabilityError) -> any RedisSession {
    let session = try await environment.redis.connect(try await login(address))
    try stage.check(try await session.ask(RedisStage.questions))
    return session
  }

  /// As ``RedisStage``, for a command that only some servers are asked.
  func checkName(_ command: String, _ session: any RedisSession) async throws(CapabilityError) {
    guard case .value(let found)? = try await session.ask([.commands([command])]).first,
      found.array?.first?.array?.first?.string != command
    else { return }
    throw CapabilityError(
      .unsafe, "COMMAND INFO \(command)", because: "under this name the server runs another command, or none",
      fix: "see who wrote rename-command into its configuration; grant rights by ACL instead")
  }

  private func login(_ address: String?) async throws(CapabilityError) -> RedisLogin {
    let admin = try await environment.sources.resolve(settings.adminPassword)
    var login = settings.login(settings.adminUser, admin, at: endpoint)
    login.address = address
    return login
  }

  /// Every address behind its name; nil: the name itself.
  func addresses() async throws(CapabilityError) -> [String?] {
    let found = try await environment.redis.addresses(of: endpoint.host)
    return found.isEmpty ? [nil] : found
  }

  /// Answers, none of them an error.
  func answers(_ questions: [RedisQuestion], _ session: any RedisSession) async throws(CapabilityError)
    -> [RedisReply]
  {
    let replies = try await session.ask(questions)
    try check(replies, questions.map(\.name))
    return replies
  }

  func change(
    _ commands: [[String]], _ session: any RedisSession, under authority: borrowing ExecutionAuthority
  )
    async throws(CapabilityError)
  {
    guard !commands.isEmpty else { return }
    let replies = try await session.change(commands, under: authority)
    try check(replies, commands.map { $0.prefix(2).joined(separator: " ") })
  }

  private func check(_ replies: [RedisReply], _ names: [String]) throws(CapabilityError) {
    for (reply, name) in zip(replies, names) {
      guard case .error(let word) = reply else { continue }
      throw RedisReply.failure(
        word, name,
        fix:
          "check admin_user, admin_password and its rights (+acl +client +info +config|get +config|rewrite)")
    }
  }

  /// The user's password digests and flags. `ACL SETUSER` on a name that is not there would make a user, so this comes
  /// before every change.
  func passwords(_ session: any RedisSession) async throws(CapabilityError) -> (
    digests: [String], flags: [String]
  ) {
    guard let found = try await answers([.user(user)], session).first?.members,
      let digests = found["passwords"]?.array?.compactMap(\.string),
      let flags = found["flags"]?.array?.compactMap(\.string)
    else {
      throw CapabilityError(
        .notFound, "ACL GETUSER", because: "there is no user \(user) at \(place)",
        fix: "check \"user\" in staunch.yaml")
    }
    return (digests, flags)
  }

  // MARK: changing

  /// Takes passwords away. One that is not there would be an error of the server's.
  func remove(
    _ digests: [String], _ session: any RedisSession, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard !digests.isEmpty else { return }
    let removals = digests.map { ["ACL", "SETUSER", user, "!" + $0] }
    try await change(removals + (try await persistence(session)), session, under: authority)
  }

  /// The command that keeps a change over a restart, found out before anything is changed.
  func persistence(_ session: any RedisSession) async throws(CapabilityError) -> [[String]] {
    guard settings.persists else { return [] }
    let replies = try await answers([.parameter("aclfile"), .facts("server")], session)
    if let file = replies.first?.members?["aclfile"]?.string, !file.isEmpty {
      return [["ACL", "SAVE"]]
    }
    if let lines = replies.last?.lines, lines.contains(where: { $0.hasPrefix("config_file:/") }) {
      return [["CONFIG", "REWRITE"]]
    }
    throw CapabilityError(
      .configuration, "ACL SETUSER",
      because: "the server keeps no ACL file: the change would be lost at its next start",
      fix: "start it with aclfile or a configuration file, or write persist: none in staunch.yaml")
  }

  // MARK: the verdict

  /// Refusals for one verdict, each on a connection of its own.
  private static let refusals = 4

  /// Each address behind its name by itself.
  func verify(_ secret: Secret) async throws(CapabilityError) -> CredentialProbe {
    let admin = try await login(nil)
    var places: [(place: String, probe: CredentialProbe)] = []
    do throws(CapabilityError) {
      for address in try await addresses() {
        var login = admin
        login.address = address
        let probe = try await verify(secret, as: login)
        if probe.state == .alive { return probe }
        places.append((login.place, probe))
      }
    } catch  where [.network, .timeout].contains(error.class) {
      return CredentialProbe(.unknown, code: error.class.rawValue)
    }
    return places.count == 1 ? places[0].probe : CredentialProbe.verdict(at: places)
  }

  private func verify(_ secret: Secret, as admin: RedisLogin) async throws(CapabilityError) -> CredentialProbe
  {
    var login = admin
    login.user = user
    login.password = secret
    var refusals = 0
    var controls = 0
    while true {
      let session: any RedisSession
      do throws(CapabilityError) { session = try await environment.redis.connect(admin) } catch {
        guard error.class == .refused else { throw error }
        return CredentialProbe(.unknown, code: "control login refused")
      }
      if let problem = stage.problem(try await session.ask(RedisStage.questions)) {
        return CredentialProbe(.unknown, code: "\(problem.operation): \(problem.because)")
      }
      controls += 1
      if refusals > 0, let problem = problem(try await session.ask([.user(user)]).first, secret) {
        return CredentialProbe(.unknown, code: "WRONGPASS, but \(problem)")
      }
      if refusals >= Self.refusals {
        return CredentialProbe(
          .dead, code: "WRONGPASS", evidence: ProbeEvidence(refusals: refusals, controls: controls))
      }
      switch await environment.redis.tryLogin(login) {
      case .accepted:
        let after = refusals > 0 ? " after \(refusals) refusals: its servers disagree" : ""
        return CredentialProbe(.alive, code: "login accepted" + after)
      case .admitted(let word): return CredentialProbe(.alive, code: "password accepted, then \(word)")
      case .rejected: refusals += 1
      case .undecided(let word): return CredentialProbe(.unknown, code: word)
      }
    }
  }

  /// Why a refusal says nothing about the password; `reply` is the server's word about the user.
  private func problem(_ reply: RedisReply?, _ secret: Secret) -> String? {
    if case .error(let word)? = reply { return "the user could not be looked at (\(word))" }
    guard let members = reply?.members else { return "there is no such user: renamed, or the entry is wrong" }
    guard let digests = members["passwords"]?.array?.compactMap(\.string) else {
      return "the server does not say which passwords the user has"
    }
    let isOff = members["flags"]?.array?.contains("off") == true
    guard digests.contains(Self.digest(secret)), !isOff else { return nil }
    return "the user still has this password: its servers disagree"
  }
}
