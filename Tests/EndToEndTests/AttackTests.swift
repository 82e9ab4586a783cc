import Capabilities
import Foundation
import JSON
import PostgresClient
import Secrets
import TestSupport
import Testing

/// The demonstrations of the audit, made again with the built program. docs/SECURITY-MODEL.md lists what each shows.
@Suite struct AttackTests {
  /// An installation whose one playbook restarts a program for an incident.
  struct Site {
    let directory: TemporaryDirectory
    let binary: StaunchBinary
    /// Looks like a word of some vocabulary: lower-case letters and digits.
    static let value = "hunter2" + "hunter2xx"
    var state: String { directory.path("state") }

    init(policy: String = "{}", more: String = "") throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      try FileManager.default.createDirectory(
        atPath: directory.path("playbooks"), withIntermediateDirectories: true)
      try """
      playbook: 1
      id: again
      title: Restart again
      deadline: 1h
      inputs: {incident: {type: incident}, leaked: {type: list<secret>}, consumers: {type: list<consumer>, default: []}}
      steps:
        - id: restart
          for_each: {in: "${{ inputs.consumers }}", as: c}
          uses: consumer.roll-out
          with: {consumer: "${{ c }}"}
          undo: {none: it runs}
      """.write(toFile: directory.path("playbooks/again.yaml"), atomically: true, encoding: .utf8)
      try configure("harmless", policy: policy, more: more)
    }

