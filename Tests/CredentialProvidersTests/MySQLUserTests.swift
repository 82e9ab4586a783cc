import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import CredentialProviders

/// SHA-256 crypt, against OpenSSL's own and a verifier that a MySQL made.
@Suite struct MySQLVerifierTests {
  @Test(arguments: [
    "a", "Hello world!", "päß", String(repeating: "x", count: 32), String(repeating: "y", count: 70),
  ])
  func `the digits are those of openssl passwd`(text: String) async throws {
    let salt = "saltsaltsaltsalt"
    let directory = try TemporaryDirectory()
    try (text + "\n").write(toFile: directory.path("password"), atomically: true, encoding: .utf8)
    let found = try await Program.run(
      ["openssl", "passwd", "-5", "-salt", salt, "-in", directory.path("password")], in: directory.path)
    let digits = MySQLVerifier.digits(of: Secret(text), salt: Array(salt.utf8), rounds: 5000)
    #expect(found.trimmingCharacters(in: .newlines) == "$5$\(salt)$\(digits)")
  }

  /// Source: hashcat's example of its mode 7401, "MySQL $A$ (sha256crypt)", https://hashcat.net/wiki/doku.php?id=example_hashes
  @Test func `a verifier of MySQL's is that of its password and of no other`() {
    let salt = "F9CC98CE08892924F50A213B6BC571A2C11778C5"
    let digits = "625479393559393965414D45316477456B484F41316E64484742577A2E3162785353526B7554584647562F"
    let text = "0x" + Hex.text("$A$005$".utf8) + salt + digits
    #expect(MySQLVerifier.isOf(Secret("hashcat"), text))
    #expect(!MySQLVerifier.isOf(Secret("hashcas"), text))
    let row = MariaDBAccount(
      user: "app", host: "%", methods: [.init(plugin: "caching_sha2_password", text: text)])
    #expect(row.judgement(of: Secret("hashcat")) == .accepts)
    #expect(row.judgement(of: Secret("other")) == .unseen("caching_sha2_password"))
    // Other forms, and more rounds than anybody should wait for.
    for other in [
      "0x", "0x244124303035", "0xZZ", text + "00", "0x" + Hex.text("$A$FFF$".utf8) + salt + digits,
    ] {
      #expect(!MySQLVerifier.isOf(Secret("hashcat"), other))
    }
    let old = Array("saltsaltsaltsaltsalt".utf8)
    let written = "$5$saltsaltsaltsaltsalt$" + MySQLVerifier.digits(of: Secret("pw"), salt: old, rounds: 5000)
    #expect(MySQLVerifier.isOf(Secret("pw"), written))
  }
}

/// MySQL's two passwords, against a server written from the reference (no MySQL is in Debian).
/// Source: https://dev.mysql.com/doc/refman/8.4/en/password-management.html#dual-passwords
@Suite struct MySQLUserTests {
  private static func provider(_ server: ScriptedMySQL, _ more: [String: JSONValue] = [:]) throws
    -> MariaDBUser
  {
    let settings: [String: JSONValue] = ["user": "app", "admin_user": "rotator", "admin_password": "env:A"]
    return try MariaDBUser(
      TargetConfiguration(
        name: "db", kind: "mariadb", settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(mariadb: server, secrets: ["env:A": Secret("pw")]))
  }

  @Test func `the current password is retained, and discarded when the leaked one is stopped`() async throws {
    let server = ScriptedMySQL()
    let provider = try Self.provider(server)
    let issued = try await provider.issue(
      marker: "m", generated: Secret("NewNewNewNewNewNewNewNewNewNewNe"), under: .forTests())
    #expect(
      server.changes == [
        "ALTER USER 'app'@'%' IDENTIFIED BY 'NewNewNewNewNewNewNewNewNewNewNe' RETAIN CURRENT PASSWORD"
      ])
    for value in ["leaked", "NewNewNewNewNewNewNewNewNewNewNe"] {
      #expect(try await provider.verify(Secret(value), ref: nil).state == .alive)
    }
    try await provider.disable(
      CredentialRef("app@%"), leaked: Secret("leaked"), replacedBy: issued.ref, under: .forTests())
    #expect(server.changes.last == "ALTER USER 'app'@'%' DISCARD OLD PASSWORD")
    // Salted: that the server compares is seen by the new one, which the same row takes.
    let probe = try await provider.verify(Secret("leaked"), ref: nil)
    #expect(probe.state == .dead && probe.isReplaced, "\(probe)")
    let stranger = try Self.provider(server)
    #expect(try await stranger.verify(Secret("leaked"), ref: nil).state == .unknown)
  }

