public import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient
import Secrets
import Synchronization

/// An access key of an IAM user: an id that everybody may see, and a secret. A user has two at most, so the old one and the new
/// one overlap.
///
/// A key is stopped by `Inactive` (an administrator could undo it; staunch never does) and later deleted. AWS refuses an
/// inactive or unknown id before it looks at the secret (`InvalidClientTokenId`): that is death. `SignatureDoesNotMatch` says
/// only that this secret is not that id's.
///
/// The threat: its holder has made sessions (`GetSessionToken`, `GetFederationToken`, `AssumeRole`), which outlive the key by up
/// to 36 hours, and with a session or a second key can switch the first on again: the proof lasts for the propagation time. Sessions of
/// the user and of the `roles` of the entry are ended by `AWSRevokeOlderSessions`, which denies everything to tokens issued
/// before; one of that name that is there and denies less is written over. Where the entry names a `session_check`, a session of
/// fifteen minutes is made from the leaked key before it is stopped, and the key is not called dead while that session is still
/// allowed what it could do. They may have renamed the user (what is stopped is
/// looked up by the key's id), filled the second place so that no key can be made (both are named), and made keys, users, roles,
/// login profiles and policies, which CloudTrail names. Texts of theirs are shown only where they have the form of an IAM name.
/// What cannot be seen: uses that are no management events, regions that are not asked, and what CloudTrail has not delivered
/// yet (about a quarter of an hour).
///
/// Tested against MiniStack, which checks signatures, inactive keys and policies, and accepts a third key (AWS takes two, which is
/// asked before); CloudTrail's answers are written from its documentation.
/// Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/ (ListAccessKeys, CreateAccessKey, UpdateAccessKey,
/// DeleteAccessKey, GetAccessKeyLastUsed, GetUserPolicy, PutUserPolicy, SimulatePrincipalPolicy),
/// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html,
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
public struct AWSAccessKey: CredentialProvider {
  struct Settings: AdapterSettings {
    let aws: AWSClient.Settings
    let user: String
    let roles: [String]
    let regions: [String]
    let sessionCheck: String?
    let sessionResource: String?
    let expectedClients: [String]
    let propagation: Duration

    init(from read: inout SettingsReader) throws(CapabilityError) {
      user = try read.text("user", "the IAM user whose keys leak: its name, without a path")
      try read.check(
        AWSAccessKey.isName(user), "user is no IAM user's name",
        fix: "write the name as IAM shows it, without path and ARN")
      roles = try read.texts(
        "roles",
        "roles that the user takes: all their older sessions end with the user's own, also those of others")
      try read.check(
        roles.allSatisfy(AWSAccessKey.isName), "roles holds what is no role's name",
        fix: "write the names as IAM shows them, without path and ARN")
      aws = try AWSClient.Settings(from: &read)
      regions = try read.texts(
        "cloudtrail_regions",
        "further regions in which CloudTrail is asked; besides region and the one where IAM's events are")
      sessionCheck = try read.optionalText(
        "session_check",
        "an action that the user really has, by which a session shows that it has ended: "
          + AWSActionCheck.all.joined(separator: ", ")
          + "; nothing is tried when absent")
      sessionResource = try read.optionalText(
        "session_check_resource", "the secret or parameter of session_check by name or ARN, or BUCKET/PREFIX")
      try read.check(
        AWSActionCheck.isTriable(sessionCheck, sessionResource),
        "session_check is no action that can be tried",
        fix:
          "use one of \(AWSActionCheck.all.joined(separator: ", ")), those on one thing with session_check_resource"
      )
      expectedClients = try read.texts(
        "expected_clients", "addresses or networks from which the key is used; another one counts as abuse")
      propagation = try read.propagation(.seconds(60))
    }
  }