    func configure(_ program: String, policy: String = "{}", more: String = "") throws {
      try """
      staunch: 1
      consumers:
        web: {kind: command, restart: [/usr/bin/touch, "\(directory.path(program))"]}
      routes:
        - {playbook: again, consumers: [web]}
      policy: \(policy)
      \(more)
      """.write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: directory.path(name)) }

    struct Planned {
      let incident: String
      let plan: String
      let digest: String
    }

    func respond(_ value: String = Site.value, file: String = "a.py") async throws -> Planned {
      try """
      [{"RuleID": "generic-api-key", "Secret": "\(value)", "Match": "k = \(value)", "File": "\(file)", "StartLine": 3,
        "Commit": "0123456789012345678901234567890123456789", "Date": "2026-11-01T10:00:00Z"}]
      """.write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
      let outcome = try await binary.run(["respond", "r.json", "--format", "gitleaks", "--json"])
      let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
      let incident = try #require(document["incidents"]?.array?.first, "\(outcome.errors)")
      #expect(incident["severity"] == "sev3")
      return Planned(
        incident: try #require(incident["id"]?.string), plan: try #require(incident["plan"]?["id"]?.string),
        digest: try #require(incident["plan"]?["digest"]?.string))
    }

    func run(_ planned: Planned) async throws -> StaunchBinary.Outcome {
      try await binary.run(["run", planned.plan, "--live", "--approve", planned.digest, "--no-input"])
    }

    /// What a taken-over endpoint does to the exchange file, in Python's sqlite3.
    func attackExchange(_ script: String) async throws {
      try await Program.run(
        [
          "python3", "-c", "import sqlite3, os, sys\npath = sys.argv[1]\n" + script,
          state + "/exchange/exchange.sqlite",
        ],
        in: directory.path)
    }
  }

  // MARK: 1, 10, 12: the leaked role's database

  /// A role that owns a database with a false `pg_stat_activity` and a false `pg_backend_pid()`, and a rotator.
  private func stage(_ server: PostgresServer, _ connector: PostgresConnector) async throws -> (
    role: SQLLogin, rotator: SQLLogin
  ) {
    var role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    try await server.sql("GRANT pg_signal_backend, pg_read_all_stats TO \(rotator.user)")
    role.database = "db_" + role.user
    try await server.sql("CREATE DATABASE \(role.database) OWNER \(role.user)")
    let own = try await connector.connect(role)
    for statement in [
      "CREATE SCHEMA evil", "GRANT USAGE ON SCHEMA evil TO PUBLIC",
      """
      CREATE VIEW evil.pg_stat_activity AS SELECT 1::pg_catalog.int4 AS pid, ''::pg_catalog.name AS usename,
        1::pg_catalog.oid AS usesysid, pg_catalog.now() AS backend_start WHERE false
      """,
      """
      CREATE FUNCTION evil.pg_backend_pid() RETURNS pg_catalog.int4 LANGUAGE plpgsql AS
      $$ BEGIN EXECUTE 'CREATE ROLE backdoor_\(role.user) CREATEROLE'; RETURN 1; END $$
      """,
      "ALTER DATABASE \(role.database) SET search_path = evil, pg_catalog",
    ] { _ = try await own.execute(statement, [], under: .forTests()) }
    await own.close()
    return (role, rotator)
  }

  private func entry(_ server: PostgresServer, _ role: SQLLogin, admin: String) -> String {
    """
    credentials:
      db: {kind: postgres, host: \(server.host), port: \(server.port), database: \(role.database), role: \(role.user),
        admin_user: \(admin), admin_password: "env:ADMIN", tls: disable}
    """
  }

  @Test
  func
    `1: over a database that the leaked role has prepared, end-sessions counts right and runs nobody's function`()
    async throws
  {
    let (server, connector) = (try PostgresServer.shared(), PostgresConnector())
    let (role, rotator) = try await stage(server, connector)
    let living = try await connector.connect(role)
    let site = try Site(more: entry(server, role, admin: rotator.user))
    let outcome = try await site.binary.run(
      ["credential", "end-sessions", "db", "--secret", "env:LEAKED", "--live", "--confirm", "db"],
      environment: [
        "ADMIN": try #require(rotator.password).exposeAsText(),
        "LEAKED": try #require(role.password).exposeAsText(),
      ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == "1 found, 1 ended, 0 left\n")
    await #expect(throws: CapabilityError.self) { try await living.query("SELECT 1", []) }
    #expect(
      try await server.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'backdoor_\(role.user)'") == "0")
  }

  @Test(arguments: ["password", "md5"])
  func `10: a server that asks for the password in clear or as MD5 is not told the admin's`(method: String)
    async throws
  {
    let server = try PostgresServer(
      rules: ["host all admin127 127.0.0.1/32 \(method)"])
    defer { server.stop() }
    let role = try await server.makeRole()
    try await server.sql(
      "SET password_encryption = 'md5'; CREATE ROLE admin127 LOGIN CREATEROLE PASSWORD 'Adm1nPassw0rd'",
      isLogged: false)
    let site = try Site(more: entry(server, role, admin: "admin127"))
    let outcome = try await site.binary.run(
      ["credential", "inspect", "db", "--secret", "env:LEAKED"],
      environment: ["ADMIN": "Adm1nPassw0rd", "LEAKED": try #require(role.password).exposeAsText()])
    #expect(outcome.status != 0)
    #expect(outcome.errors.contains("in clear"), "\(outcome.errors)")
    #expect(try !server.log().contains("authorized: user=admin127"))
  }

  @Test func `12: by hand a credential is not stopped without the approvals that the policy asks for`()
    async throws
  {
    let (server, connector) = (try PostgresServer.shared(), PostgresConnector())
    let (role, rotator) = try await stage(server, connector)
    let living = try await connector.connect(role)
    let site = try Site(
      policy: "{approvals: {minimum: 2}}", more: entry(server, role, admin: rotator.user))
    let passwords = [
      "ADMIN": try #require(rotator.password).exposeAsText(),
      "LEAKED": try #require(role.password).exposeAsText(),
    ]
    for command in ["disable", "end-sessions"] {
      let outcome = try await site.binary.run(
        ["credential", command, "db", "--secret", "env:LEAKED", "--live", "--confirm", "db"],
        environment: passwords)
      #expect(
        [75, 77].contains(outcome.status), "\(command): \(outcome.status) \(outcome.output)\(outcome.errors)")
    }
    _ = try await living.query("SELECT 1", [])
    #expect(await connector.tryLogin(role) == .accepted)
    await living.close()
  }

  // MARK: 2: a leaked word

  @Test(arguments: ["steps", "postgres", "sev3", "kind", "dead", "digest", "web"])
  func `2: a leaked value that is an ordinary word breaks no document, and the plan runs`(word: String)
    async throws
  {
    let site = try Site()
    let planned = try await site.respond(word)
    #expect(try await site.binary.run(["status"]).status == 0)
    let ran = try await site.run(planned)
    #expect(ran.status == 0, "\(ran.errors)")
    #expect(site.exists("harmless"))
    let worked = try await site.binary.run(["work", "--once"])
    #expect(worked.status == 0, "\(worked.errors)")
    #expect(try await site.binary.run(["journal", "verify"]).status == 0)
  }

  // MARK: 3, 4: the endpoint's directory

  @Test func `3: a person whom the endpoint plants is not trusted by people add, remove or password`()
    async throws
  {
    let site = try Site()
    try "four random words here".write(toFile: site.directory.path("pw"), atomically: true, encoding: .utf8)
    func people(_ arguments: String...) async throws -> StaunchBinary.Outcome {
      let outcome = try await site.binary.run(["people"] + arguments)
      #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
      return outcome
    }
    let password = "file:" + site.directory.path("pw")
    _ = try await people("add", "maria", "--password-from", password)
    let copy = URL(filePath: site.state + "/exchange/people.json")
    let trust = URL(filePath: site.state + "/people.trust.json")
    for change in [
      ["add", "jonas", "--password-from", password],
      ["password", "maria", "--old-password-from", password, "--password-from", password],
      ["remove", "jonas"],
    ] {
      var document = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: copy)).object ?? [:]
      var list = document["people"]?.array ?? []
      var eve = try #require(list.first?.object)
      eve["name"] = "eve"
      eve["roles"] = ["repository-admin"]
      list.append(.object(eve))
      document["people"] = .array(list)
      try Data(JSONValue.object(document).canonicalText.utf8).write(to: copy)
      let outcome = try await site.binary.run(["people"] + change)
      #expect(outcome.errors.contains("eve"), "\(change): \(outcome.output)\(outcome.errors)")
      for file in [trust, copy] {
        #expect(try !String(contentsOf: file, encoding: .utf8).contains("eve"), "\(change)")
      }
    }
  }

  /// What is planted, and whether the worker must stop because of it or mark it and go on.
  static let plants: [(name: String, script: String, isRefused: Bool)] = [
    (
      "a trigger",
      "sqlite3.connect(path).execute(\"CREATE TRIGGER evil AFTER UPDATE ON deliveries BEGIN "
        + "UPDATE deliveries SET spool = '../../operator.key'; END\")", true
    ),
    ("a path as spool name", row("../../operator.key"), false),
    ("a pipe in the spool", row(uuid) + "os.mkdir(spool)\nos.mkfifo(spool + '/\(uuid)')\n", false),
    (
      "a link in the spool",
      row(uuid) + "os.mkdir(spool)\nos.symlink('../../operator.key', spool + '/\(uuid)')\n",
      false
    ),
    (
      "a link in the spool's place",
      row(uuid) + "os.symlink(os.path.dirname(os.path.dirname(path)), spool)\n", false
    ),
    (
      "decisions that cannot be read",
      "db = sqlite3.connect(path)\nfor d in ['{', '[]', 'x' * 300000]:\n"
        + "    db.execute('INSERT INTO decisions (document) VALUES (?)', (d,))\ndb.commit()\n", false
    ),
    ("values of other types than the table declares", anyTypes, false),
  ]
  private static let uuid = "0f0e0d0c-0b0a-4900-8807-060504030201"
  private static func row(_ spool: String) -> String {
    """
    spool = path + '.spool'
    db = sqlite3.connect(path)
    db.execute("INSERT INTO deliveries (route, source, id, is_id_signed, body_digest, received_at, spool) "
      "VALUES ('/r', 'report', '1', 1, 'd', 1790000000000, '\(spool)')")
    db.commit()

    """
  }
  /// SQLite checks types by the schema that the writer has read, and this one has read another.
  private static let anyTypes = """
    one = sqlite3.connect(path, isolation_level=None)
    names = ['decisions', 'deliveries']
    text = {n: one.execute('SELECT sql FROM sqlite_master WHERE name = ?', (n,)).fetchone()[0] for n in names}
    def put(change):
        one.execute('PRAGMA writable_schema = ON')
        for n in names: one.execute('UPDATE sqlite_master SET sql = ? WHERE name = ?', (change(text[n]), n))
    put(lambda s: s.replace(') STRICT', ')').replace('NOT NULL', '').replace(' TEXT', '')
      .replace('received_at INTEGER', 'received_at'))
    two = sqlite3.connect(path, isolation_level=None)
    bad = bytes([255, 254])
    two.execute("INSERT INTO decisions (document, state) VALUES (?, 'pending')", (bad,))
    two.execute("INSERT INTO deliveries (route, source, id, is_id_signed, body_digest, received_at, state) "
      "VALUES (?, ?, ?, 1, ?, 'soon', 'pending')", (bad, bad, bad, bad))
    put(lambda s: s)
    """

  @Test(arguments: plants.indices)
  func `4: what the endpoint plants is not run, not followed and not waited for, and stands in nobody's way`(
    index: Int
  ) async throws {
    let (name, script, isRefused) = Self.plants[index]
    let site = try Site()
    _ = try await site.respond()
    #expect(try await site.binary.run(["work", "--once"]).status == 0)
    let key = try Data(contentsOf: URL(filePath: site.state + "/operator.key"))
    try await site.attackExchange(script)
    for _ in 0..<2 {
      let worked = try await site.binary.run(["work", "--once"])
      #expect(
        worked.status == (isRefused ? 69 : 0), "\(name): \(worked.status) \(worked.errors.prefix(2000))")
      if isRefused { #expect(worked.errors.contains("the trigger evil"), "\(worked.errors)") }
    }
    #expect(try Data(contentsOf: URL(filePath: site.state + "/operator.key")) == key)
    #expect(try await site.binary.run(["journal", "verify"]).status == 0)
  }

  @Test func `4: a key that is gone beside its journal is an error, never a new key`() async throws {
    let site = try Site()
    let planned = try await site.respond()
    let key = site.state + "/operator.key"
    try FileManager.default.removeItem(atPath: key)
    for arguments in [
      ["note", "x", "--incident", planned.incident], ["work", "--once"], ["respond", "r.json"],
    ] {
      let outcome = try await site.binary.run(arguments)
      #expect(outcome.status == 69, "\(arguments): \(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: key))
    }
  }

  // MARK: 6, 7, 11: what was approved, what was leaked

  @Test func `6: an entry that is edited after the approval runs nothing`() async throws {
    let site = try Site()
    let planned = try await site.respond()
    try site.configure("evil")
    let ran = try await site.run(planned)
    #expect(ran.status == 1)
    #expect(ran.errors.contains("consumer web") || ran.output.contains("consumer web"), "\(ran.errors)")
    #expect(!site.exists("evil") && !site.exists("harmless"))
  }

  @Test func `7: a sealed value that a later report has as a file's name does not reach the journal`()
    async throws
  {
    let site = try Site()
    let first = try await site.respond()
    _ = try await site.respond("another-value-123456", file: Site.value + "/a.py")
    let note = try await site.binary.run(["note", "it is \(Site.value)", "--incident", first.incident])
    #expect(note.status == 77)
    #expect(try await !site.binary.run(["journal", "export"]).output.contains(Site.value))
    for suffix in ["", "-wal"] {
      let path = site.state + "/journal.sqlite" + suffix
      guard FileManager.default.fileExists(atPath: path) else { continue }
      #expect(
        try Data(contentsOf: URL(filePath: path)).range(of: Data(Site.value.utf8)) == nil, "\(suffix)")
    }
  }

  @Test func `11: after the retention the key of a closed incident's value is destroyed`() async throws {
    let site = try Site(policy: "{retention: 1ms}")
    let planned = try await site.respond()
    let scan = ["history", "scan", "--repository", "r", "--incident", planned.incident]
    try await Program.run(
      [
        "sh", "-c",
        "git init -q r && cd r && git -c user.name=A -c user.email=a@example.com commit -q --allow-empty -m a",
      ], in: site.directory.path)
    let before = try await site.binary.run(scan)
    #expect([0, 10].contains(before.status), "\(before.errors)")
    let closed = try await site.binary.run(["close", planned.incident, "--reason", "over", "--unproven"])
    #expect(closed.status == 0, "\(closed.errors)")
    #expect(try await site.binary.run(["work", "--once"]).status == 0)
    let after = try await site.binary.run(scan)
    #expect(after.status == 65, "\(after.output)\(after.errors)")
  }

  // MARK: 8, 9: what a repository holds

  @Test func `8: respond --checkout follows no link and no path out of the checkout`() async throws {
    let site = try Site()
    let secret = "Sup3rS3cret" + "Value99"
    let checkout = site.directory.path("checkout")
    try FileManager.default.createDirectory(atPath: checkout, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: site.directory.path("other"), withIntermediateDirectories: true)
    let other = site.directory.path("other/secret.txt")
    try "password = \"\(secret)\"\n".write(toFile: other, atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(atPath: checkout + "/a.py", withDestinationPath: other)
    try FileManager.default.createSymbolicLink(
      atPath: checkout + "/d", withDestinationPath: site.directory.path("other"))
    let hash = try await Program.run(
      ["sh", "-c", "printf %s \"$1\" | sha1sum | cut -c1-40", "sh", secret], in: checkout
    ).trimmingCharacters(in: .newlines)
    let results = ["a.py", "d/secret.txt", "../other/secret.txt"].map { file in
      "\"\(file)\": [{\"type\": \"Secret Keyword\", \"filename\": \"\(file)\", \"hashed_secret\": \"\(hash)\", "
        + "\"is_verified\": false, \"line_number\": 1}]"
    }
    try """
    {"version": "1.5.0", "plugins_used": [], "filters_used": [], "generated_at": "2026-01-01T00:00:00Z",
     "results": {\(results.joined(separator: ", "))}}
    """.write(toFile: site.directory.path("b.json"), atomically: true, encoding: .utf8)
    let outcome = try await site.binary.run(["respond", "b.json", "--checkout", "checkout", "--json"])
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
    let incidents = document["incidents"]?.array ?? []
    #expect(incidents.count == 3)
    #expect(incidents.allSatisfy { $0["values"] == 0 }, "\(outcome.output)")
    // The same file inside the checkout is read: it was the way there that was refused.
    try FileManager.default.removeItem(atPath: checkout + "/a.py")
    try FileManager.default.copyItem(atPath: other, toPath: checkout + "/a.py")
    let inside = try await site.binary.run(["respond", "b.json", "--checkout", "checkout", "--json"])
    let read =
      try JSONDecoder().decode(JSONValue.self, from: Data(inside.output.utf8))["incidents"]?.array ?? []
    #expect(read.contains { $0["values"] == 1 }, "\(inside.output)\(inside.errors)")
  }

  @Test
  func `9: a link or a plan that somebody prepared in .git/staunch deletes and writes nothing elsewhere`()
    async throws
  {
    let site = try Site()
    try "key = \(Site.value)\n".write(toFile: site.directory.path("a"), atomically: true, encoding: .utf8)
    try (Site.value + "\n").write(toFile: site.directory.path("secrets"), atomically: true, encoding: .utf8)
    try await Program.run(
      [
        "sh", "-c",
        """
        git init -q r && cp a r/ && cd r && git add a && git -c user.name=A -c user.email=a@example.com commit -qm a
        mkdir ../victim && echo keep >../victim/f && mkdir -p .git/staunch && ln -s "$PWD/../victim" .git/staunch/history
        """,
      ], in: site.directory.path)
    let rewrite = [
      "history", "rewrite", "--repository", "r", "--secrets", "secrets", "--live", "--confirm", "r",
    ]
    let linked = try await site.binary.run(rewrite)
    #expect(linked.status == 77, "\(linked.errors)")
    #expect(site.exists("victim/f"))
    let id = "0123456789abcdef"
    func hex(_ text: String) -> String { Hex.text(Array(text.utf8)) }
    try await Program.run(
      [
        "sh", "-c",
        """
        cd r/.git/staunch && rm history && mkdir -p history/\(id)/staged history/\(id)/vault history/\(id)/maps
        echo attacker >history/\(id)/staged/1 && echo committed >history/\(id)/state
        printf 'staunch swap plan 1\\nfile\\t6\\ta%s\\t-\\tc%s\\nend\\n' \(hex(site.directory.path("victim/keys"))) \
        \(hex("staunch/history/\(id)/staged/1")) >history/\(id)/plan
        """,
      ], in: site.directory.path)
    let resumed = try await site.binary.run(rewrite + ["--resume"])
    #expect(resumed.status == 77, "\(resumed.errors)")
    #expect(!site.exists("victim/keys"))
  }
}
