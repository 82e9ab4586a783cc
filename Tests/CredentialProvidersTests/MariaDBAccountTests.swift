import Capabilities
import Incidents
import Secrets
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