  private static let new = Secret("NewNewNewNewNewNewNewNewNewNewNe")

  /// What `resume` asks: whether the value was set, and then where.
  private static func isSet(_ provider: MariaDBUser) async throws -> Bool {
    guard try await provider.verify(new, ref: nil).state == .alive else { return false }
    do throws(CapabilityError) {
      _ = try await provider.ref(ofIssued: new)
      return true
    } catch {
      guard error.class == .notFound else { throw error }
      return false
    }
  }

  /// From the row that is met here and from one that is not; every process knows what the one before it has left.
  @Test(arguments: ["%", "10.%", "192.%"], [0, 1, 2, 3])
  func
    `killed between the rows, the same password is set at the others and retains the leaked one everywhere`(
      met: String, count: Int
    ) async throws
  {
    let server = ScriptedMySQL(hosts: ["%", "10.%", "192.%"], met: met)
    let leaked = Secret("leaked")
    let order = IssueOrder(marker: "m", generated: Self.new, replacing: Leak(leaked))
    server.die(after: count)
    await #expect(throws: CapabilityError.self) {
      try await Self.provider(server).issue(order, under: .forTests())
    }
    server.die(after: .max)
    let later = try Self.provider(server).knowing { [leaked] }
    #expect(try await Self.isSet(later) == (count == 3))
    if count < 3 { _ = try await later.issue(order, under: .forTests()) }
    #expect(try await Self.isSet(later))
    #expect(
      server.rows.values.allSatisfy {
        $0.first == "NewNewNewNewNewNewNewNewNewNewNe" && $0.second == "leaked"
      })
    #expect(server.changes.count == 3)
    // And the same behind each row at which the leaked one is stopped.
    let new = Self.new
    let stopping = try Self.provider(server).knowing { [new] }
    let ref = try await stopping.ref(ofIssued: new)
    if count > 0 {
      server.die(after: count)
      await #expect(throws: CapabilityError.self) {
        try await stopping.disable(
          CredentialRef("app"), leak: Leak(leaked), replacedBy: ref, under: .forTests())
      }
      server.die(after: .max)
    }
    try await stopping.disable(
      CredentialRef("app"), leak: Leak(leaked), replacedBy: ref, under: .forTests())
    #expect(
      server.rows.values.allSatisfy { $0.first == "NewNewNewNewNewNewNewNewNewNewNe" && $0.second == nil })
    let probe = try await stopping.verify(leaked, ref: nil)
    #expect(probe.state == .dead && probe.isReplaced, "\(probe)")
  }

  /// A server that salts in its own way is asked by logging in.
  @Test func `a verifier that cannot be computed settles the row that is met, and no other`() async throws {
    let server = ScriptedMySQL(hosts: ["%"], isReadable: false)
    let order = IssueOrder(marker: "m", generated: Self.new, replacing: Leak(Secret("leaked")))
    server.die(after: 1)
    await #expect(throws: CapabilityError.self) {
      try await Self.provider(server).issue(order, under: .forTests())
    }
    server.die(after: .max)
    #expect(try await Self.isSet(Self.provider(server)))
    _ = try await Self.provider(server).issue(order, under: .forTests())
    #expect(server.changes.count == 1)
    let two = ScriptedMySQL(hosts: ["%", "10.%"], isReadable: false)
    two.die(after: 1)
    await #expect(throws: CapabilityError.self) {
      try await Self.provider(two).issue(order, under: .forTests())
    }
    two.die(after: .max)
    #expect(try await !Self.isSet(Self.provider(two)))
    _ = try await Self.provider(two).issue(order, under: .forTests())
    #expect(two.rows.values.allSatisfy { $0.second == "leaked" })
  }

  @Test func `a row that has the leaked password first is not called stopped`() async throws {
    let server = ScriptedMySQL(hosts: ["%", "10.%"])
    server.set(.init(first: "NewNewNewNewNewNewNewNewNewNewNe", second: "leaked"), at: "%")
    server.set(.init(first: "leaked", second: "of-somebody"), at: "10.%")
    let new = Self.new
    let provider = try Self.provider(server).knowing { [new] }
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(
        CredentialRef("app"), leak: Leak(Secret("leaked")), replacedBy: CredentialRef("app/x"),
        under: .forTests())
    }
    #expect(error?.class == .conflict && error?.because.contains("app@10.%") == true)
    #expect(server.rows["10.%"]?.first == "leaked" && server.rows["10.%"]?.second == "of-somebody")
    let probe = try await provider.verify(Secret("leaked"), ref: nil)
    #expect(probe.state == .alive && probe.code.contains("app@10.%"), "\(probe)")
  }

  @Test func `a second password that is there already is not lost in silence`() async throws {
    let server = ScriptedMySQL(second: "of-somebody")
    let error = await #expect(throws: CapabilityError.self) {
      try await Self.provider(server).issue(marker: "m", generated: Secret("New"), under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(server.changes.isEmpty)
  }

  @Test func `a new password goes to another machine over TLS only`() async throws {
    let server = ScriptedMySQL()
    let error = await #expect(throws: CapabilityError.self) {
      try await Self.provider(server, ["host": "db1.example", "tls": "disable"]).issue(
        marker: "m", generated: Secret("New"), under: .forTests())
    }
    #expect(error?.class == .unsafe)
    #expect(server.changes.isEmpty)
  }
}