  public static let kind = "aws_iam"
  public static let summary = "An access key of an IAM user, with the sessions that were made from it."
  public static let profile: AdapterProfile? = AdapterProfile(
    .emulator,
    privilege: "iam:GetUser, ListAccessKeys, CreateAccessKey, UpdateAccessKey, DeleteAccessKey, "
      + "GetUserPolicy, PutUserPolicy on the user; iam:GetRolePolicy, PutRolePolicy on roles; "
      + "iam:GetAccessKeyLastUsed, cloudtrail:LookupEvents",
    survives: "sessions of the key and of roles that it took, up to 36 hours, where they are not ended;"
      + " every key, user, role, login profile and policy that its holder made",
    abuse: "CloudTrail's management events",
    can: [.successors, .delete],
    note: "CloudTrail's answers are written from its documentation")
  public static let settings = Settings.declarations
  static let form = MaterialShape(
    [.init("access_key_id", secret: false), .init("secret_access_key", secret: true)],
    primary: "secret_access_key", oneText: .object)
  /// AWS's quota, which cannot be raised.
  static let limit = 2

  public let capabilities: ProviderCapabilities
  public let lock: String
  public var shape: MaterialShape { Self.form }
  let settings: Settings
  let expected: ClientAddresses
  let client: AWSClient
  let environment: AdapterEnvironment
  let memory = Memory()

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    expected = try ClientAddresses(settings.expectedClients, of: target)
    self.environment = environment
    client = AWSClient(settings.aws, in: environment)
    lock = "aws_iam/\(settings.aws.base ?? client.partition)/\(settings.user)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .reversible, sessions: .end, issuing: .unnamed,
      propagation: settings.propagation)
  }

  /// Which id goes with which secret, as far as this process has seen it: AWS tells only while the key is active.
  final class Memory: Sendable {
    private struct Pair: Sendable {
      let secret: Secret
      let ref: CredentialRef
      let isOwn: Bool
    }
    private let pairs = Mutex<[Pair]>([])
    let witness = AWSSessionWitness()

    func keep(_ secret: Secret, _ ref: CredentialRef, isOwn: Bool = false) {
      pairs.withLock { pairs in
        let own = isOwn || pairs.contains { $0.ref == ref && $0.isOwn }
        pairs.removeAll { $0.ref == ref }
        pairs.append(Pair(secret: secret, ref: ref, isOwn: own))
      }
    }
    func ref(of secret: Secret) -> CredentialRef? {
      pairs.withLock { $0.first { $0.secret.isSame(as: secret) }?.ref }
    }
    /// Made by this process.
    func isOwn(_ ref: CredentialRef) -> Bool { pairs.withLock { $0.contains { $0.ref == ref && $0.isOwn } } }
  }

  /// Users, roles and policies: letters, digits and `_+=,.@-`.
  static func isName(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || "_+=,.@-".utf8.contains(byte)
      }
  }

  /// `AKIA…` of a user; `ASIA…` is temporary.
  static func isID(_ text: String, _ head: String = "AKIA") -> Bool {
    text.hasPrefix(head) && (16...128).contains(text.utf8.count)
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
  }

  // MARK: the user's keys

  struct Key: Sendable {
    let ref: CredentialRef
    let isActive: Bool
    let created: Date?
  }

  /// At most two, in IAM's order. - Throws: `.notFound` where there is no such user.
  func keys() async throws(CapabilityError) -> [Key] {
    let operation = "iam:ListAccessKeys"
    let answer = try await client.answer(.iam, "ListAccessKeys", [("UserName", settings.user)])
    if answer.code == "NoSuchEntity" {
      throw CapabilityError(
        .notFound, operation, because: "there is no user \(settings.user) in the runner's account",
        fix: "correct user or access_key_id in staunch.yaml; it may have been renamed")
    }
    if let failure = client.failure(of: answer, .iam, "ListAccessKeys", changes: false) { throw failure }
    guard let list = AWSElement(parsing: answer.response.body)?["ListAccessKeysResult"],
      list["AccessKeyMetadata"] != nil, list["IsTruncated"]?.text != "true"
    else {
      throw CapabilityError(.invalid, operation, because: "the answer is no whole list of keys")
    }
    var keys: [Key] = []
    for member in list.members("AccessKeyMetadata") {
      guard let id = member["AccessKeyId"]?.text, let status = member["Status"]?.text else {
        throw CapabilityError(.invalid, operation, because: "the answer has a key without id or status")
      }
      keys.append(
        Key(
          ref: CredentialRef(id), isActive: status == "Active",
          created: (member["CreateDate"]?.text).flatMap { Timestamp.date($0) }))
    }
    return keys
  }

  /// Whose key an id is, by its id alone; nil: AWS knows no such key.
  /// - Throws: `.refused` also for a key of another account.
  func owner(of ref: CredentialRef) async throws(CapabilityError) -> String? {
    let answer = try await client.answer(
      .iam, "GetAccessKeyLastUsed", [("AccessKeyId", ref.rawValue)])
    if answer.code == "NoSuchEntity" || answer.code == "ValidationError" { return nil }
    if let failure = client.failure(of: answer, .iam, "GetAccessKeyLastUsed", changes: false) {
      throw failure
    }
    return AWSElement(parsing: answer.response.body)?["GetAccessKeyLastUsedResult"]?["UserName"]?.text
  }

  /// Which account a key is of, deleted ones too, for people; empty where AWS does not say.
  /// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
  private func account(of ref: CredentialRef) async throws(CapabilityError) -> String {
    let answer = try await client.answer(.sts, "GetAccessKeyInfo", [("AccessKeyId", ref.rawValue)])
    let told = AWSElement(parsing: answer.response.body)?["GetAccessKeyInfoResult"]?["Account"]?.text ?? ""
    guard !told.isEmpty, told.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return "" }
    return ", and AWS says that it is of account \(told)"
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    try await refuseOwn(leak)
    if let handle = leak.handle { return try await identify(handle, leak.value) }
    let operation = "sts:GetCallerIdentity"
    let value = try leak.requireValue(to: operation)
    let keys = try await keys()
    for key in keys where key.isActive {
      let answer = AWSAnswer(try await environment.http.fetch(question(key.ref, value)))
      if (200...299).contains(answer.response.status) {
        memory.keep(value, key.ref)
        return Subject(key.ref)
      }
      guard answer.isWrongSecret || answer.isStranger else {
        throw answer.failure(operation, changes: false, now: environment.now())
          ?? CapabilityError(.invalid, operation, because: "the answer says nothing (\(answer.word))")
      }
    }
    if let ref = memory.ref(of: value) { return Subject(ref) }
    let inactive = keys.filter { !$0.isActive }.map(\.ref.rawValue).joined(separator: ", ")
    throw CapabilityError(
      .notFound, operation,
      because: "no active key of user \(settings.user) goes with it"
        + (inactive.isEmpty ? "" : "; what went with \(inactive), which is inactive, AWS does not say"),
      fix: "give its access key id (AKIA and 16 more) too, with --id; or check user in staunch.yaml")
  }

  private func identify(_ handle: String, _ value: Secret?) async throws(CapabilityError) -> Subject {
    let operation = "iam:GetAccessKeyLastUsed"
    guard Self.isID(handle) else {
      throw CapabilityError(
        .notFound, operation, because: "it is no access key id of a user",
        fix: Self.isID(handle, "ASIA")
          ? "ASIA… is temporary: end the sessions of the user or role that it is of"
          : "an access key id begins with AKIA")
    }
    let ref = CredentialRef(handle)
    if try await !keys().contains(where: { $0.ref == ref }) {
      let owner: String?
      do throws(CapabilityError) { owner = try await self.owner(of: ref) } catch {
        guard error.class == .refused else { throw error }
        owner = nil  // of another account: the user's own list has said what counts here
      }
      guard let owner else {
        throw CapabilityError(
          .notFound, operation,
          because: "user \(settings.user) has no key \(handle)" + (try await account(of: ref)),
          fix: "it is deleted, or of another user or account: give that one an entry of its own")
      }
      throw CapabilityError(
        .notFound, operation,
        because:
          "it is a key of user \(Self.isName(owner) ? owner : "of another name"), not of \(settings.user)",
        fix: "give that user an entry of its own under credentials, or correct user: it may have been renamed"
      )
    }
    if let value { memory.keep(value, ref) }
    return Subject(ref)
  }

  /// - Throws: `.unsafe` for the key that the runner itself uses.
  private func refuseOwn(_ leak: Leak) async throws(CapabilityError) {
    let own = try await client.ownKeys()
    let isOwn =
      leak.handle == own.accessKeyID || leak.value.map { own.secretAccessKey.isSame(as: $0) } == true
    guard isOwn else { return }
    throw CapabilityError(
      .unsafe, "identify key", because: "the leaked key is the one that the runner uses itself",
      fix: "give the runner another user's key in access_key_id and secret_access_key, then come back")
  }
}
