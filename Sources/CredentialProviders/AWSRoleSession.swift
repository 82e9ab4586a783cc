public import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient
import Secrets
import Synchronization

/// A session of an IAM role: what an ECS task, an instance or `AssumeRole` is given, an id (`ASIA…`), a secret and a token.
///
/// Nothing is stored: programs draw sessions by themselves. IAM has no list of them and ends none; the role denies everything to
/// those that were drawn before a moment (`AWSRevokeOlderSessions`), so every session of the role that is older ends, the
/// programs' own too. Therefore the moment is that of a session which the runner draws first, before programs are rolled out:
/// what they draw then lives on. The runner's session may do the `probe` alone. Service-linked roles take no policy.
///
/// Dead is the end of what a session could do, never `GetCallerIdentity`, which answers where everything is denied: the entry's
/// `probe` is refused by an explicit deny, or for want of a right that this process has seen it use, while the policy stands. A
/// session that is over by itself is dead, too. Only a whole session can be tried.
///
/// The threat: its holder took other roles with it (each has sessions of its own), let somebody into the role
/// (`UpdateAssumeRolePolicy`) who draws younger sessions, drew a login of Redshift (`GetClusterCredentials`, an hour; with
/// AutoCreate a user that stays), made users and keys: CloudTrail names them. They may take the policy away again, which the
/// proof sees, put one of the same name that denies less, which is written over, or one that denies what is yet to be drawn,
/// which is named. A role that was made anew under the same name is another one. Connections to databases outlive all of it.
///
/// Tested against MiniStack, which checks signatures, policies and `aws:TokenIssueTime`; CloudTrail's answers are written from
/// its documentation.
/// Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html,
/// https://docs.aws.amazon.com/STS/latest/APIReference/ (AssumeRole, GetCallerIdentity, GetAccessKeyInfo),
/// https://docs.aws.amazon.com/IAM/latest/APIReference/ (GetRole, GetRolePolicy, PutRolePolicy)
public struct AWSRoleSession: CredentialProvider {
  struct Settings: AdapterSettings {
    let aws: AWSClient.Settings
    let role: String
    let probe: String
    let probeResource: String?
    let regions: [String]
    let expectedClients: [String]
    let propagation: Duration

    init(from read: inout SettingsReader) throws(CapabilityError) {
      role = try read.text("role", "the IAM role whose sessions leak: its name, without a path")
      try read.check(
        AWSAccessKey.isName(role), "role is no role's name",
        fix: "write the name as IAM shows it, without path and ARN")
      probe = try read.text(
        "probe",
        "an action that the role really has, by which a session shows whether it lives: "
          + AWSActionCheck.all.joined(separator: ", "))
      probeResource = try read.optionalText(
        "probe_resource", "the secret or parameter of the probe by name or ARN, or BUCKET/PREFIX")
      try read.check(
        AWSActionCheck.isTriable(probe, probeResource), "probe is no action that can be tried",
        fix:
          "use one of \(AWSActionCheck.all.joined(separator: ", ")), those on one thing with probe_resource")
      aws = try AWSClient.Settings(from: &read)
      regions = try read.texts(
        "cloudtrail_regions",
        "further regions in which CloudTrail is asked; besides region and the one where IAM's events are")
      expectedClients = try read.texts(
        "expected_clients", "addresses or networks from which it is used; another one counts as abuse")
      propagation = try read.propagation(.seconds(60))
    }
  }