/// A MySQL 8 with the rows `app@%` and, where `hosts` says so, others, each with two places for passwords.
private final class ScriptedMySQL: SQLConnector, SQLSession {
  struct Row {
    var first = "leaked"
    var second: String?
    var isLocked = false
    /// What `SHOW CREATE USER` says: of `first`, unless the server salts in a way that nobody here knows.
    var verifier: String {
      ScriptedMySQL.verifiers.withLock { known in
        let text = known[first] ?? Self.verifier(of: first)
        known[first] = text
        return text
      }
    }

    private static func verifier(of password: String) -> String {
      let salt = Array("a'b\"\\\u{1}cdefghijklmnop".utf8.prefix(20))
      let digits = MySQLVerifier.digits(of: Secret(password), salt: salt, rounds: 5000)
      return "0x" + Hex.text(Array("$A$005$".utf8) + salt + Array(digits.utf8)).uppercased()
    }
  }
  fileprivate static let verifiers = Mutex<[String: String]>([:])
  private struct State {
    var rows: [String: Row]
    var changes: [String] = []
    /// Statements that are still carried out; the answer of the last one is lost, and nothing comes after it.
    var left = Int.max
  }
  private let state: Mutex<State>
  /// The row that a client from here meets.
  private let met: String
  private let isReadable: Bool

  init(second: String? = nil, hosts: [String] = ["%"], met: String = "%", isReadable: Bool = true) {
    let rows = hosts.map { ($0, Row(second: second)) }
    state = Mutex(State(rows: Dictionary(rows, uniquingKeysWith: { first, _ in first })))
    self.met = met
    self.isReadable = isReadable
  }
  var changes: [String] { state.withLock { $0.changes } }
  var rows: [String: Row] { state.withLock { $0.rows } }
  /// The runner is killed behind the next `count` changes.
  func die(after count: Int) { state.withLock { $0.left = count } }
  func set(_ row: Row, at host: String) { state.withLock { $0.rows[host] = row } }

