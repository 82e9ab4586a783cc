public import Capabilities
import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets
import Synchronization

/// Keys of one Google Cloud service account. The material is the whole key file; a leak is the file or its private key alone.
///
/// Whose a key is, its public half decides, which IAM tells: never the id or the address that a file names. Alive is a token
/// that Google grants for it (of no use: its scope is one's own address). Dead is a refusal that IAM explains with the same
/// breath: the key is deleted, disabled or over. A clock that is wrong, an account that is switched off, and a refusal while IAM
/// says "enabled" are unknown, with the reason.
///
/// **What outlives a key:** access tokens that were drawn with it, for an hour (twelve where the organisation lengthens them).
/// Only switching the account off ends them (`access_tokens: disable-account`), and with them everything that runs as the
/// account; switched on again, those that are not over work again.
///
/// What the holder of a leaked key may have prepared:
/// - a file that names another key's id, so that an innocent key is stopped: the public half does not fit, and it is refused;
/// - a file whose `token_uri` is theirs: it is never asked;
/// - more keys of the account, uploaded ones among them, and what the audit log says that they made: ``successors(_:since:)``;
/// - ten keys, so that no new one fits: said before anything is sent.
///
/// Sources: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys,
/// https://cloud.google.com/iam/docs/keys-disable-enable
public struct GCPServiceAccountKey: CredentialProvider {
  struct Settings: AdapterSettings {
    let base: String
    let project: String
    let account: String
    let login: GoogleLogin
    let logging: String
    let resourceManager: String
    let endsTokens: Bool
    let expected: [String]
    let propagation: Duration
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://iam.googleapis.com")
      project = try read.text("project", "the project's id")
      account = try read.text(
        "account", "the service account's address: `app@project.iam.gserviceaccount.com`")
      login = try GoogleLogin(from: &read)
      logging = try read.text(
        "logging_url", default: "https://logging.googleapis.com", "where Cloud Logging's API is")
      resourceManager = try read.text(
        "resource_manager_url", default: "https://cloudresourcemanager.googleapis.com",
        "where the Resource Manager's API is")
      let tokens = try read.word(
        "access_tokens", of: ["expire", "disable-account"], default: "expire",
        "what becomes of access tokens that were drawn with a leaked key: they live on for up to an hour, or the whole "
          + "account is switched off, until a person switches it on again")
      endsTokens = tokens == "disable-account"
      expected = try read.texts(
        "expected_clients", "addresses and networks from which the account is used; others count as abuse")
      propagation = try read.propagation(.seconds(420))
      trust = try read.trust()
      try read.check(
        GCPServiceAccountKey.isPlain(project) && GCPServiceAccountKey.isPlain(account)
          && account.contains("@"),
        "project or account is none", fix: "gcloud iam service-accounts list shows both")
    }
  }

  public static let kind = "gcp_service_account_key"
  public static let summary = "Keys of a Google Cloud service account."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "iam.serviceAccounts.get; iam.serviceAccountKeys.list, get, create, disable, delete; "
      + "logging.logEntries.list; iam.serviceAccounts.disable where access_tokens says so",
    survives: Self.survivors,
    abuse: "the audit log, by key",
    can: [.successors, .delete])
  public static let settings = Settings.declarations
  /// "Up to 10 keys for each service account". Source: https://cloud.google.com/iam/quotas
  static let mostKeys = 10
  /// The members of a key file, in Google's order.
  public let shape = MaterialShape(
    [
      .init("type", secret: false), .init("project_id", secret: false),
      .init("private_key_id", secret: false),
      .init("private_key", secret: true), .init("client_email", secret: false),
      .init("client_id", secret: false), .init("auth_uri", secret: false), .init("token_uri", secret: false),
      .init("auth_provider_x509_cert_url", secret: false), .init("client_x509_cert_url", secret: false),
      .init("universe_domain", secret: false),
    ], primary: "private_key", oneText: .object)

  public let capabilities: ProviderCapabilities
  public let lock: String
  let settings: Settings
  let iam: RESTClient
  let expected: ClientAddresses
  let environment: AdapterEnvironment
  let tokens: AccessTokens

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    expected = try ClientAddresses(settings.expected, of: target)
    self.environment = environment
    lock = "gcp/\(settings.project)/\(settings.account)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .reversible,
      sessions: settings.endsTokens ? .end : .none,
      issuing: .unnamed, propagation: settings.propagation)
    tokens = settings.login.tokens(in: environment)
    iam = RESTClient(
      base: settings.base, login: .init(from: tokens), trust: settings.trust, environment: environment,
      fix: "the runner's login needs the permissions that staunch doctor lists for this entry")
  }

  /// Of names that stand in paths and filters.
  static func isPlain(_ text: String) -> Bool {
    !text.isEmpty && text.count <= 200
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || [0x2D, 0x2E, 0x3A, 0x40, 0x5F].contains(byte)
      }
  }

  // MARK: whose it is

  /// `app@project.iam.gserviceaccount.com/0123…`, or the id alone.
  private func id(of handle: String, _ operation: String) throws(CapabilityError) -> String {
    let parts = handle.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    // A fingerprint may have slashes, too.
    if parts.count == 2, parts[0].contains("@") { try refuseStranger(parts[0], operation) }
    return parts.last ?? handle
  }

  private func refuseStranger(_ email: String, _ operation: String) throws(CapabilityError) {
    guard email != settings.account else { return }
    throw CapabilityError(
      .notFound, operation, because: "it is of another account than \(settings.account)",
      fix: "give that account an entry of its own under credentials")
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify key"
    let named = try leak.handle.map { handle throws(CapabilityError) in try id(of: handle, operation) }
    let found: Key?
    if let value = leak.value {
      guard let file = GoogleKeyFile(reading: value) else {
        throw CapabilityError(.notFound, operation, because: "it is no key of a service account")
      }
      if let email = file.email { try refuseStranger(email, operation) }
      found = try await key(of: file, named: named)
    } else if let named {
      found = try await key(named)
      if found == nil { _ = try await keys() }  // the account itself is there
    } else {
      found = nil
    }
    guard let found else {
      throw CapabilityError(
        .notFound, operation, because: "\(settings.account) has no key with this public half or id",
        fix: "nothing is left to stop, unless project or account in staunch.yaml is another's")
    }
    try await refuseOwn(found, operation)
    return Subject(found.ref)
  }

  /// - Throws: `.unsafe` for the key that the runner itself logs in with.
  func refuseOwn(_ key: Key, _ operation: String) async throws(CapabilityError) {
    guard let own = try await settings.login.ownKey(in: environment), let half = key.publicHalf,
      own.isHalf(of: half)
    else { return }
    throw CapabilityError(
      .unsafe, operation, because: "it is the key that the runner logs in with",
      fix: "give the runner another login: login_key in staunch.yaml")
  }

  // MARK: verdict

  /// One's own address is all that a token of this scope may read.
  private static let scope = "https://www.googleapis.com/auth/userinfo.email"

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    guard let file = GoogleKeyFile(reading: secret) else {
      return CredentialProbe(.unknown, code: "not asked, it is no key of a service account")
    }
    guard file.email == nil || file.email == settings.account else {
      return CredentialProbe(.unknown, code: "not asked, it is of another account")
    }
    let endpoint = settings.login.endpoint
    let (account, now) = (settings.account, environment.now)
    // The id that a file names may be another key's: Google then looks at that one.
    let probe = KeyProbe(
      base: endpoint.url, trust: settings.trust, environment: environment,
      request: { _ in
        endpoint.request(
          file.assertion(
            as: account, keyID: ref?.rawValue, scope: Self.scope, audience: GoogleTokenEndpoint.audience,
            at: now())
            ?? Secret("none"))
      },
      read: { answer in
        let word = GoogleTokenWord(answer)
        return switch word {
        case .granted: CredentialProbe(.alive, code: word.code)
        case .signature, .noAccount, .disabled: CredentialProbe(.dead, code: word.code)
        case .clock, .other: CredentialProbe(.unknown, code: word.code)
        }
      })
    let cause = Mutex("")
    let verdict = try await probe.verdict(on: secret) { () async throws(CapabilityError) in
      do throws(CapabilityError) {
        switch try await standing(of: file, named: ref?.rawValue) {
        case .stopped(let why):
          cause.withLock { $0 = why }
          return nil
        case .working(let why): return why
        }
      } catch { return "IAM gives no answer (\(error.class.rawValue))" }
    }
    guard verdict.state == .dead else { return verdict }
    return CredentialProbe(
      .dead, code: "\(verdict.code), \(cause.withLock { $0 })", evidence: verdict.evidence)
  }

  /// What IAM says to a refusal.
  private enum Standing {
    /// It explains it.
    case stopped(String)
    /// It does not.
    case working(String)
  }

  private func standing(of file: GoogleKeyFile, named id: String?) async throws(CapabilityError) -> Standing {
    guard let isOff = try await isAccountDisabled() else { return .stopped("the account is deleted") }
    guard let key = try await key(of: file, named: id) else { return .stopped("the key is deleted") }
    if key.isDisabled { return .stopped("the key is disabled") }
    if let end = key.end, end <= environment.now() { return .stopped("the key has expired") }
    guard isOff else { return .working("IAM says that the key is enabled") }
    return settings.endsTokens
      ? .stopped("the account is disabled")
      : .working("only the account is disabled: the key works again when it is enabled")
  }
}
