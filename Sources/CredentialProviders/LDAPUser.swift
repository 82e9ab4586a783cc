public import Capabilities
public import Foundation
import Incidents
import JSON
public import Secrets

/// The password of an entry of an LDAP directory (OpenLDAP, 389 Directory Server), through `ldapwhoami`, `ldappasswd`, `ldapmodify` and
/// `ldapsearch`.
///
/// The runner logs in with a client certificate (SASL EXTERNAL), so it has no password of its own: each program gets one secret at most,
/// on its standard input. A new password is set by the Password Modify operation, so that the server hashes it and its policies
/// hold. The entry is locked by taking every password away from it.
///
/// The threat: the holder of the leaked password may have asked so often, with wrong ones, that the server has locked the account: it then refuses
/// the right password with the same code (49), and a lock ends by itself. So a refusal counts only where the entry, as the
/// runner reads it, is not locked. Each refusal of ours counts at the server, too: one is asked for at each server and
/// verdict, no more. The holder may also have given the entry a second value of userPassword: all of them are replaced.
/// Sources: RFC 4511 4.2 and appendix A.1 (result codes), RFC 4513 5.1.2 (no password is nobody's login), RFC 3062,
/// https://www.openldap.org/software/man.cgi?query=ldappasswd, …=slapo-ppolicy
public struct LDAPUser: CredentialProvider {
  struct Settings: AdapterSettings {
    let servers: [String]
    let dn: String
    let certificate: String?
    let key: String?
    let authorities: String?
    let startsTLS: Bool
    let propagation: Duration

    init(from read: inout SettingsReader) throws(CapabilityError) {
      servers = try read.texts(
        "servers",
        "every server that answers, the one that takes changes first: ldaps://HOST, ldap://HOST with start_tls, or ldapi:///"
      )
      dn = try read.text("dn", "the distinguished name of the entry whose password leaked")
      certificate = try read.optionalText(
        "tls_certificate",
        "a PEM file with the runner's client certificate, with which it logs in (SASL EXTERNAL); over ldapi:/// its own user does"
      )
      key = try read.optionalText("tls_key", "a PEM file with its key")
      authorities = try read.optionalText(
        "tls_ca", "a PEM file of the only authorities to believe; the machine's own when absent")
      startsTLS =
        try read.word(
          "start_tls", of: ["on", "off"], default: "off", "`on`: ldap:// becomes TLS before anything is sent")
        == "on"
      propagation = try read.propagation(.seconds(60))
      try read.check(
        !servers.isEmpty, "servers is empty", fix: "write servers: [\"ldaps://ldap.example.org\"]")
      for server in servers {
        let isSafe = server.hasPrefix("ldaps://") || server.hasPrefix("ldapi://")
        try read.check(
          isSafe || server.hasPrefix("ldap://") && startsTLS,
          "to \(server) a password would travel for everybody to read",
          fix: "write ldaps://, or start_tls: on")
        try read.check(
          server.hasPrefix("ldapi://") || certificate != nil && key != nil,
          "the runner has no client certificate to log in with",
          fix:
            "name tls_certificate and tls_key; the server maps it to a name that may write userPassword of the entry (authz-regexp)"
        )
      }
    }
  }

  public static let kind = "ldap"
  public static let summary = "The password of an entry of an LDAP directory."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "write on userPassword of the entry, and read on its pwdAccountLockedTime",
    survives:
      "connections that are bound, until they are closed: restart the servers to end them; what its holder wrote where the "
      + "entry may write; passwords of other entries that it could read",
    measured: "the next login is refused")
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  public var account: CredentialRef? { CredentialRef(settings.dn) }
  let settings: Settings
  let directory: LDAPCommands
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    lock = "ldap/\(settings.servers.joined(separator: ","))/\(settings.dn)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .none, disable: .irreversible, sessions: .none, issuing: .generated,
      propagation: settings.propagation)
    directory = LDAPCommands(settings: settings, environment: environment)
  }

  // MARK: whose it is

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify \(settings.dn)"
    guard let value = leak.value else {
      guard leak.handle == settings.dn else {
        throw CapabilityError(
          .notFound, operation, because: "its id is not the one of this entry",
          fix: "check dn of the entry in staunch.yaml")
      }
      return Subject(CredentialRef(settings.dn))
    }
    let probe = try await verify(value, ref: nil)
    switch probe.state {
    case .alive: return Subject(CredentialRef(settings.dn))
    case .dead:
      throw CapabilityError(
        .notFound, operation, because: "the directory does not accept it (\(probe.code))",
        fix: "nothing is left to stop, unless it is of another entry: check dn and servers in staunch.yaml")
    case .unknown:
      throw CapabilityError(.conflict, operation, because: "the directory gave no verdict (\(probe.code))")
    }
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    for server in settings.servers where try await directory.entry(at: server) != nil {
      return [CredentialRef(settings.dn)]
    }
    return []
  }

  /// Times alone: what else stands in an entry is about a person.
  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    guard let entry = try await directory.entry(at: settings.servers[0]) else {
      throw CapabilityError(
        .notFound, "ldapsearch \(settings.dn)",
        because: "there is no such entry, or the runner may not see it",
        fix: "check dn in staunch.yaml")
    }
    var facts: [String: JSONValue] = ["owner": .string(settings.dn), "is_locked": .boolean(entry.isLocked)]
    facts["created"] = entry["createTimestamp"].map(JSONValue.string)
    facts["password_changed"] = entry["pwdChangedTime"].map(JSONValue.string)
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(
      seen: nil, covered: nil,
      findings: ["search the servers' logs for BIND dn=\"\(settings.dn)\": the directory keeps no history"])
  }

  // MARK: what changes something

  public func generate() throws(CapabilityError) -> Secret? {
    Secret(RandomText.alphanumeric(count: 32, environment.randomBytes))
  }

  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    guard let fresh = order.generated else {
      throw CapabilityError(.invalid, "ldappasswd \(settings.dn)", because: "there is no new value to set")
    }
    try await directory.setPassword(fresh, at: settings.servers[0], under: authority)
    return IssuedCredential(ref: CredentialRef(settings.dn), secret: fresh)
  }

  /// Nothing bears a marker: the generated value itself tells whether it was set.
  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  {
    []
  }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    // The same entry has a new password: the leaked one is gone with it, unless somebody has set it again.
    if replacedBy == ref, let leaked = leak.value {
      guard try await verify(leaked, ref: ref).state == .alive else { return }
      throw CapabilityError(
        .conflict, "disable \(ref)", because: "the leaked value works although another one was set",
        fix: "see who set it, or which server has not heard of the change, then: staunch resume")
    }
    try await directory.removePasswords(at: settings.servers[0], under: authority)
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    throw CapabilityError(
      .unsupported, "delete \(ref)", because: "an entry is more than its password",
      fix: "delete it with your own tools when nothing needs it")
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    throw CapabilityError(
      .unsupported, "end sessions of \(ref)",
      because: "LDAP has no operation for it: a connection that is bound stays so after a new password",
      fix: "restart the servers that you can spare, one after the other")
  }
}
