import Foundation
public import Secrets

/// A real OpenLDAP server with a password policy, on TLS, and a runner that logs in with a certificate and has the documented rights.
public final class SlapdServer: Sendable {
  /// The certificate's authority, a file.
  public let authority: String
  /// The runner's certificate and key, files.
  public let certificate: String
  public let key: String
  public let started: StartedServer
  private let certificates: CertificateAuthority
  private let root = Secret("root-" + UUID().uuidString)
  private static let base = "dc=example,dc=org"

  public var url: String { "ldaps://127.0.0.1:\(started.ports[0])" }
  /// Without TLS, until it is asked for.
  public var plainURL: String { "ldap://127.0.0.1:\(started.ports[1])" }

  /// One server for all tests of a process. Use entries of your own.
  public static func shared() async throws -> SlapdServer { try await sharedServer.value.get() }
  private static let sharedServer = Task { () async -> Result<SlapdServer, any Error> in
    do { return .success(try await SlapdServer()) } catch { return .failure(error) }
  }

  public init() async throws {
    certificates = try await CertificateAuthority()
    authority = certificates.path
    let own = try await certificates.sign("IP:127.0.0.1")
    (certificate, key) = try await certificates.sign("DNS:runner")
    let (authority, password) = (authority, root.exposeAsText())
    started = try StartedServer("slapd", Self.script, ports: 2) { directory, _ in
      [
        "root": password,
        "start.ldif": Self.start,
        "slapd.conf": """
        include /etc/ldap/schema/core.schema
        include /etc/ldap/schema/cosine.schema
        include /etc/ldap/schema/inetorgperson.schema
        modulepath /usr/lib/ldap
        moduleload back_mdb
        moduleload ppolicy
        moduleload syncprov
        pidfile \(directory)/pid
        TLSCACertificateFile \(authority)
        TLSCertificateFile \(own.certificate)
        TLSCertificateKeyFile \(own.key)
        TLSVerifyClient try
        authz-regexp "^o=tests$" "cn=runner,\(Self.base)"
        database mdb
        suffix "\(Self.base)"
        rootdn "cn=root,\(Self.base)"
        rootpw \(password)
        directory \(directory)/data
        access to attrs=userPassword by dn.exact="cn=runner,\(Self.base)" write by anonymous auth by * none
        access to * by dn.exact="cn=runner,\(Self.base)" read by self write by * none
        overlay ppolicy
        ppolicy_default "cn=policy,\(Self.base)"
        overlay syncprov

        """,
      ]
    }
  }

  /// An entry of a person. - Returns: its distinguished name, and its password.
  public func makeEntry() async throws -> (dn: String, password: Secret) {
    let name = "user-" + UUID().uuidString.prefix(8).lowercased()
    let dn = "uid=\(name),\(Self.base)"
    let password = "Pw" + UUID().uuidString
    try await change(
      """
      dn: \(dn)
      changetype: add
      objectClass: inetOrgPerson
      uid: \(name)
      cn: \(name)
      sn: \(name)
      userPassword: \(password)

      """)
    return (dn, Secret(password))
  }

  /// Changes something as the directory's root. - Parameter ldif: RFC 2849.
  public func change(_ ldif: String) async throws {
    let file = started.directory.path(UUID().uuidString)
    try ldif.write(toFile: file, atomically: true, encoding: .utf8)
    try await Program.run(
      [
        "ldapmodify", "-H", url, "-x", "-D", "cn=root,\(Self.base)", "-y", started.directory.path("root"),
        "-f",
        file,
      ], in: "/", environment: ["LDAPTLS_CACERT": authority])
  }

  /// The lines that an entry has of an attribute, as root sees it.
  public func values(_ attribute: String, of dn: String) async throws -> [String] {
    try await Program.run(
      [
        "ldapsearch", "-H", url, "-x", "-D", "cn=root,\(Self.base)", "-y", started.directory.path("root"),
        "-LLL",
        "-o", "ldif-wrap=no", "-b", dn, "-s", "base", "(objectClass=*)", attribute,
      ], in: "/", environment: ["LDAPTLS_CACERT": authority]
    ).split(separator: "\n").map(String.init).filter { $0.hasPrefix("\(attribute):") }
  }

  /// Logs in `count` times with a wrong password.
  public func refuse(_ dn: String, times count: Int) async throws {
    try await Program.run(
      [
        "sh", "-c",
        #"for i in $(seq "$1"); do printf wrong | ldapwhoami -H "$2" -x -D "$3" -y /dev/stdin 2>/dev/null; done; true"#,
        "sh", "\(count)", url, dn,
      ], in: "/", environment: ["LDAPTLS_CACERT": authority])
  }

  /// A search of its own entry that stays open and prints what changes (RFC 4533).
  public func watch(_ dn: String, _ password: Secret) throws -> StreamingClient {
    let file = started.directory.path(UUID().uuidString)
    try password.exposeAsText().write(toFile: file, atomically: true, encoding: .utf8)
    return try StreamingClient(
      #"exec ldapsearch -H "$1" -x -D "$2" -y "$3" -LLL -o ldif-wrap=no -b "$2" -s base -E '!sync=rp' '(objectClass=*)' description"#,
      arguments: [url, dn, file], environment: ["LDAPTLS_CACERT": authority], into: file + ".out")
  }

  private static let start = """
    dn: dc=example,dc=org
    objectClass: dcObject
    objectClass: organization
    o: Example
    dc: example

    dn: cn=policy,dc=example,dc=org
    objectClass: device
    objectClass: pwdPolicy
    cn: policy
    pwdAttribute: userPassword
    pwdLockout: TRUE
    pwdMaxFailure: 6
    pwdLockoutDuration: 0

    """

  private static let script = """
    d=$1 port=$2 plain=$3
    PATH="$PATH:/usr/sbin"
    command -v slapd >/dev/null && command -v ldapwhoami >/dev/null || { echo "no slapd or ldap-utils; fix: .ci/packages debian" >&2; exit 1; }
    mkdir "$d/data"
    slapadd -f "$d/slapd.conf" -l "$d/start.ldif" >"$d/log" 2>&1 || { cat "$d/log" >&2; exit 1; }
    setsid slapd -d 256 -f "$d/slapd.conf" -h "ldaps://127.0.0.1:$port/ ldap://127.0.0.1:$plain/" >"$d/log" 2>&1 </dev/null &
    node=$!
    timeout 30 tail -n +1 -f "$d/log" | { while read -r line; do case $line in *"slapd starting"*) exit 0;; esac; done; exit 1; } \\
      || failed "$d/log" "$node"
    running "$(sed -n 's/.*OpenLDAP: slapd \\([0-9.]*\\).*/\\1/p' "$d/log" | head -n 1)" "$node"
    """
}
