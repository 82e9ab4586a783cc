public import Capabilities
import Foundation
import Incidents
import JSON
public import Secrets

/// A private SSH key that opens accounts on one or several hosts: its lines in authorized_keys.
///
/// A new Ed25519 key is added beside the leaked one at every account that lists it, with the same options, programs move,
/// and the leaked lines are taken out; where `RevokedKeys` is configured, the leaked key is named there, too, and is refused
/// even when somebody lists it again. Dead is said where sshd refuses the key, an administrator's login works before,
/// between and after, and no file, command or authority that sshd goes by speaks for it any more.
/// The runner logs in as `admin_user`: root, or an account that may run /bin/sh through sudo without a password. The hosts are
/// Linux with GNU coreutils, util-linux and procps.
///
/// The threat: the holder owns the account. So the runner never logs in as that account except to try a key, and then opens
/// no session: no shell, no profile, no `~/.ssh/rc`, no forced command runs. The administrator's own account must be
/// another one. Its files are read and written with the account's rights, from root, without a way back to more: a link leads
/// only where its owner could go (a linked authorized_keys is replaced by a file, and its target stays), a pipe is not
/// opened, beyond 64 KiB nothing is read and the place is named as not done, and after 20 seconds root ends it; RevokedKeys is written all the same. What is read
/// there is the holder's word and never decides alone. The same RSA key in another spelling is found. Options are copied from
/// a line that the holder could change: `options` says what they must be. A process of the holder's may list the key again;
/// the verdict sees that, RevokedKeys prevents it. sshd's log in a file can be written by any process through syslog, so no
/// session is spared because of it. Where the account is uid 0 or in a group that leads there, nothing that the host says is
/// evidence; `facts` shows it.
///
/// Every session of the account is ended, also that of another key: which key opened one is not known for certain. Programs
/// that have moved log in again. OpenSSH 9.8 and newer keeps out addresses that are refused too often (PerSourcePenalties):
/// verdicts become unknown then; name the runner in PerSourcePenaltyExemptList.
/// Sources: sshd(8), sshd_config(5), ssh(1), ssh-keygen(1), https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key
public struct SSHKey: CredentialProvider {
  struct Settings: AdapterSettings {
    let hosts: [String]
    let adminUser: String
    let adminKey: String
    let knownHosts: String
    let sshdConfig: String
    let log: String
    let options: String?
    let knownKeys: [String]
    let expectedClients: [String]
    let propagation: Duration

    init(from read: inout SettingsReader) throws(CapabilityError) {
      hosts = try read.texts(
        "hosts", "every account that the key opens, as account@host or account@host:port")
      try read.check(!hosts.isEmpty, "hosts names no account", fix: "write hosts: [app@db1.example]")
      adminUser = try read.text(
        "admin_user", default: "root",
        "the runner's own account on every host; another than root needs sudo without a password for /bin/sh")
      adminKey = try read.reference("admin_key", "its private key, without a passphrase")
      knownHosts = try read.text(
        "known_hosts", "a file with the hosts' keys, as ssh-keyscan writes it and somebody has compared it")
      sshdConfig = try read.text(
        "sshd_config", default: "/etc/ssh/sshd_config", "what the hosts' sshd is configured by")
      log = try read.text(
        "log", default: "journal",
        "where the hosts' sshd logs: `journal`, or the path of a file such as /var/log/auth.log")
      options = try read.optionalText(
        "options",
        "options of the new key's line, such as restrict,command=\"…\"; those of the leaked key's line when absent"
      )
      knownKeys = try read.texts(
        "known_keys", "fingerprints (SHA256:…) of the keys that belong to these accounts; others are told")
      expectedClients = try read.texts(
        "expected_clients",
        "addresses or networks from which it is used, the runner's among them; another one is abuse")
      propagation = try read.propagation(.zero)
    }
  }

