import Capabilities
import Foundation
import JSON
import PostgresClient
import Secrets
import TestSupport
import Testing

/// The demonstrations of the audit, made again with the built program. docs/SECURITY-MODEL.md lists what each shows.
@Suite struct AttackTests {
  // MARK: 1, 10, 12: the leaked role's database

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
    let (role, rotator) = try await server.preparedStage(connector)
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
    let (role, rotator) = try await server.preparedStage(connector)
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

  @Test func `14: what stands in the state directory is for its owner's eyes alone`() async throws {
    let site = try Site()
    let planned = try await site.respond()
    #expect(try await site.run(planned).status == 0)
    #expect(try await site.binary.run(["work", "--once"]).status == 0)
    #expect(try await site.binary.run(["postmortem", "draft", planned.incident]).status == 0)
    let files = try FileManager.default.subpathsOfDirectory(atPath: site.state)
    #expect(files.contains("journal.sqlite") && files.contains { $0.hasPrefix("postmortems/") })
    // The endpoint may be another user of the exchange's group; nothing in there is in clear.
    for name in files where !name.hasPrefix("exchange") {
      var status = stat()
      #expect(lstat(site.state + "/" + name, &status) == 0)
      guard status.st_mode & S_IFMT == S_IFREG else { continue }
      #expect(status.st_mode & 0o077 == 0, "\(name)")
    }
    var status = stat()
    #expect(lstat(site.state, &status) == 0 && status.st_mode & 0o777 == 0o700)
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
