public import Capabilities
public import Incidents
public import Secrets

// Whether a password is accepted. A server says 1045 for a wrong password, for a user that is not there and for a row that a
// client from here never meets, so a refusal alone is no death. What each cause is worth:
// - every row's verifiers were read and none is the value's, and logins are refused: dead, from wherever;
// - a row holds its verifier: alive, also where a login from here is refused (a client from elsewhere gets in);
// - the row is locked, once the password was right (4151): dead as long as it is locked;
// - a salted verifier (MySQL, ed25519 with a password of another length): dead where another password of the same row is
//   accepted, for the server compares then, or where it is another known password's; else unknown;
// - PAM, a row without a password, an account that the server blocks: unknown.
extension MariaDBUser {
  /// As for PostgreSQL (`PostgresRoleProof.swift`).
  private static let refusals = 6
  private static let refusalsAmongSeveral = 24

  /// Every server to ask.
  func endpoints() async throws(CapabilityError) -> [PostgresRole.Endpoint] {
    let named = nodes.isEmpty ? [primary] : nodes
    var found: [PostgresRole.Endpoint] = []
    for endpoint in named {
      // A certificate is of a name: every node needs one of its own then (`addresses:`).
      guard tls(at: endpoint) == "disable" else {
        found.append(endpoint)
        continue
      }
      let addresses = try await environment.mariadb.addresses(of: endpoint.host)
      found +=
        addresses.isEmpty
        ? [endpoint]
        : addresses.map { PostgresRole.Endpoint(host: endpoint.host, port: endpoint.port, address: $0) }
    }
    return found
  }

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    _ = try await admin()  // a reference that cannot be read is an error, no verdict
    let endpoints: [PostgresRole.Endpoint]
    do throws(CapabilityError) { endpoints = try await self.endpoints() } catch {
      guard error.class == .network else { throw error }
      return CredentialProbe(.unknown, code: error.because)
    }
    var places: [(place: String, probe: CredentialProbe)] = []
    for endpoint in endpoints {
      let probe = await verify(secret, ref, at: endpoint, endpoints.count > 1 ? " at \(endpoint.name)" : "")
      if probe.state == .alive { return probe }
      places.append((endpoint.name, probe))
    }
    return CredentialProbe.verdict(at: places)
  }

  private func verify(
    _ secret: Secret, _ ref: CredentialRef?, at endpoint: PostgresRole.Endpoint, _ place: String
  ) async -> CredentialProbe {
    var looks: [MariaDBLook] = []
    var refusals = 0
    var code = ""
    while true {
      // Every other time twice: a balancer that takes turns must not send all logins to one server and all controls to the
      // other.
      for _ in 0...(refusals % 2) {
        do throws(CapabilityError) { looks.append(try await look(at: endpoint)) } catch {
          return CredentialProbe(.unknown, code: "control login\(place): \(error.because)")
        }
      }
      // Each once: a salted verifier takes its time.
      let rows = Set(looks.flatMap { $0.rows(of: ref) }).sorted { $0.host < $1.host }
      guard looks.allSatisfy({ !$0.rows(of: ref).isEmpty }) else {
        return CredentialProbe(
          .unknown,
          code: "there is no user \(ref?.rawValue ?? user)\(place): renamed, dropped, or the entry is wrong")
      }
      if refusals > 0 {
        if let row = rows.first(where: { $0.judgement(of: secret) == .accepts && !$0.isLocked }) {
          return CredentialProbe(
            .alive,
            code:
              "refused from here (\(code)), and \(row.ref) holds it\(place): accepted from other addresses")
        }
        if let most = looks.compactMap(\.mostErrors).min(), most < 1000 {
          return CredentialProbe(
            .unknown,
            code:
              "\(code)\(place), and not tried again: the server blocks the user after \(most) wrong passwords "
              + "(max_password_errors)", isRefused: true)
        }
      }
      let servers = Set(looks.map(\.server)).count
      if refusals >= (servers > 1 ? Self.refusalsAmongSeveral : Self.refusals) {
        let evidence = ProbeEvidence(refusals: refusals, controls: looks.count)
        return await judged(secret, rows, code, at: endpoint, place, servers: servers, evidence)
      }
      switch await environment.mariadb.tryLogin(login(user, secret, at: endpoint)) {
      case .accepted:
        if endpoint.host.hasPrefix("/"), rows.contains(where: Self.asksNobody),
          rows.allSatisfy({ $0.judgement(of: secret) == .differs })
        {
          return CredentialProbe(.unknown, code: "the server asked for no password (unix_socket)\(place)")
        }
        let after = refusals > 0 ? " after \(refusals) refusals: its servers disagree" : ""
        return CredentialProbe(.alive, code: "login accepted" + place + after)
      case .admitted(let word):
        return CredentialProbe(.alive, code: "password accepted\(place), and then refused (\(word))")
      case .undecided(let word):
        if let row = rows.first(where: { $0.judgement(of: secret) == .accepts && !$0.isLocked }) {
          return CredentialProbe(.alive, code: "\(row.ref) holds it\(place); a login from here: \(word)")
        }
        return CredentialProbe(.unknown, code: word + place)
      case .rejected(let word):
        code = word
        refusals += 1
      }
    }
  }

  private static func asksNobody(_ row: MariaDBAccount) -> Bool {
    row.methods.contains { MariaDBAccount.withoutPassword.contains($0.plugin) }
  }

  /// What a row of refusals at one server is worth.
  /// - Parameter rows: as they were seen between the refusals.
  private func judged(
    _ secret: Secret, _ rows: [MariaDBAccount], _ code: String, at endpoint: PostgresRole.Endpoint,
    _ place: String, servers: Int, _ evidence: ProbeEvidence
  ) async -> CredentialProbe {
    func unknown(_ because: String, isRefused: Bool = false) -> CredentialProbe {
      CredentialProbe(.unknown, code: "\(code)\(place), but \(because)", isRefused: isRefused)
    }
    let known = await presentPasswords().filter { !$0.isEmpty && !$0.isSame(as: secret) }
    var isReplaced = true
    var foreign: String?
    for row in Set(rows).sorted(by: { $0.host < $1.host }) where !row.isLocked {
      var isCompared = true
      switch row.judgement(of: secret) {
      case .accepts, .differs: break
      case .open: return unknown("\(row.ref) has no password: whoever comes without one is let in")
      case .otherJudge(let plugin): return unknown("\(plugin) judges passwords of \(row.ref)")
      case .unseen: isCompared = false
      }
      var isKnown = known.contains { row.judgement(of: $0) == .accepts }
      isCompared = isCompared || (!row.hasSecond && Self.areAll(row.methods, of: row, known, or: secret))
      if !isCompared || !isKnown {
        // Several servers behind one address: each is met by chance.
        let isMet = await takes(known, at: row, endpoint, times: servers > 1 ? 12 : 1)
        isKnown = isKnown || isMet
        guard isCompared || isMet else {
          return unknown(
            "whether the server compared it at \(row.ref) is not seen: its verifier is salted, and no other password of it "
              + "is known to work from here", isRefused: true)
        }
      }
      isReplaced = isReplaced && (isKnown || !row.takesPasswords)
      // Salted ones cannot be told apart; one that was met is that row's.
      let strangers = row.methods.filter { method in
        guard MariaDBAccount.keepsVerifier(method), MariaDBAccount.isWayIn(method) else { return false }
        let one = MariaDBAccount(user: row.user, host: row.host, methods: [method])
        if case .unseen = one.judgement(of: secret) { return !isKnown }
        return !known.contains { one.judgement(of: $0) == .accepts }
      }
      if !strangers.isEmpty { foreign = foreign ?? row.ref.rawValue }
    }
    let isLocked = rows.allSatisfy(\.isLocked)
    let words = foreign.map { "\(code): a password that \($0) takes now is not known here" }
    return CredentialProbe(
      .dead, code: words ?? (isLocked ? "\(code): locked" : code), isReplaced: isReplaced && !isLocked,
      isForeign: foreign != nil, evidence: evidence)
  }

  /// Whether every salted verifier of the row is another known password's: how this server salts is seen by that.
  private static func areAll(
    _ methods: [MariaDBAccount.Method], of row: MariaDBAccount, _ known: [Secret], or secret: Secret
  ) -> Bool {
    methods.allSatisfy { method in
      let one = MariaDBAccount(user: row.user, host: row.host, methods: [method])
      guard case .unseen = one.judgement(of: secret) else { return true }
      return known.contains { one.judgement(of: $0) == .accepts }
    }
  }

  /// Whether one of `known` opens just this row, from here.
  func takes(
    _ known: [Secret], at row: MariaDBAccount, _ endpoint: PostgresRole.Endpoint, times: Int
  ) async -> Bool {
    for secret in known {
      var accepted = 0
      while accepted < times {
        do throws(CapabilityError) {
          let session = try await environment.mariadb.connect(login(user, secret, at: endpoint))
          let rows = try await session.query("SELECT CURRENT_USER()", [])
          await session.close()
          guard rows.first?.first.flatMap({ $0 }) == row.ref.rawValue else { break }
          accepted += 1
        } catch { break }
      }
      if accepted == times { return true }
    }
    return false
  }
}
