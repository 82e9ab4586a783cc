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

    init(host: String, port: Int, address: String? = nil) {
      self.host = host
      self.port = port
      self.address = address
    }

    /// `host:port`, an IPv6 address in brackets; nil: it is not.
    init?(_ text: String) {
      guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
        (1...65_535).contains(port), colon != text.startIndex
      else { return nil }
      let host = text[..<colon].drop { $0 == "[" }.prefix { $0 != "]" }
      self.init(host: String(host), port: port)
    }

    /// `addresses:`. - Throws: `.configuration`.
    static func list(_ target: TargetConfiguration) throws(CapabilityError) -> [Endpoint] {
      var found: [Endpoint] = []
      for text in try target.texts("addresses") {
        guard let endpoint = Endpoint(text) else {
          throw CapabilityError(
            .configuration, "\(target.position): \(target.name)",
            because: "\"\(text)\" under addresses is no host:port",
            fix: "write for example db1.example.org:5432")
        }
        found.append(endpoint)
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

  /// Dead means: every server compared the password and said no, again and again on fresh connections, while the runner's
  /// own logins in between were accepted and the role is there; and no other database of it says otherwise.
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
    let control = moved(admin, to: endpoint)
    let login = login(user, secret, at: endpoint)
    var controls: [Control] = []
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
      controls += seen
      let servers = Set(controls.map(\.server)).count
      if refusals > 0, let problem = seen.compactMap({ $0.problem(code) }).first {
        return CredentialProbe(.unknown, code: problem + place)
      }
      if refusals >= (servers > 1 ? Self.refusalsAmongSeveral : Self.refusals) {
        let evidence = ProbeEvidence(refusals: refusals, controls: controls.count)
        // The server looks at LOGIN at every login, in whichever database.
        if controls.allSatisfy({ $0.canLogin == false }) {
          return CredentialProbe(.dead, code: code, evidence: evidence)
        }
        do throws(CapabilityError) {
          let verdict = try await judged(
            secret, user: user, at: endpoint, control, controls, servers: servers, evidence: evidence)
          return CredentialProbe(
            verdict.state, code: verdict.code + (verdict.state == .dead ? "" : place),
            isReplaced: verdict.isReplaced, isForeign: verdict.isForeign, isRefused: verdict.isRefused,
            evidence: verdict.evidence)
        } catch {
          return CredentialProbe(.unknown, code: "control login\(place): \(error.because)")
        }
      }
      switch await environment.postgres.tryLogin(login) {
      case .accepted:
        let after = refusals > 0 ? " after \(refusals) refusals: its servers disagree" : ""
        return CredentialProbe(.alive, code: "login accepted" + place + after)
      case .admitted(let word):
        let why = Self.behindThePassword[word] ?? "refused"
        return CredentialProbe(.alive, code: "password accepted\(place), and then \(word): \(why)")
      case .undecided(code: "28000"):
        return await unasked(secret, user, at: endpoint, control, place)
      case .weakAuthentication where seen.allSatisfy({ $0.canLogin == false }):
        code = "NOLOGIN"  // what the role's password is does not matter
        refusals += 1
      case .undecided(let word): return CredentialProbe(.unknown, code: word + place)
      case .rejected(let word):
        code = word
        refusals += 1
      }
    }
  }

  /// The entry's database did not ask for the password; another one may accept it.
  private func unasked(
    _ secret: Secret, _ user: String, at endpoint: Endpoint, _ admin: SQLLogin, _ place: String
  ) async -> CredentialProbe {
    do throws(CapabilityError) {
      let around = try await surroundings(of: user, admin)
      if let other = await elsewhere(around.databases, secret, user, at: endpoint), other.state == .alive {
        return other
      }
    } catch {
      return CredentialProbe(.unknown, code: "control login\(place): \(error.because)")
    }
    return CredentialProbe(
      .unknown,
      code:
        "28000\(place), before a password was asked for: pg_hba.conf has no line for this role, database and "
        + "address, rejects them or demands TLS")
  }

  private static let behindThePassword = [
    "3D000": "no such database", "42501": "no right to connect to the database",
    "53300": "no connection left",
    "55000": "the database takes no connections",
    "58P01": "a library that the role or the database pre-sets is not there",
  ]

  /// Nil when there is no such role.
  func canLogin() async throws(CapabilityError) -> Bool? {
    try await control(try await adminLogin(), role).canLogin
  }
}
