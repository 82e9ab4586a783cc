public import Capabilities
public import Incidents
public import Secrets

// Whether a password is accepted: asked at every node, on connections of their own, with the runner's own login between.
extension PostgresRole {
  /// A server that answers logins.
  struct Endpoint: Sendable, Hashable {
    let host: String
    let port: Int
    /// One of the host's addresses.
    var address: String?

    var name: String { "\(address ?? host):\(port)" }

    func apply(to login: inout SQLLogin) {
      login.host = host
      login.port = port
      login.address = address
    }

    /// `addresses:`. - Throws: `.configuration`.
    static func list(_ target: TargetConfiguration) throws(CapabilityError) -> [Endpoint] {
      var found: [Endpoint] = []
      for text in try target.texts("addresses") {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
          (1...65_535).contains(port), colon != text.startIndex
        else {
          throw CapabilityError(
            .configuration, "\(target.position): \(target.name)",
            because: "\"\(text)\" under addresses is no host:port",
            fix: "write for example db1.example.org:5432")
        }
        let host = text[..<colon].drop { $0 == "[" }.prefix { $0 != "]" }
        found.append(Endpoint(host: String(host), port: port))
      }
      return found
    }
  }

  /// Refusals at one server: a node that accepts, behind a balancer that picks one of two, is missed once in 2⁶ probes,
  /// and a proof is at least three.
  private static let refusals = 6
  /// Refusals where the control logins met several servers.
  private static let refusalsAmongSeveral = 24

  /// Every server to ask.
  func endpoints() async throws(CapabilityError) -> [Endpoint] {
    let named = nodes.isEmpty ? [Endpoint(host: host, port: port)] : nodes
    var found: [Endpoint] = []
    for endpoint in named {
      let addresses = try await environment.postgres.addresses(of: endpoint.host)
      found +=
        addresses.isEmpty
        ? [endpoint] : addresses.map { Endpoint(host: endpoint.host, port: endpoint.port, address: $0) }
    }
    return found
  }

  /// Dead means: every server took the password and said no, again and again on fresh connections, while the runner's
  /// own logins in between were accepted and the role is there.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let admin = try await adminLogin()
    let endpoints: [Endpoint]
    do throws(CapabilityError) {
      endpoints = try await self.endpoints()
    } catch {
      guard error.class == .network else { throw error }
      return CredentialProbe(.unknown, code: error.because)
    }
    var places: [(place: String, probe: CredentialProbe)] = []
    for endpoint in endpoints {
      let place = endpoints.count > 1 ? " at \(endpoint.name)" : ""
      let probe = await verify(secret, user: ref?.rawValue ?? role, at: endpoint, admin, place)
      if probe.state == .alive { return probe }
      places.append((endpoint.name, probe))
    }
    return CredentialProbe.verdict(at: places)
  }

  private func verify(
    _ secret: Secret, user: String, at endpoint: Endpoint, _ admin: SQLLogin, _ place: String
  ) async -> CredentialProbe {
    var control = admin
    endpoint.apply(to: &control)
    let login = login(user, secret, at: endpoint)
    var servers: Set<String> = []
    var controls = 0
    var refusals = 0
    var code = ""
    while true {
      var seen: [Control] = []
      do throws(CapabilityError) {
        // Every other time twice: a balancer that takes turns must not send all logins to one server and all controls to
        // the other.
        for _ in 0...(refusals % 2) { seen.append(try await self.control(control, user)) }
      } catch {
        return CredentialProbe(.unknown, code: "control login\(place): \(error.because)")
      }
      servers.formUnion(seen.map(\.server))
      controls += seen.count
      if refusals > 0, let problem = seen.compactMap({ $0.problem(code) }).first {
        return CredentialProbe(.unknown, code: problem + place)
      }
      if refusals >= (servers.count > 1 ? Self.refusalsAmongSeveral : Self.refusals) {
        return CredentialProbe(
          .dead, code: code,
          isReplaced: code == "28P01" && seen.allSatisfy { $0.canLogin == true && !$0.isExpired },
          evidence: ProbeEvidence(refusals: refusals, controls: controls))
      }
      switch await environment.postgres.tryLogin(login) {
      case .accepted:
        let after = refusals > 0 ? " after \(refusals) refusals: its servers disagree" : ""
        return CredentialProbe(.alive, code: "login accepted" + place + after)
      case .undecided(let word): return CredentialProbe(.unknown, code: word + place)
      case .rejected(let word):
        code = word
        refusals += 1
      }
    }
  }

  /// What the runner's own login shows.
  private struct Control {
    /// Tells one server from another behind the same address.
    let server: String
    /// Nil: there is no such role.
    let canLogin: Bool?
    let isExpired: Bool

    /// Why a refusal says nothing about the password.
    func problem(_ code: String) -> String? {
      guard let canLogin else { return "\(code), but there is no such role: renamed, or the entry is wrong" }
      // pg_hba.conf may ask somebody else (ldap, radius, pam), who may be down, or refuse the address: all are 28000,
      // and so is a role without LOGIN, which the server checks itself.
      guard code != "28P01", canLogin else { return nil }
      return "\(code): refused for another reason than the password (pg_hba.conf: ldap, radius, pam, reject)"
    }
  }

  private func control(_ login: SQLLogin, _ user: String) async throws(CapabilityError) -> Control {
    let session = try await safeSession(login)
    let rows = try await session.query(
      """
      SELECT pg_catalog.concat_ws('/'::pg_catalog.text, pg_catalog.inet_server_addr(),
          pg_catalog.inet_server_port(), pg_catalog.pg_postmaster_start_time()),
        r.rolcanlogin, coalesce(r.rolvaliduntil < pg_catalog.now(), false)
      FROM (SELECT) one LEFT JOIN pg_catalog.pg_roles r ON r.rolname = $1::pg_catalog.name
      """, [user])
    await session.close()
    guard let row = rows.first, row.count == 3, let server = row[0] else {
      throw CapabilityError(.serverError, "SELECT", because: "the server told nothing about itself")
    }
    return Control(server: server, canLogin: row[1].map { $0 == "t" }, isExpired: row[2] == "t")
  }

  /// Nil when there is no such role.
  func canLogin() async throws(CapabilityError) -> Bool? {
    try await control(try await adminLogin(), role).canLogin
  }
}