  public static let kind = "ssh_key"
  public static let summary = "A private SSH key that authorized_keys of one or several hosts list."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "root at each host, or an account that may run /bin/sh through sudo without a password",
    survives: "sessions, until they are ended and counted again; keys, jobs and files that the "
      + "account's holder put there",
    measured: "the next login is refused",
    abuse: "sshd's log",
    can: [.successors, .delete])
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  let settings: Settings
  let places: [SSHPlace]
  let expected: ClientAddresses
  let environment: AdapterEnvironment
  let line: SSHLine
  /// What the store holds.
  var present: @Sendable () async -> [Secret] = { [] }

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    places = try SSHPlace.list(settings.hosts, of: target)
    expected = try ClientAddresses(settings.expectedClients, of: target)
    self.environment = environment
    line = SSHLine(knownHosts: settings.knownHosts, adminUser: settings.adminUser, environment: environment)
    lock = "ssh_key/\(places.map(\.name).sorted().joined(separator: ","))"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .end, issuing: .generated,
      propagation: settings.propagation)
    func wrong(_ because: String, _ fix: String) -> CapabilityError {
      CapabilityError(.configuration, "\(target.position): \(target.name)", because: because, fix: fix)
    }
    let own = settings.adminUser
    guard SSHPlace.isAccount(own), !places.contains(where: { $0.account == own }) else {
      throw wrong(
        "admin_user is one of the accounts that the key opens: its holder could have prepared every login of the runner",
        "give the runner an account of its own, with sudo")
    }
    guard settings.sshdConfig.hasPrefix("/"), settings.log == "journal" || settings.log.hasPrefix("/") else {
      throw wrong("sshd_config or log is no whole path", "begin it with /")
    }
    guard !(settings.options ?? "").contains(where: \.isNewline) else {
      throw wrong("options holds a line break", "write them on one line")
    }
  }

  public func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self {
    var copy = self
    copy.present = present
    return copy
  }

  func admin() async throws(CapabilityError) -> Secret {
    let key = try await environment.sources.resolve(settings.adminKey)
    guard let readable = SSHPrivateKey.readable(key) else {
      throw CapabilityError(
        .configuration, "admin_key", because: "it is no private key",
        fix: "name the file: file:/path/of/the/key")
    }
    return readable
  }

  /// The public half of a private key; nil: it is none. OpenSSH's program reads other forms than its own.
  func publicHalf(_ secret: Secret) async throws(CapabilityError) -> SSHPublicKey? {
    guard let text = SSHPrivateKey.readable(secret) else { return nil }
    if let key = SSHPrivateKey.publicHalf(ofOpenSSH: text) { return key }
    let outcome = try await environment.processes.inspect(
      ProcessCall(
        ["ssh-keygen", "-y", "-P", "", "-f", "/dev/stdin"], standardInput: text, timeout: .seconds(10)),
      readOnlyBecause: "it prints the public half of a key")
    return outcome.status == 0 ? SSHPublicKey(line: outcome.output) : nil
  }

  /// A place and a key of one of our refs; nil: it names a key at every place.
  func parts(_ ref: CredentialRef) -> (place: SSHPlace, fingerprint: String)? {
    guard let mark = ref.rawValue.firstIndex(of: "#") else { return nil }
    let name = ref.rawValue[..<mark]
    guard let place = places.first(where: { $0.name == name }) else { return nil }
    return (place, String(ref.rawValue[ref.rawValue.index(after: mark)...]))
  }

  /// The places and the key that `ref` names. - Throws: `.notFound`.
  func meant(_ ref: CredentialRef) throws(CapabilityError) -> (places: [SSHPlace], fingerprint: String) {
    if let (place, fingerprint) = parts(ref) { return ([place], fingerprint) }
    guard ref.rawValue.hasPrefix("SHA256:"), !ref.rawValue.contains("#") else {
      throw CapabilityError(
        .notFound, "find \(ref)", because: "it is no SHA-256 fingerprint",
        fix: "see them: ssh-keygen -lf FILE")
    }
    return (places, ref.rawValue)
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify an SSH key"
    let admin = try await admin()
    var key: SSHPublicKey?
    if let value = leak.value {
      key = try await publicHalf(value)
      guard key != nil else {
        throw CapabilityError(
          .notFound, operation,
          because:
            "the value is no private key, or it has a passphrase and is in another form than OpenSSH's",
          fix: "give its fingerprint, which ssh-keygen -lf prints, with --id")
      }
    }
    guard let fingerprint = key?.fingerprint ?? leak.handle, fingerprint.hasPrefix("SHA256:") else {
      throw CapabilityError(
        .notFound, operation, because: "the leak names no SHA-256 fingerprint",
        fix: "ssh-keygen -lf FILE prints it")
    }
    guard try await publicHalf(admin)?.fingerprint != fingerprint else {
      throw CapabilityError(
        .unsafe, operation, because: "the runner itself logs in with the leaked key",
        fix: "give the runner a key of its own: admin_key in staunch.yaml")
    }
    var unreached: CapabilityError?
    for place in places {
      do throws(CapabilityError) {
        let look = try await SSHKeyLook(place, self, admin, key: key)
        // Taken out before its successor was there: it is still the one that was here.
        guard look.files.contains(where: { $0.keys.options(of: fingerprint) != nil }) else {
          if let unread = look.files.first(where: { !$0.isRead }) { throw Self.unread(unread, place) }
          continue
        }
        return try await subject(CredentialRef(fingerprint))
      } catch { unreached = unreached ?? error }
    }
    throw unreached
      ?? CapabilityError(
        .notFound, operation, because: "no account of this entry lists \(fingerprint)",
        fix: "check hosts in staunch.yaml; already replaced, or of another account")
  }

  /// Every place of the entry: one that cannot be reached now must not be forgotten.
  public func subject(_ identity: CredentialRef) async throws(CapabilityError) -> Subject {
    guard identity.rawValue.hasPrefix("SHA256:") else { return Subject(identity) }
    return Subject(identity, at: places.map { $0.ref(identity.rawValue) })
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    let admin = try await admin()
    var found: Set<String> = []
    for place in places {
      for file in try await SSHKeyLook(place, self, admin, key: nil).files {
        guard file.isRead else { throw Self.unread(file, place) }
        found.formUnion(file.keys.keys.map(\.key.fingerprint))
      }
    }
    return found.sorted().map { CredentialRef($0) }
  }

  public func generate() throws(CapabilityError) -> Secret? {
    let random = Secret(environment.randomBytes(36))
    do { return try SSHPrivateKey.ed25519(random.exposeAsBytes(), comment: "staunch") } catch {
      throw CapabilityError(.serverError, "make an Ed25519 key", because: "OpenSSL made none")
    }
  }

  public func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    guard let key = try await publicHalf(secret) else {
      throw CapabilityError(.invalid, "read the new key", because: "it is no private key")
    }
    return CredentialRef(key.fingerprint)
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }
}