  public static let kind = "aws_sts"
  public static let summary = "Sessions of an IAM role: of ECS tasks, instances and whoever takes it."
  public static let profile: AdapterProfile? = AdapterProfile(
    .emulator,
    privilege:
      "iam:GetRole, GetRolePolicy, PutRolePolicy and sts:AssumeRole on the role; sts:GetAccessKeyInfo, "
      + "cloudtrail:LookupEvents, iam:SimulatePrincipalPolicy",
    survives: "sessions of other roles that it took, connections to databases, logins of Redshift (an hour at"
      + " most), every user, key and change of the role's trust that its holder made",
    abuse: "CloudTrail's management events",
    can: [.successors],
    note: "CloudTrail's answers are written from its documentation")
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  /// The role as a whole: every session that is older.
  public var account: CredentialRef? { CredentialRef(settings.role) }
  let settings: Settings
  let check: AWSActionCheck
  let expected: ClientAddresses
  let client: AWSClient
  let environment: AdapterEnvironment
  let memory = Memory()

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    expected = try ClientAddresses(settings.expectedClients, of: target)
    self.environment = environment
    client = AWSClient(settings.aws, in: environment)
    guard let check = AWSActionCheck(settings.probe, settings.probeResource) else {
      throw CapabilityError(.configuration, target.position, because: "probe is no action that can be tried")
    }
    self.check = check
    lock = "aws_sts/\(settings.aws.base ?? client.partition)/\(settings.role)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .reversible, sessions: .none, issuing: .leased,
      propagation: settings.propagation)
  }

  /// What this process has seen of sessions.
  final class Memory: Sendable {
    private struct State: Sendable {
      var parts: [String: AWSSessionText] = [:]
      var ofRole: Set<String> = []
      var allowed: Set<String> = []
    }
    private let state = Mutex(State())

    /// Puts parts of one session together, also those that came one after the other. - Returns: what is known of it now.
    func put(_ text: AWSSessionText) -> AWSSessionText {
      state.withLock { state in
        guard
          let id = text.accessKeyID
            ?? state.parts.first(where: { Self.share(text, $0.value) })?.key
        else { return text }
        var known = state.parts[id] ?? AWSSessionText(accessKeyID: id)
        known.secretAccessKey = text.secretAccessKey ?? known.secretAccessKey
        known.sessionToken = text.sessionToken ?? known.sessionToken
        state.parts[id] = known
        return known
      }
    }

    private static func share(_ one: AWSSessionText, _ other: AWSSessionText) -> Bool {
      func same(_ one: Secret?, _ other: Secret?) -> Bool {
        guard let one, let other else { return false }
        return one.isSame(as: other)
      }
      return same(one.secretAccessKey, other.secretAccessKey) || same(one.sessionToken, other.sessionToken)
    }

    func noteRole(of id: String) { state.withLock { _ = $0.ofRole.insert(id) } }
    func isOfRole(_ id: String) -> Bool { state.withLock { $0.ofRole.contains(id) } }
    /// The session was seen to do what the probe asks.
    func noteAllowed(_ id: String) { state.withLock { _ = $0.allowed.insert(id) } }
    func wasAllowed(_ id: String) -> Bool { state.withLock { $0.allowed.contains(id) } }
  }

  // MARK: whose it is

  /// Who an answer of `GetCallerIdentity` speaks of.
  struct Caller: Sendable {
    let account: String
    /// Nil: no session of a role.
    let role: String?
    /// `AROA…`, which a role that is made anew does not share.
    let roleID: String?
  }

  func caller(_ answer: AWSAnswer) throws(CapabilityError) -> Caller {
    let told = AWSElement(parsing: answer.response.body)?["GetCallerIdentityResult"]
    // arn:aws:sts::123456789012:assumed-role/NAME/SESSION
    guard let account = told?["Account"]?.text, let arn = told?["Arn"]?.text, !account.isEmpty else {
      throw CapabilityError(.invalid, "sts:GetCallerIdentity", because: "the answer names nobody")
    }
    let parts = arn.split(separator: ":").last?.split(separator: "/").map { String($0) } ?? []
    guard parts.count == 3, parts[0] == "assumed-role" else {
      return Caller(account: account, role: nil, roleID: nil)
    }
    let id = told?["UserId"]?.text.split(separator: ":").first.map { String($0) }
    return Caller(account: account, role: parts[1], roleID: id)
  }

  /// The runner. - Throws: `.unsafe` where it works with a session of the role: it would end its own.
  func runner() async throws(CapabilityError) -> Caller {
    let answer = try await client.answer(.sts, "GetCallerIdentity")
    if let failure = client.failure(of: answer, .sts, "GetCallerIdentity", changes: false) { throw failure }
    let caller = try caller(answer)
    guard caller.role == settings.role else { return caller }
    throw CapabilityError(
      .unsafe, "identify session", because: "the runner itself works with a session of role \(settings.role)",
      fix: "give the runner a role or user of its own in access_key_id and secret_access_key, then come back")
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "sts:GetCallerIdentity"
    let runner = try await runner()
    if leak.values.isEmpty, leak.handle == settings.role { return Subject(CredentialRef(settings.role)) }
    var text = AWSSessionText(accessKeyID: leak.handle.flatMap { Self.id(in: $0) })
    for value in leak.values {
      let part = AWSSessionText(value, id: text.accessKeyID)
      // Another session's is asked about by itself.
      guard text.accessKeyID == nil || part.accessKeyID == text.accessKeyID else { continue }
      text = memory.put(part)
    }
    guard let id = text.accessKeyID else {
      throw CapabilityError(
        .notFound, operation, because: "it names no session: the id (ASIA…) is not in it",
        fix:
          "give its id (it begins with ASIA) with --id, or the whole session; or end all older ones of the role: --id "
          + settings.role)
    }
    if memory.isOfRole(id) { return Subject(CredentialRef(id)) }
    guard let keys = text.keys else { return try await identify(byID: id, runner) }
    let answer = AWSAnswer(try await environment.http.fetch(client.identityQuestion(as: keys)))
    if answer.isExpired || answer.isStranger || answer.isWrongSecret {
      return try await identify(byID: id, runner)
    }
    if let failure = answer.failure(operation, changes: false, now: environment.now()) { throw failure }
    let caller = try caller(answer)
    guard caller.account == runner.account, caller.role == settings.role else {
      throw stranger(id, caller.role, account: caller.account == runner.account ? nil : caller.account)
    }
    guard try await role().id == caller.roleID else {
      throw CapabilityError(
        .notFound, operation,
        because:
          "it is of a former role \(settings.role), which was made anew since: its sessions have ended",
        fix: "see who made the role anew (CloudTrail: DeleteRole, CreateRole)")
    }
    memory.noteRole(of: id)
    return Subject(CredentialRef(id))
  }

  /// By its id alone: whose account AWS reads in it, and of which role CloudTrail has recorded a use.
  private func identify(byID id: String, _ runner: Caller) async throws(CapabilityError) -> Subject {
    let answer = try await client.answer(.sts, "GetAccessKeyInfo", [("AccessKeyId", id)])
    let account = AWSElement(parsing: answer.response.body)?["GetAccessKeyInfoResult"]?["Account"]?.text ?? ""
    if !account.isEmpty, account.utf8.allSatisfy({ (0x30...0x39).contains($0) }), account != runner.account {
      throw stranger(id, nil, account: account)
    }
    var roles: Set<String> = []
    do throws(CapabilityError) {
      roles = Set(try await trail.events(of: id, since: nil).events.compactMap(\.role))
    } catch {
      // Without the right nobody tells; an entry that is not sure says so below.
      guard error.class == .refused || error.class == .unsupported else { throw error }
    }
    guard roles.contains(settings.role) else {
      guard roles.isEmpty else { throw stranger(id, roles.sorted().first, account: nil) }
      throw CapabilityError(
        .notFound, "cloudtrail:LookupEvents", because: "no record tells of which role \(id) is",
        fix: "give the whole session; or end all older ones of the role: --id \(settings.role)")
    }
    memory.noteRole(of: id)
    return Subject(CredentialRef(id))
  }

  private func stranger(_ id: String, _ role: String?, account: String?) -> CapabilityError {
    let whose =
      account.map { "of account \($0)" }
      ?? role.map { AWSAccessKey.isName($0) ? "of role \($0)" : "of a role of another name" }
      ?? "of no role"
    return CapabilityError(
      .notFound, "identify session", because: "\(id) is \(whose), not of role \(settings.role)",
      fix: account == nil && role == nil
        ? "a session of a user ends with its key: give the user an entry of kind aws_iam"
        : "give that one an entry of its own under credentials")
  }

  /// The id in a ref of ours or in a report; nil: it is none.
  static func id(in text: String) -> String? {
    let id = String(text.prefix { $0 != "@" })
    return AWSAccessKey.isID(id, "ASIA") ? id : nil
  }

  var trail: AWSTrail { AWSTrail(client: client, further: settings.regions) }
}
