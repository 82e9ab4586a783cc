import Capabilities
import Foundation
import Secrets

/// Speaks to a directory through OpenLDAP's programs. Each gets one secret at most, on its standard input (`/dev/stdin`), never in its
/// arguments or environment.
/// Source: https://www.openldap.org/software/man.cgi?query=ldapwhoami, …=ldappasswd, …=ldapmodify, …=ldapsearch, …=ldap.conf
struct LDAPCommands {
  let settings: LDAPUser.Settings
  let environment: AdapterEnvironment

  /// Result codes of RFC 4511, as the programs that bind end with them.
  static let invalidCredentials = 49
  private static let noSuchObject = 32
  private static let noSuchAttribute = 16
  /// The programs' own: no connection.
  private static let noServer = 255

  /// What the runner may see of the entry.
  struct Entry {
    private let attributes: [String: String]
    /// Set when the server refuses every password of it.
    var isLocked: Bool { attributes["pwdaccountlockedtime"] != nil }
    subscript(_ name: String) -> String? { attributes[name.lowercased()] }

    /// - Parameter ldif: `name: value` lines (RFC 2849), not folded.
    init(_ ldif: String) {
      var attributes: [String: String] = [:]
      for line in ldif.split(whereSeparator: \.isNewline) {
        guard let colon = line.firstIndex(of: ":") else { continue }
        attributes[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
          in: .whitespaces)
      }
      self.attributes = attributes
    }
  }

  /// The programs' environment. A file of somebody's home directory has no say.
  private func variables(withCertificate: Bool) -> [String: String] {
    var found = ["HOME": "/", "LDAPTLS_REQCERT": "demand"]
    if let authorities = settings.authorities { found["LDAPTLS_CACERT"] = authorities }
    if withCertificate, let certificate = settings.certificate, let key = settings.key {
      found["LDAPTLS_CERT"] = certificate
      found["LDAPTLS_KEY"] = key
    }
    return found
  }

  private func call(
    _ program: String, at server: String, _ login: [String], _ rest: [String], input: Secret? = nil,
    withCertificate: Bool = true
  ) -> ProcessCall {
    ProcessCall(
      [program, "-H", server, "-o", "nettimeout=10"]
        + (settings.startsTLS && server.hasPrefix("ldap://") ? ["-ZZ"] : []) + login + rest,
      environment: variables(withCertificate: withCertificate), workingDirectory: "/",
      standardInput: input, timeout: .seconds(30))
  }

  private static let external = ["-Q", "-Y", "EXTERNAL"]

  // MARK: looking

  /// How a login with `password` ended.
  /// - Returns: the result code, and why a refusal says nothing about the password; nil: it does.
  func login(_ password: Secret, at server: String) async throws(CapabilityError) -> (
    status: Int, reason: String?
  ) {
    let outcome = try await environment.processes.inspect(
      call(
        "ldapwhoami", at: server, ["-x", "-D", settings.dn, "-y", "/dev/stdin", "-e", "ppolicy"], [],
        input: password, withCertificate: false),
      readOnlyBecause: "a login and the question who one is change nothing but the server's count of refusals"
    )
    try reached(outcome, "ldapwhoami", server)
    // The password policy's own word, and the codes of Active Directory: locked, expired, disabled, not now, not from here.
    if outcome.errors.contains("Account locked") { return (outcome.status, "the account is locked") }
    for code in ["530", "531", "532", "533", "701", "773", "775"]
    where outcome.errors.contains("data \(code)") {
      return (outcome.status, "for another reason than the password (data \(code))")
    }
    return (outcome.status, nil)
  }

  /// Who the runner is: `dn:cn=…`. - Throws: `.refused` when its certificate is not accepted.
  func ownName(at server: String) async throws(CapabilityError) -> String {
    let outcome = try await environment.processes.inspect(
      call("ldapwhoami", at: server, Self.external, []), readOnlyBecause: "the question who one is")
    try reached(outcome, "ldapwhoami", server)
    let name = outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    guard outcome.status == 0, name.hasPrefix("dn:"), name != "dn:" else {
      throw refused("ldapwhoami", server, outcome.status)
    }
    return name
  }

