public import Capabilities
import Cryptography
import Foundation
public import Incidents
import JSON
public import Secrets

/// A password of a Redis user (ACL, Redis 7 or newer), through `redis-cli`, and over TLS through `openssl s_client`.
///
/// A user may have several passwords, so the new one is added, consumers move, and the leaked one is taken away. The
/// server gets only their SHA-256, which is how it keeps them. ACLs are not replicated: name every node of a cluster and every
/// replica (``RedisNodes``). Where there are more than the entry names, nothing is issued and nothing called dead.
///
/// The threat: the holder of the leaked password may have prepared the server. Renamed commands answer in another's name
/// and modules rewrite every command, so both are looked for first (``RedisStage``). Functions and scripts run only when
/// they are called, which the runner never does. A user with `+acl` may also have made other users, changed the runner's,
/// and given itself a further password: `abuse.search` counts those, and `ACL LIST` is for a person to read.
/// Sources: https://redis.io/docs/latest/commands/acl-setuser/, …/acl-getuser/, …/client-list/, …/client-kill/
public struct RedisUser: CredentialProvider {
  public static let kind = "redis"
  public static let summary = "A password of a Redis user."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "+acl, +client, +info; unless persist is none +config|get, +config|rewrite; in a cluster "
      + "+cluster|info",
    survives: "connections, until they are ended and counted again; users and passwords that its holder"
      + " made with +acl",
    measured: "the next login is refused",
    abuse: "connections that are open now",
    can: [.delete])
  public static let settings = [
    SettingDeclaration("host", "127.0.0.1 when absent"),
    SettingDeclaration("port", "6379 when absent"),
    SettingDeclaration("socket", "the path of the unix socket, instead of host and port"),
    SettingDeclaration(
      "addresses",
      "every node, as a list of host:port, instead of host and port: ACLs are not replicated, so each is changed and asked"
    ),
    SettingDeclaration(
      "tls",
      "`on` or `off`; when absent `off` on this machine, `on` elsewhere, and then `tls_ca` is needed"
    ),
    SettingDeclaration(
      "tls_ca",
      "a PEM file of the one authority that is believed, or of the server's own certificate"),
    SettingDeclaration(
      "tls_name", "the name or address that the server's certificate must hold; `host` when absent"),
    SettingDeclaration("modules", "names of loaded modules that are yours; another one is refused"),
    SettingDeclaration("user", required: true, "the user whose password leaked"),
    SettingDeclaration(
      "admin_user", required: true,
      "the runner's own user, with +acl +client +info +config|get +config|rewrite, in a cluster +cluster|info (and +command|info +module|list "
        + "to see renamed commands and foreign modules)"),
    SettingDeclaration("admin_password", required: true, secret: true, "its password"),
    SettingDeclaration("expected_clients", "addresses or networks from which connections are expected"),
    SettingDeclaration(
      "persist",
      "`auto` (when absent): ACL SAVE or CONFIG REWRITE, whichever the server is set up for; `none`"),
    .propagation("0"),
  ]

  public let capabilities: ProviderCapabilities
  public let lock: String
  public var account: CredentialRef? { CredentialRef(user) }

  let user: String
  let adminUser: String
  private let adminPassword: String
  let persists: Bool
  /// How many servers the entry names.
  var named = 1
  private let place: String
  private let redis: RedisCommandLine
  private let stage: RedisStage
  let expectedClients: ClientAddresses
  let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    try self.init(target, in: environment, withheld: [])
  }

  /// - Parameter withheld: commands that the server's owner gives to nobody.
  init(_ target: TargetConfiguration, in environment: AdapterEnvironment, withheld: Set<String>)
    throws(CapabilityError)
  {
    self.environment = environment
    user = try target.text("user")
    expectedClients = try ClientAddresses(try target.texts("expected_clients"), of: target)
    adminUser = try target.text("admin_user")
    adminPassword = try target.text("admin_password")
    persists = try target.optionalText("persist") != "none"
    let host = try target.optionalText("host") ?? "127.0.0.1"
    let port = try target.integer("port", default: 6379)
    let socket = try target.optionalText("socket")
    let arguments = socket.map { ["-s", $0] } ?? ["-h", host, "-p", "\(port)"]
    let isLocal = socket != nil || ThisMachine.isMeant(by: host)
    let tls = try target.optionalText("tls") ?? (isLocal ? "off" : "on")
    guard ["on", "off"].contains(tls) else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "tls is neither on nor off",
        fix: "write tls: on")
    }
    let authorities = try target.optionalText("tls_ca")
    let name = try target.optionalText("tls_name") ?? host
    if tls == "on", authorities == nil, !isLocal {
      // A Redis server's authority is its owner's: none of the public ones has a say.
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)",
        because: "nothing says which authority signs the certificate of \(host)",
        fix: "give tls_ca: a file with your own authority, or with the server's certificate itself")
    }
    guard tls == "off" || socket == nil else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "a unix socket has no TLS",
        fix: "leave out tls, or give host and port instead of socket")
    }
    stage = RedisStage(modules: Set(try target.texts("modules")), withheld: withheld)
    place = socket ?? "\(host):\(port)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .end, issuing: .generated,
      propagation: try target.propagation(default: .zero))
    lock = "redis/\(place)/\(user)"
    redis = RedisCommandLine(
      program: "redis-cli", arguments: arguments,
      secure: tls == "on"
        ? RedisSecureLine(host: host, port: port, name: name, authorities: authorities) : nil,
      environment: environment)
  }

  private func admin() async throws(CapabilityError) -> Secret {
    try await environment.sources.resolve(adminPassword)
  }

  static func digest(_ secret: Secret) -> String {
    Hex.text(SHA256.hash(data: secret.exposeAsBytes()))
  }

  /// Answers of the admin's commands, the login's own left out.
  func ask(_ commands: [[String]]) async throws(CapabilityError) -> [RedisCommandLine.Reply] {
    let replies = try await redis.ask(adminUser, try await admin(), RedisStage.questions + commands)
    let count = RedisStage.questions.count
    // The login's own answer first: without it nothing else means anything.
    _ = try checked(Array(replies.prefix(1)), [])
    try stage.check(Array(replies.dropFirst().prefix(count)))
    return try checked(Array(replies.prefix(1) + replies.dropFirst(1 + count)), commands)
  }

  func change(_ commands: [[String]], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    _ = try checked(
      try await redis.change(adminUser, try await admin(), commands, under: authority), commands)
  }

  private func checked(_ replies: [RedisCommandLine.Reply], _ commands: [[String]]) throws(CapabilityError)
    -> [RedisCommandLine.Reply]
  {
    for (reply, command) in zip(replies, [["AUTH"]] + commands) {
      guard case .error(let word) = reply else { continue }
      let isRefusal = ["WRONGPASS", "NOAUTH", "NOPERM"].contains(word)
      throw CapabilityError(
        isRefusal ? .refused : word == "LOADING" || word == "BUSY" ? .serverError : .invalid,
        command.prefix(2).joined(separator: " "), because: "the server answered \(word)",
        fix: isRefusal
          ? "check admin_user, admin_password and its rights (+acl +client +info +config|get +config|rewrite)"
          : nil)
    }
    return Array(replies.dropFirst())
  }

  /// The user's password digests and flags. `ACL SETUSER` on a name that is not there would make a user, so this comes
  /// before every change.
  func passwords() async throws(CapabilityError) -> (digests: [String], flags: [String]) {
    guard let found = try await ask([["ACL", "GETUSER", user]]).first?.members,
      let digests = found["passwords"]?.array?.compactMap(\.string),
      let flags = found["flags"]?.array?.compactMap(\.string)
    else {
      throw CapabilityError(
        .notFound, "ACL GETUSER", because: "there is no user \(user) at \(place)",
        fix: "check \"user\" in staunch.yaml")
    }
    return (digests, flags)
  }

  func flags() async throws(CapabilityError) -> [String] { try await passwords().flags }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let secret = try leak.requireValue(to: "identify user \(user)")
    let admin = try await admin()
    if adminUser == user || admin.isSame(as: secret) {
      throw CapabilityError(
        .unsafe, "identify user \(user)", because: "the runner itself logs in with the leaked credential",
        fix: "give the runner a user and password of its own: admin_user, admin_password in staunch.yaml")
    }
    guard try await passwords().digests.contains(Self.digest(secret)) else {
      throw CapabilityError(
        .notFound, "identify user \(user)",
        because: "the user has no such password: taken away, or of another target",
        fix: "check user, host and port of the entry in staunch.yaml")
    }
    return Subject(CredentialRef(user))
  }

  /// Refusals for one verdict, each on a connection of its own.
  private static let refusals = 4

  /// Dead means WRONGPASS again and again, while the runner's own logins in between succeeded and the user is there
  /// without this password.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let admin = try await admin()
    var refusals = 0
    var controls = 0
    do throws(CapabilityError) {
      while true {
        let replies = try await redis.ask(
          adminUser, admin, RedisStage.questions + [["ACL", "GETUSER", user]])
        guard replies.first == .value("OK") else {
          return CredentialProbe(.unknown, code: "control login refused")
        }
        if let problem = stage.problem(Array(replies.dropFirst().prefix(RedisStage.questions.count))) {
          return CredentialProbe(.unknown, code: "\(problem.operation): \(problem.because)")
        }
        controls += 1
        if refusals > 0, let problem = problem(replies.last, secret) {
          return CredentialProbe(.unknown, code: "WRONGPASS, but \(problem)")
        }
        if refusals >= Self.refusals {
          return try await dead(ProbeEvidence(refusals: refusals, controls: controls))
        }
        switch try await redis.ask(user, secret, []).first {
        case .value("OK"):
          let after = refusals > 0 ? " after \(refusals) refusals: its servers disagree" : ""
          return CredentialProbe(.alive, code: "login accepted" + after)
        case .error("WRONGPASS"): refusals += 1
        case .error(let word): return CredentialProbe(.unknown, code: word)
        case .value, .lines, nil: return CredentialProbe(.unknown, code: "unexpected answer")
        }
      }
    } catch  where [.network, .timeout].contains(error.class) {
      return CredentialProbe(.unknown, code: error.class.rawValue)
    }
  }

  /// The verdict of one server, where that is the user's only one, or all of them are asked.
  private func dead(_ evidence: ProbeEvidence) async throws(CapabilityError) -> CredentialProbe {
    do throws(CapabilityError) { try await refuseUnnamedServers("verify") } catch {
      guard ![.network, .timeout].contains(error.class) else { throw error }
      return CredentialProbe(.unknown, code: "WRONGPASS, but \(error.because)")
    }
    return CredentialProbe(.dead, code: "WRONGPASS", evidence: evidence)
  }

  /// Why a refusal says nothing about the password; `reply` is the server's word about the user.
  private func problem(_ reply: RedisCommandLine.Reply?, _ secret: Secret) -> String? {
    if case .error(let word)? = reply { return "the user could not be looked at (\(word))" }
    guard let members = reply?.members else { return "there is no such user: renamed, or the entry is wrong" }
    guard let digests = members["passwords"]?.array?.compactMap(\.string) else {
      return "the server does not say which passwords the user has"
    }
    let isOff = members["flags"]?.array?.contains("off") == true
    guard digests.contains(Self.digest(secret)), !isOff else { return nil }
    return "the user still has this password: its servers disagree"
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    _ = try await passwords()
    return [CredentialRef(user)]
  }

  public func generate() throws(CapabilityError) -> Secret? {
    Secret(RandomText.alphanumeric(count: 43, environment.randomBytes))
  }

  /// Adds the new password beside the leaked one. Its ref ends in the first digits of its digest, which says nothing
  /// about 256 random bits; the leaked one's ref never does.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    guard let generated = order.generated else {
      throw CapabilityError(.invalid, "ACL SETUSER", because: "no password was generated before the call")
    }
    _ = try await passwords()
    try await refuseUnnamedServers("ACL SETUSER")
    let digest = Self.digest(generated)
    try await change([["ACL", "SETUSER", user, "#" + digest]] + (try await persistence()), under: authority)
    return IssuedCredential(ref: ref(digest), secret: generated)
  }

  func ref(_ digest: String) -> CredentialRef { CredentialRef("\(user)/\(digest.prefix(12))") }

  public func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    _ = try await identify(Leak(secret))
    return ref(Self.digest(secret))
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    // Of several passwords only the value tells which one leaked.
    let leaked = try leak.requireValue(to: "disable a password of \(user)")
    let (digests, flags) = try await passwords()
    guard !flags.contains("nopass") else {
      throw CapabilityError(
        .unsafe, "ACL SETUSER", because: "user \(user) accepts any password (nopass)",
        fix: "give it a password: ACL SETUSER \(user) resetpass, then: staunch resume")
    }
    let digest = Self.digest(leaked)
    guard digests.contains(digest) else { return }
    try await change([["ACL", "SETUSER", user, "!" + digest]] + (try await persistence()), under: authority)
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    guard let prefix = ref.rawValue.split(separator: "/").last, ref.rawValue.hasPrefix(user + "/") else {
      throw CapabilityError(
        .unsupported, "ACL DELUSER", because: "a user is an account with rights, not only a password",
        fix: "when nobody needs it any more: ACL DELUSER \(user)")
    }
    let doomed = try await passwords().digests.filter { $0.hasPrefix(prefix) }
    guard !doomed.isEmpty else { return }
    let removals = doomed.map { ["ACL", "SETUSER", user, "!" + $0] }
    try await change(removals + (try await persistence()), under: authority)
  }

  /// The command that keeps a change over a restart, found out before anything is changed.
  private func persistence() async throws(CapabilityError) -> [[String]] {
    guard persists else { return [] }
    let replies = try await ask([["CONFIG", "GET", "aclfile"], ["INFO", "server"]])
    if let file = replies.first?.members?["aclfile"]?.string, !file.isEmpty {
      return [["ACL", "SAVE"]]
    }
    if case .lines(let lines)? = replies.last,
      lines.contains(where: { $0.hasPrefix("config_file:/") })
    {
      return [["CONFIG", "REWRITE"]]
    }
    throw CapabilityError(
      .configuration, "ACL SETUSER",
      because: "the server keeps no ACL file: the change would be lost at its next start",
      fix: "start it with aclfile or a configuration file, or write persist: none in staunch.yaml")
  }
}
