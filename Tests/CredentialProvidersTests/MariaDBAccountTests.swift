import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import CredentialProviders

/// How a row is read. The statements are a MariaDB 10.11's own; those of MySQL are its documentation's.
@Suite struct MariaDBAccountTests {
  private static let verifier = "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9"  // of "123456"

  @Test func `the verifiers are the server's own`() {
    #expect(MariaDBVerifier.native(Secret("123456")) == Self.verifier)
    // What PASSWORD('…') gave under ed25519 on a MariaDB 10.11.
    #expect(
      MariaDBVerifier.ed25519(Secret("abcdefghijklmnopqrstuvwxyz012345"))
        == "d72O8L9NlCPzaBsB+LW0z98O5p+zVqd2JYnxtlzcq2M")
    #expect(MariaDBVerifier.ed25519(Secret("short")) == nil)
  }

  @Test func `one way in, several, none`() throws {
    let one = try #require(
      MariaDBAccount("CREATE USER `app`@`%` IDENTIFIED BY PASSWORD '\(Self.verifier)' ACCOUNT LOCK"))
    #expect(one.ref == CredentialRef("app@%"))
    #expect(one.methods == [.init(plugin: "mysql_native_password", text: Self.verifier)])
    #expect(one.isLocked && !one.isExpired)
    #expect(one.judgement(of: Secret("123456")) == .accepts)
    #expect(one.judgement(of: Secret("other")) == .differs)
    let several = try #require(
      MariaDBAccount(
        "CREATE USER `app`@`10.%` IDENTIFIED VIA unix_socket OR mysql_native_password USING '\(Self.verifier)' "
          + "OR ed25519 USING 'd72O8L9NlCPzaBsB+LW0z98O5p+zVqd2JYnxtlzcq2M' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3"
      ))
    #expect(several.methods.map(\.plugin) == ["unix_socket", "mysql_native_password", "ed25519"])
    #expect(several.judgement(of: Secret("abcdefghijklmnopqrstuvwxyz012345")) == .accepts)
    #expect(several.judgement(of: Secret("other")) == .unseen("ed25519"))
    #expect(!several.isLocked)
    let none = try #require(MariaDBAccount("CREATE USER `app`@`%`"))
    #expect(none.judgement(of: Secret("other")) == .open)
    let pam = try #require(MariaDBAccount("CREATE USER `app`@`%` IDENTIFIED VIA pam USING 'mariadb'"))
    #expect(pam.judgement(of: Secret("other")) == .otherJudge("pam"))
    let invalid = try #require(MariaDBAccount("CREATE USER `app`@`%` IDENTIFIED BY PASSWORD 'invalid'"))
    #expect(invalid.judgement(of: Secret("invalid")) == .differs)
    let expired = try #require(
      MariaDBAccount("CREATE USER `app`@`%` IDENTIFIED BY PASSWORD '\(Self.verifier)' PASSWORD EXPIRE"))
    #expect(expired.isExpired)
  }

  @Test func `names are read in the server's own quotes`() throws {
    let odd = try #require(
      MariaDBAccount("CREATE USER `a``b`@`%` IDENTIFIED VIA pam USING 'o''dd\\'s ACCOUNT LOCK'"))
    #expect(odd.user == "a`b")
    #expect(odd.methods == [.init(plugin: "pam", text: "o'dd's ACCOUNT LOCK")])
    #expect(!odd.isLocked)
    #expect(MariaDBAccount("GRANT USAGE ON *.* TO `app`@`%`") == nil)
  }

  @Test func `MySQL's row is salted, and its rules are no expiry`() throws {
    let row = try #require(
      MariaDBAccount(
        "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x244124303035 REQUIRE NONE PASSWORD EXPIRE "
          + "DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT"))
    #expect(row.methods == [.init(plugin: "caching_sha2_password", text: "0x244124303035")])
    #expect(!row.isLocked && !row.isExpired)
    #expect(row.judgement(of: Secret("other")) == .unseen("caching_sha2_password"))
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

/// One row `app@%` of a MySQL 8 with two places for passwords.
private final class ScriptedMySQL: SQLConnector, SQLSession {
  private struct State {
    var first = "leaked"
    var second: String?
    var isLocked = false
    var changes: [String] = []
  }
  private let state: Mutex<State>
  init(second: String? = nil) { state = Mutex(State(second: second)) }
  var changes: [String] { state.withLock { $0.changes } }

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
      guard password == state.first || password == state.second else { return .rejected(code: "1045") }
      return state.isLocked ? .rejected(code: "3118") : .accepted
    }
  }
  func query(_ statement: String, _ parameters: [String?]) async throws(CapabilityError) -> [[String?]] {
    let (second, isLocked) = state.withLock { ($0.second, $0.isLocked) }
    switch statement {
    case let text where text.hasPrefix("SELECT @@GLOBAL.version"): return [["8.4.3", "", "db1/3306/1"]]
    case "SHOW GRANTS":
      return [["GRANT PROCESS, CREATE USER ON *.* TO `r`@`%`"], ["GRANT CONNECTION_ADMIN ON *.* TO `r`@`%`"]]
    case let text where text.contains("additional_password"): return second == nil ? [] : [["%"]]
    case let text where text.hasPrefix("SELECT CAST(Host"): return [["%"]]
    case let text where text.contains("USER_PRIVILEGES"): return [["'app'@'%'"], ["'other'@'%'"]]
    case "SHOW CREATE USER 'app'@'%'":
      return [
        [
          "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x2441 REQUIRE NONE PASSWORD EXPIRE DEFAULT "
            + "ACCOUNT \(isLocked ? "LOCK" : "UNLOCK") PASSWORD HISTORY DEFAULT"
        ]
      ]
    case "SELECT CURRENT_USER()": return [["app@%"]]
    case let text where text.hasPrefix("SET SESSION"): return []
    default: throw CapabilityError(.invalid, statement, because: "the script has no such statement")
    }
  }
  func execute(_ statement: String, _ parameters: [String?], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> [[String?]]
  {
    state.withLock { state in
      state.changes.append(statement)
      if statement.hasSuffix("RETAIN CURRENT PASSWORD"),
        let new = statement.split(separator: "'").dropFirst(5).first
      {
        state.second = state.first
        state.first = String(new)
      }
      if statement.hasSuffix("DISCARD OLD PASSWORD") { state.second = nil }
      if statement.hasSuffix("ACCOUNT LOCK") { state.isLocked = true }
    }
    return []
  }
  func passwordVerifier(for password: Secret, user: String) async throws(CapabilityError) -> String { "" }
  func quotedIdentifier(_ name: String) throws(CapabilityError) -> String { "`\(name)`" }
  func quotedLiteral(_ text: String) throws(CapabilityError) -> String { "'\(text)'" }
  func close() async {}
}
