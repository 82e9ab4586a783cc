import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import MariaDBClient
import Secrets
import Synchronization
import TestSupport
import Testing

/// The rotation of a user's password on a real server, with a rotator that has just the documented rights.
@Suite struct MariaDBUserTests {
  private let server: MariaDBServer
  private let connector = MariaDBConnector()

  init() throws { server = try MariaDBServer.shared() }

  private struct Case {
    let provider: MariaDBUser
    let login: SQLLogin
    let leaked: Secret
    let identity: CredentialRef
    let rotator: SQLLogin
    var name: String { login.user }
    func ref(_ host: String) -> CredentialRef { CredentialRef("\(login.user)@\(host)") }
  }

  static func provider(
    _ server: MariaDBServer, user: String, rotator: SQLLogin, _ settings: [String: JSONValue] = [:]
  ) throws -> MariaDBUser {
    var all: [String: JSONValue] = [
      "host": .string(server.host), "port": .integer(server.port), "user": .string(user),
      "admin_user": .string(rotator.user), "admin_password": "env:ROTATOR",
    ]
    all.merge(settings) { _, new in new }
    return try MariaDBUser(
      TargetConfiguration(name: "db", kind: "mariadb", settings: all, position: "staunch.yaml:1:1"),
      in: .forTests(mariadb: MariaDBConnector(), secrets: ["env:ROTATOR": try #require(rotator.password)]))
  }

  private func makeCase(
    hosts: [String] = ["%", "10.%"], rights: String = "CREATE USER, PROCESS, CONNECTION ADMIN",
    settings: [String: JSONValue] = [:], on other: MariaDBServer? = nil
  ) async throws -> Case {
    let server = other ?? server
    let login = try await server.makeUser(hosts)
    let rotator = try await server.makeRotator(rights)
    return Case(
      provider: try Self.provider(server, user: login.user, rotator: rotator, settings), login: login,
      leaked: try #require(login.password), identity: CredentialRef(login.user), rotator: rotator)
  }

  private func rotate(_ it: Case) async throws -> IssuedCredential {
    try await it.provider.issue(
      IssueOrder(marker: "m", generated: try it.provider.generate(), replacing: Leak(it.leaked)),
      under: .forTests())
  }

  /// How many sessions the user has, once those that were hung up are gone from the list, too.
  private func sessions(_ name: String, expecting count: String) async throws -> String {
    var found = ""
    for _ in 0..<50 where found != count {
      found = try await server.sql(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '\(name)'")
    }
    return found
  }

  @Test func `the whole rotation: both live at every row, then the old one at none, and its sessions end`()
    async throws
  {
    let it = try await makeCase(hosts: ["127.%", "10.%"])
    let subject = try await it.provider.identify(Leak(it.leaked))
    #expect(subject == Subject(it.identity, at: [it.ref("10.%"), it.ref("127.%")]))
    let old = try await connector.connect(it.login)
    let issued = try await rotate(it)
    for value in [it.leaked, issued.secret] {
      #expect(try await it.provider.verify(value, ref: nil).state == .alive)
    }
    let results = try await it.provider.disable(
      subject, leak: Leak(it.leaked), replacedBy: issued.ref, under: .forTests())
    #expect(results.allSatisfy { $0.problem == nil })
    let probe = try await it.provider.verify(it.leaked, of: subject)
    #expect(probe.state == .dead)
    #expect(probe.isReplaced && !probe.isForeign, "\(probe.code)")
    #expect(try await it.provider.verify(issued.secret, ref: issued.ref).state == .alive)

    // The traps: the old session lives on, and the server's own way to end a row's sessions ends none and says no word.
    #expect(try await old.query("SELECT 1", []) == [["1"]])
    try await server.sql("KILL USER '\(it.name)'@'127.%'")
    #expect(try await sessions(it.name, expecting: "1") == "1")
    let count = try await it.provider.endSessions(it.identity, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    await #expect(throws: CapabilityError.self) { try await old.query("SELECT 1", []) }
    #expect(try await sessions(it.name, expecting: "0") == "0")
  }

  @Test func `no plaintext reaches the general log or the binlog, which replicas and backups keep`()
    async throws
  {
    let it = try await makeCase()
    let issued = try await rotate(it)
    try await it.provider.disable(it.identity, leaked: it.leaked, replacedBy: issued.ref, under: .forTests())
    _ = try await it.provider.verify(it.leaked, ref: nil)
    try await server.sql("FLUSH LOGS")
    let logs = try server.logs()
    // The statement is there, so these are the right places to look.
    #expect(String(decoding: logs, as: UTF8.self).contains("ALTER USER '\(it.name)'@'10.%' IDENTIFIED VIA"))
    let redactor = Redactor()
    redactor.register(issued.secret)
    redactor.register(it.leaked)
    let isFound = redactor.finds(in: logs)
    #expect(!isFound)
  }

  @Test func `stopped first, every row is locked, and its replacement opens it without the leaked one`()
    async throws
  {
    let it = try await makeCase()
    for _ in 0..<2 {
      try await it.provider.disable(it.identity, leaked: it.leaked, replacedBy: nil, under: .forTests())
    }
    let probe = try await it.provider.verify(it.leaked, ref: nil)
    #expect(probe.state == .dead)
    #expect(probe.word == "4151")
    #expect(try await it.provider.identify(it.leaked) == it.identity)  // still told apart from a stranger's
    let issued = try await rotate(it)
    #expect(try await it.provider.verify(issued.secret, ref: nil).state == .alive)
    let after = try await it.provider.verify(it.leaked, ref: nil)
    #expect(after.state == .dead && after.word == "1045", "\(after)")
  }

  @Test func `a row that a client from here never meets keeps it alive`() async throws {
    let it = try await makeCase(hosts: ["%", "10.%"])
    let issued = try await rotate(it)
    try await it.provider.disable(it.ref("%"), leaked: it.leaked, replacedBy: issued.ref, under: .forTests())
    #expect(try await it.provider.verify(it.leaked, ref: it.ref("%")).state == .dead)
    let probe = try await it.provider.verify(it.leaked, ref: nil)
    #expect(probe.state == .alive)
    #expect(probe.code.contains("\(it.name)@10.%"))
  }

  @Test func `a way in that its holder has added is nobody's replacement`() async throws {
    let it = try await makeCase(hosts: ["%"])
    let issued = try await rotate(it)
    try await it.provider.disable(it.identity, leaked: it.leaked, replacedBy: issued.ref, under: .forTests())
    let own = try await server.sql("SHOW CREATE USER '\(it.name)'@'%'")
    let verifier = try #require(own.firstMatch(of: /'(\*[0-9A-F]{40})'/)).1
    try await server.sql(
      """
      ALTER USER '\(it.name)'@'%' IDENTIFIED VIA mysql_native_password USING '\(verifier)'
        OR mysql_native_password USING PASSWORD('of-the-intruder')
      """, isLogged: false)
    let probe = try await it.provider.verify(it.leaked, ref: nil)
    #expect(probe.state == .dead && probe.isForeign, "\(probe)")
    let findings = try await it.provider.searchAbuse(it.identity, since: nil).findings
    #expect(findings.contains { $0.hasPrefix("\(it.name)@% takes 2 passwords") })
  }

  @Test func `what else stands in a row stays: other ways in, TLS, limits`() async throws {
    let it = try await makeCase(hosts: ["%"])
    let name = "'\(it.name)'@'%'"
    let verifier = try #require(
      try await server.sql("SHOW CREATE USER \(name)").firstMatch(of: /'(\*[0-9A-F]{40})'/)
    ).1
    try await server.sql(
      "ALTER USER \(name) IDENTIFIED VIA unix_socket OR mysql_native_password USING '\(verifier)' "
        + "WITH MAX_USER_CONNECTIONS 7")
    let issued = try await rotate(it)
    try await it.provider.disable(it.identity, leaked: it.leaked, replacedBy: issued.ref, under: .forTests())
    let after = try await server.sql("SHOW CREATE USER \(name)")
    #expect(after.contains("VIA unix_socket OR mysql_native_password USING '*"))
    #expect(after.contains("WITH MAX_USER_CONNECTIONS 7"))
    #expect(!after.contains(verifier))
  }

  @Test func `statements that somebody has prepared for every login do not run with the runner's rights`()
    async throws
  {
    let own = try MariaDBServer(settings: ["init_connect": "'SET @ran = 1'"])
    defer { own.stop() }
    let poor = try await makeCase(hosts: ["%"], rights: "CREATE USER, PROCESS", on: own)
    let error = await #expect(throws: CapabilityError.self) { try await poor.provider.existing() }
    #expect(error?.class == .unsafe)
    #expect(try await poor.provider.verify(poor.leaked, ref: nil).state == .unknown)
    let whole = try await makeCase(hosts: ["%"], on: own)
    #expect(try await whole.provider.existing() == [whole.identity])
  }

  @Test func `without a right nothing is counted as ended, and doctor names the right`() async throws {
    let it = try await makeCase(hosts: ["%"], rights: "CREATE USER")
    let old = try await connector.connect(it.login)
    let error = await #expect(throws: CapabilityError.self) {
      try await it.provider.endSessions(it.identity, before: Date(), under: .forTests())
    }
    #expect(error?.class == .refused)
    #expect(error?.fix?.contains("PROCESS, CONNECTION ADMIN") == true)
    #expect(try await old.query("SELECT 1", []) == [["1"]])
    let missing = await it.provider.readiness().filter {
      if case .missing = $0.verdict { true } else { false }
    }
    #expect(missing.map(\.what) == ["PROCESS", "CONNECTION ADMIN"])
    let whole = try await makeCase(hosts: ["%"])
    let ready = await whole.provider.readiness()
    #expect(ready.allSatisfy { if case .ready = $0.verdict { true } else { false } })
    // Who may not read the rows at all hears of that.
    let blind = try await server.makeUser()
    let first = try await Self.provider(server, user: it.name, rotator: blind).readiness().first
    guard case .missing(_, let fix)? = first?.verdict else {
      Issue.record("\(String(describing: first))")
      return
    }
    #expect(fix.contains("SELECT ON mysql.*"))
  }

  @Test
  func `neither a user that is not there, a wrong runner nor a server that is away makes anything dead`()
    async throws
  {
    let it = try await makeCase()
    let none = try Self.provider(server, user: "no_such_user", rotator: it.rotator)
    #expect(try await none.verify(Secret("x"), ref: nil).state == .unknown)
    let error = await #expect(throws: CapabilityError.self) {
      try await none.issue(marker: "m", generated: try none.generate(), under: .forTests())
    }
    #expect(error?.class == .notFound)
    #expect(try await server.sql("SELECT COUNT(*) FROM mysql.user WHERE User = 'no_such_user'") == "0")
    let wrong = try Self.provider(
      server, user: it.name, rotator: server.login(it.rotator.user, Secret("Wr0ng")))
    #expect(try await wrong.verify(Secret("x"), ref: nil).state == .unknown)
    let away = try Self.provider(
      server, user: it.name, rotator: it.rotator, ["port": .integer(try SupervisedServer.freePort())])
    #expect(try await away.verify(Secret("x"), ref: nil).state == .unknown)
    await #expect(throws: CapabilityError.self) {
      try await Self.provider(server, user: it.rotator.user, rotator: it.rotator).identify(it.leaked)
    }
  }

  @Test func `a server that blocks users after wrong passwords is not asked again and again`() async throws {
    let strict = try MariaDBServer(settings: ["max_password_errors": "3"])
    defer { strict.stop() }
    let it = try await makeCase(hosts: ["%"], on: strict)
    let probe = try await it.provider.verify(Secret("not-its-password"), ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.contains("max_password_errors"))
    #expect(try await it.provider.verify(it.leaked, ref: nil).state == .alive)
    #expect(await it.provider.readiness().contains { $0.what == "max_password_errors" })
  }

  @Test func `a row without a password is a person's question, not dead`() async throws {
    let it = try await makeCase(hosts: ["%"])
    try await server.sql("CREATE USER '\(it.name)'@'10.%'")
    let probe = try await it.provider.verify(Secret("not-its-password"), ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.contains("\(it.name)@10.% has no password"))
    let error = await #expect(throws: CapabilityError.self) { try await rotate(it) }
    #expect(error?.class == .unsafe)
  }

  @Test func `a row that lets its user in without a password is given none`() async throws {
    let it = try await makeCase(hosts: ["%"])
    try await server.sql("CREATE USER '\(it.name)'@'localhost' IDENTIFIED VIA unix_socket")
    let issued = try await rotate(it)
    try await it.provider.disable(it.identity, leaked: it.leaked, replacedBy: issued.ref, under: .forTests())
    let row = try await server.sql("SHOW CREATE USER '\(it.name)'@'localhost'")
    #expect(row.hasSuffix("IDENTIFIED VIA unix_socket"))
  }

  @Test func `a lost reply repeats without harm, and the new password can be taken back`() async throws {
    let it = try await makeCase()
    let value = try it.provider.generate()
    var issued: IssuedCredential?
    for _ in 0..<2 {
      issued = try await it.provider.issue(marker: "m", generated: value, under: .forTests())
    }
    let one = try #require(issued)
    #expect(try await it.provider.ref(ofIssued: one.secret) == one.ref)
    for _ in 0..<2 { try await it.provider.delete(one.ref, under: .forTests()) }
    #expect(try await it.provider.verify(one.secret, ref: nil).state == .dead)
    #expect(try await it.provider.verify(it.leaked, ref: nil).state == .alive)
    await #expect(throws: CapabilityError.self) {
      try await it.provider.delete(it.identity, under: .forTests())
    }
  }

  /// Killed between two rows: taking the half for the whole would lock the other row when the leaked one is stopped.
  @Test func `a password that only one of the rows has got is set once more, at the other`() async throws {
    let it = try await makeCase(hosts: ["%", "10.%"])
    let wire = UnreliableWire()
    let provider = try MariaDBUser(
      TargetConfiguration(
        name: "db", kind: "mariadb",
        settings: [
          "host": .string(server.host), "port": .integer(server.port), "user": .string(it.name),
          "admin_user": .string(it.rotator.user), "admin_password": "env:ROTATOR",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(mariadb: wire, secrets: ["env:ROTATOR": try #require(it.rotator.password)]))
    let value = try #require(try provider.generate())
    let order = IssueOrder(marker: "m", generated: value, replacing: Leak(it.leaked))
    wire.state.withLock { $0.isBroken = true }
    await #expect(throws: CapabilityError.self) { try await provider.issue(order, under: .forTests()) }
    #expect(try await provider.verify(value, ref: nil).state == .alive)  // the trap
    let half = await #expect(throws: CapabilityError.self) { try await provider.ref(ofIssued: value) }
    #expect(half?.class == .notFound)
    #expect(half?.because == "\(it.name)@10.% does not take this password")
    wire.state.withLock { $0.isBroken = false }
    let issued = try await provider.issue(order, under: .forTests())
    #expect(try await provider.ref(ofIssued: value) == issued.ref)
  }

  @Test func `proxies and events that act in its name are told`() async throws {
    let it = try await makeCase(hosts: ["%"])
    let proxy = try await server.makeUser()
    try await server.sql("GRANT PROXY ON '\(it.name)'@'%' TO '\(proxy.user)'@'%'")
    let database = "db_" + it.name
    try await server.sql(
      "CREATE DATABASE \(database); CREATE DEFINER = '\(it.name)'@'%' EVENT \(database).nightly "
        + "ON SCHEDULE EVERY 1 DAY DO SELECT 1")
    let found = try await it.provider.successors(it.identity, since: nil).found
    #expect(found.map(\.ref) == [CredentialRef("\(proxy.user)@%"), CredentialRef("\(database).nightly")])
  }

  @Test func `a dropped user's session lives on and is ended all the same`() async throws {
    let it = try await makeCase(hosts: ["%"])
    let orphan = try await connector.connect(it.login)
    try await server.sql("DROP USER '\(it.name)'@'%'")
    #expect(try await orphan.query("SELECT 1", []) == [["1"]])  // the trap
    let count = try await it.provider.endSessions(it.identity, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    await #expect(throws: CapabilityError.self) { try await orphan.query("SELECT 1", []) }
    // With none left nobody can say under which name others are.
    let error = await #expect(throws: CapabilityError.self) {
      try await it.provider.endSessions(it.identity, before: Date(), under: .forTests())
    }
    #expect(error?.class == .notFound)
  }

  /// The server's list of sessions compares names as words are sorted.
  @Test func `sessions of an account whose name differs in case stay, and are not counted`() async throws {
    let it = try await makeCase(hosts: ["%"])
    let name = it.name.uppercased()
    try await server.sql("CREATE USER '\(name)'@'%' IDENTIFIED BY 'of-somebody-else'", isLogged: false)
    let other = try await connector.connect(server.login(name, Secret("of-somebody-else")))
    let old = try await connector.connect(it.login)
    #expect(try await it.provider.inspect(it.identity).facts["sessions"]?.object?.count == 1)
    let count = try await it.provider.endSessions(it.identity, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    await #expect(throws: CapabilityError.self) { try await old.query("SELECT 1", []) }
    #expect(try await other.query("SELECT 1", []) == [["1"]])
  }

  /// Which password leaked nobody has said: the store's is one of them.
  @Test func `known by its name alone, a user is locked although the store holds its password`() async throws
  {
    let it = try await makeCase()
    let leaked = it.leaked
    let provider = it.provider.knowing { [leaked] }
    let subject = try await provider.identify(Leak(handle: "\(it.name)@db1/shop"))
    try await provider.disable(subject, leak: Leak(), replacedBy: nil, under: .forTests()).check("disable")
    #expect(try await provider.verify(leaked, ref: nil) == CredentialProbe(.dead, code: "4151: locked"))
  }

  @Test func `known by its name alone and replaced, a user keeps the replacement and no other password`()
    async throws
  {
    let it = try await makeCase(hosts: ["%"])
    let leaked = it.leaked
    let issued = try await rotate(it)
    let provider = it.provider.knowing { [leaked] }
    try await provider.disable(it.identity, leak: Leak(), replacedBy: issued.ref, under: .forTests())
    #expect(try await provider.verify(leaked, ref: nil).state == .dead)
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
  }

  /// Whoever may make a database or a role chooses its name.
  @Test func `a right that only stands in a name is none`() async throws {
    let it = try await makeCase(hosts: ["%"], rights: "CREATE USER")
    let database = "db\(it.name),PROCESS ON *.* TO x"
    let role = "role\(it.name),CONNECTION ADMIN ON *.* TO x"
    try await server.sql(
      "GRANT SELECT ON `\(database)`.* TO '\(it.rotator.user)'@'%'; CREATE ROLE `\(role)`; "
        + "GRANT `\(role)` TO '\(it.rotator.user)'@'%'")
    let missing = await it.provider.readiness().filter {
      if case .missing = $0.verdict { true } else { false }
    }
    #expect(missing.map(\.what) == ["PROCESS", "CONNECTION ADMIN"])
  }

  @Test func `behind a balancer the sessions of one server are not all sessions`() async throws {
    let other = try MariaDBServer()
    defer { other.stop() }
    let it = try await makeCase(hosts: ["%"])
    let password = try #require(it.rotator.password).exposeAsText()
    try await other.sql(
      """
      CREATE USER '\(it.rotator.user)'@'%' IDENTIFIED BY '\(password)'; CREATE USER '\(it.name)'@'%';
      GRANT CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO '\(it.rotator.user)'@'%';
      GRANT SELECT ON mysql.* TO '\(it.rotator.user)'@'%'
      """)
    let session = try await connector.connect(it.login)
    let balancer = try TCPBalancer([server.port, other.port]) { $0 % 2 }
    let provider = try Self.provider(
      server, user: it.name, rotator: it.rotator, ["port": .integer(balancer.port)])
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(it.identity, before: Date(), under: .forTests())
    }
    #expect(error?.class == .configuration)
    #expect(error?.fix?.contains("addresses") == true)
    #expect(try await session.query("SELECT 1", []) == [["1"]])  // nothing was done
  }

  @Test func `the only password of a row is not called taken back`() async throws {
    let it = try await makeCase(hosts: ["%"])
    let ref = try await it.provider.ref(ofIssued: it.leaked)
    let error = await #expect(throws: CapabilityError.self) {
      try await it.provider.delete(ref, under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(error?.fix?.contains("ACCOUNT LOCK") == true)
    #expect(try await it.provider.verify(it.leaked, ref: nil).state == .alive)
  }

  @Test func `facts tell rights, rows and who is logged in`() async throws {
    let it = try await makeCase()
    try await server.sql("GRANT RELOAD ON *.* TO '\(it.name)'@'10.%'")
    let session = try await connector.connect(it.login)
    let facts = try await it.provider.inspect(it.identity).facts
    #expect(facts["privilege"] == ["reload"])
    #expect(facts["hosts"] == ["%", "10.%"])
    #expect(facts["passwords"] == 2)
    #expect(facts["can_login"] == true)
    #expect(facts["sessions"]?.object?.count == 1)
    await session.close()
  }

  @Test func `a node far away is met over TLS also where the first one is this machine`() async throws {
    let rotator = server.login("rotator", Secret("x"))
    let wire = LoginWitness()
    let provider = try MariaDBUser(
      TargetConfiguration(
        name: "db", kind: "mariadb",
        settings: [
          "user": "app", "admin_user": .string(rotator.user), "admin_password": "env:ROTATOR",
          "addresses": ["127.0.0.1:3306", "db2.example.org:3306"],
        ], position: "staunch.yaml:1:1"),
      in: .forTests(mariadb: wire, secrets: ["env:ROTATOR": Secret("x")]))
    #expect(try await provider.verify(Secret("y"), ref: nil).state == .unknown)
    #expect(
      wire.seen.withLock { $0 } == ["127.0.0.1": "disable", "db2.example.org": "verify-full"])
  }

  @Test(arguments: ["require", "prefer"]) func `TLS without a check of the name is not offered`(
    _ word: String
  ) {
    let error = #expect(throws: CapabilityError.self) {
      try Self.provider(
        server, user: "app", rotator: server.login("rotator", Secret("x")), ["tls": .string(word)])
    }
    #expect(error?.class == .configuration)
  }
}

@Suite struct MariaDBUserContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(MariaDBUserFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(MariaDBUserFixture.self)
  }
}

private struct MariaDBUserFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak
  private let wire: UnreliableWire

  static func make() async throws -> Self {
    let server = try MariaDBServer.shared()
    let user = try await server.makeUser(["%", "10.%"])
    let rotator = try await server.makeRotator()
    let wire = UnreliableWire()
    let target = TargetConfiguration(
      name: "it", kind: MariaDBUser.kind,
      settings: [
        "host": .string(server.host), "port": .integer(server.port), "user": .string(user.user),
        "admin_user": .string(rotator.user), "admin_password": "env:A",
      ], position: "staunch.yaml:1:1")
    return Self(
      provider: try CredentialProviderRegistry.make(
        target, in: .forTests(mariadb: wire, secrets: ["env:A": try #require(rotator.password)])),
      leak: Leak(try #require(user.password), handle: "\(user.user)@\(server.host)/shop"), wire: wire)
  }

  func loseNextReply() -> Bool {
    wire.state.withLock { $0.losesNext = true }
    return true
  }
  func breakOnePlace() -> Bool {
    wire.state.withLock { $0.isBroken = true }
    return true
  }
  func mend() { wire.state.withLock { $0.isBroken = false } }
}

/// Lets nobody in, and keeps how each host was to be met.
private final class LoginWitness: SQLConnector {
  let seen = Mutex<[String: String]>([:])

  func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    seen.withLock { $0[login.host] = login.tls }
    throw CapabilityError(.network, "login", because: "nobody is there")
  }
  func tryLogin(_ login: SQLLogin) async -> LoginOutcome {
    seen.withLock { $0[login.host] = login.tls }
    return .undecided(code: "nobody is there")
  }
}

/// The real client, which loses a reply, or fails at one of the rows, on demand.
private final class UnreliableWire: SQLConnector {
  struct State {
    var losesNext = false
    var isBroken = false
  }
  let state = Mutex(State())
  private let real = MariaDBConnector()

  func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    Session(inner: try await real.connect(login), wire: self)
  }
  func tryLogin(_ login: SQLLogin) async -> LoginOutcome { await real.tryLogin(login) }

  private struct Session: SQLSession {
    let inner: any SQLSession
    let wire: UnreliableWire

    func query(_ statement: String, _ parameters: [String?]) async throws(CapabilityError) -> [[String?]] {
      try await inner.query(statement, parameters)
    }
    func execute(_ statement: String, _ parameters: [String?], under authority: borrowing ExecutionAuthority)
      async throws(CapabilityError) -> [[String?]]
    {
      if wire.state.withLock({ $0.isBroken }), statement.contains("@'10.%'") {
        throw CapabilityError(.network, "ALTER USER", because: "the connection broke before it was sent")
      }
      let rows = try await inner.execute(statement, parameters, under: authority)
      let isLost = wire.state.withLock { state in
        defer { state.losesNext = false }
        return state.losesNext
      }
      if isLost { throw CapabilityError(.unknownOutcome, "ALTER USER", because: "the reply was lost") }
      return rows
    }
    func passwordVerifier(for password: Secret, user: String) async throws(CapabilityError) -> String {
      try await inner.passwordVerifier(for: password, user: user)
    }
    func quotedIdentifier(_ name: String) throws(CapabilityError) -> String {
      try inner.quotedIdentifier(name)
    }
    func quotedLiteral(_ text: String) throws(CapabilityError) -> String { try inner.quotedLiteral(text) }
    func close() async { await inner.close() }
  }
}