  func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    guard login.user == "rotator" else {
      guard await tryLogin(login) == .accepted else {
        throw CapabilityError(.refused, "login", because: "rejected")
      }
      return self
    }
    return self
  }
  func tryLogin(_ login: SQLLogin) async -> LoginOutcome {
    let password = login.password?.exposeAsText()
    return state.withLock { state in
      guard let row = state.rows[met], password == row.first || password == row.second else {
        return .rejected(code: "1045")
      }
      return row.isLocked ? .rejected(code: "3118") : .accepted
    }
  }
  func query(_ statement: String, _ parameters: [String?]) async throws(CapabilityError) -> [[String?]] {
    let rows = rows
    if statement.hasPrefix("SHOW CREATE USER 'app'@'"), let row = rows[Self.host(statement)] {
      return [
        [
          "CREATE USER `app`@`\(Self.host(statement))` IDENTIFIED WITH 'caching_sha2_password' AS "
            + "\(isReadable ? row.verifier : "0x2441") REQUIRE NONE PASSWORD EXPIRE DEFAULT "
            + "ACCOUNT \(row.isLocked ? "LOCK" : "UNLOCK") PASSWORD HISTORY DEFAULT"
        ]
      ]
    }
    switch statement {
    case let text where text.hasPrefix("SELECT @@GLOBAL.version"): return [["8.4.3", "", "db1/3306/1"]]
    case "SHOW GRANTS":
      return [["GRANT PROCESS, CREATE USER ON *.* TO `r`@`%`"], ["GRANT CONNECTION_ADMIN ON *.* TO `r`@`%`"]]
    case let text where text.contains("additional_password"):
      return rows.filter { $0.value.second != nil }.map { [$0.key] }
    case let text where text.hasPrefix("SELECT CAST(Host"): return rows.map { [$0.key] }
    case let text where text.contains("USER_PRIVILEGES"): return [["'app'@'%'"], ["'other'@'%'"]]
    case "SELECT CURRENT_USER()": return [["app@\(met)"]]
    case let text where text.hasPrefix("SET SESSION"): return []
    default: throw CapabilityError(.invalid, statement, because: "the script has no such statement")
    }
  }
  func execute(_ statement: String, _ parameters: [String?], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> [[String?]]
  {
    let isAnswered = try state.withLock { state throws(CapabilityError) in
      guard state.left > 0 else {
        throw CapabilityError(.network, "ALTER USER", because: "the connection broke before it was sent")
      }
      state.left -= 1
      state.changes.append(statement)
      let host = Self.host(statement)
      if statement.contains(" IDENTIFIED BY "), let new = statement.split(separator: "'").dropFirst(5).first {
        let old = state.rows[host]?.first
        if statement.hasSuffix("RETAIN CURRENT PASSWORD") { state.rows[host]?.second = old }
        state.rows[host]?.first = String(new)
      }
      if statement.hasSuffix("DISCARD OLD PASSWORD") { state.rows[host]?.second = nil }
      if statement.hasSuffix("ACCOUNT LOCK") { state.rows[host]?.isLocked = true }
      if statement.hasSuffix("ACCOUNT UNLOCK") { state.rows[host]?.isLocked = false }
      return state.left > 0
    }
    guard isAnswered else {
      throw CapabilityError(.unknownOutcome, "ALTER USER", because: "the reply was lost")
    }
    return []
  }
  /// Of `… 'app'@'10.%' …`.
  private static func host(_ statement: String) -> String {
    String(statement.split(separator: "'").dropFirst(3).first ?? "")
  }
  func passwordVerifier(for password: Secret, user: String) async throws(CapabilityError) -> String { "" }
  func quotedIdentifier(_ name: String) throws(CapabilityError) -> String { "`\(name)`" }
  func quotedLiteral(_ text: String) throws(CapabilityError) -> String { "'\(text)'" }
  func close() async {}
}