  /// Nil: there is no such entry, or the runner may not see it.
  func entry(at server: String) async throws(CapabilityError) -> Entry? {
    let outcome = try await environment.processes.inspect(
      call(
        "ldapsearch", at: server, Self.external,
        [
          "-LLL", "-o", "ldif-wrap=no", "-b", settings.dn, "-s", "base", "(objectClass=*)",
          "pwdAccountLockedTime", "pwdChangedTime", "createTimestamp",
        ]),
      readOnlyBecause: "a search")
    try reached(outcome, "ldapsearch", server)
    switch outcome.status {
    case 0: return outcome.output.contains("dn:") ? Entry(outcome.output) : nil
    case Self.noSuchObject: return nil
    default: throw refused("ldapsearch", server, outcome.status)
    }
  }

  /// Whether the server says that no password is left. A server that does not let the runner ask says nothing: then false.
  func hasNoPassword(at server: String) async throws(CapabilityError) -> Bool {
    let outcome = try await environment.processes.inspect(
      call(
        "ldapsearch", at: server, Self.external,
        ["-LLL", "-b", settings.dn, "-s", "base", "(!(userPassword=*))", "1.1"]),
      readOnlyBecause: "a search")
    try reached(outcome, "ldapsearch", server)
    return outcome.status == 0 && outcome.output.contains("dn:")
  }

  // MARK: changing

  /// Password Modify (RFC 3062): the server hashes it.
  func setPassword(_ fresh: Secret, at server: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let outcome = try await environment.processes.run(
      call("ldappasswd", at: server, Self.external, ["-T", "/dev/stdin", settings.dn], input: fresh),
      under: authority)
    // It ends with 1 whatever the server says, and tells the code in a line of its own.
    let code = Self.code(in: outcome.errors + outcome.output) ?? outcome.status
    guard code != 0 else { return }
    try changed(code, "ldappasswd", server)
  }

  /// Every value of userPassword. Safe to repeat.
  func removePasswords(at server: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let name = Data(settings.dn.utf8).base64EncodedString()
    let outcome = try await environment.processes.run(
      call(
        "ldapmodify", at: server, Self.external, [],
        input: Secret("dn:: \(name)\nchangetype: modify\ndelete: userPassword\n")), under: authority)
    guard outcome.status != 0, outcome.status != Self.noSuchAttribute else { return }
    try changed(outcome.status, "ldapmodify", server)
  }

  /// `Result: No such object (32)`
  private static func code(in text: String) -> Int? {
    guard let line = text.split(whereSeparator: \.isNewline).first(where: { $0.hasPrefix("Result: ") }),
      let open = line.lastIndex(of: "("), let close = line.lastIndex(of: ")"), open < close
    else { return nil }
    return Int(line[line.index(after: open)..<close])
  }

  private func changed(_ code: Int, _ program: String, _ server: String) throws(CapabilityError) {
    switch code {
    case Self.noSuchObject:
      throw CapabilityError(
        .notFound, "\(program) \(settings.dn)", because: "there is no such entry at \(server)",
        fix: "check dn in staunch.yaml")
    case 19:
      throw CapabilityError(
        .invalid, "\(program) \(settings.dn)",
        because: "the server's password policy does not take the new password (19)",
        fix: "see pwdCheckQuality, pwdMinLength and pwdMinAge of its policy")
    case 1...127 where code != 1: throw refused(program, server, code)
    default:
      throw CapabilityError(
        .unknownOutcome, "\(program) \(settings.dn)",
        because: "it ended with \(code), and nobody can tell whether the server had it by then",
        fix: "staunch resume asks")
    }
  }

  private func reached(_ outcome: ProcessOutcome, _ program: String, _ server: String) throws(CapabilityError)
  {
    guard outcome.status == Self.noServer else { return }
    throw CapabilityError(
      .network, program, because: "no connection to \(server), or its certificate is not believed",
      fix: "check that it is up, its name, and tls_ca in staunch.yaml")
  }

  private func refused(_ program: String, _ server: String, _ code: Int) -> CapabilityError {
    CapabilityError(
      .refused, program, because: "\(server) does not let the runner do this (\(code))",
      fix:
        "check tls_certificate, how the server maps it to a name (authz-regexp), and that name's rights: write on userPassword of "
        + "the entry, read on its pwdAccountLockedTime")
  }
}
