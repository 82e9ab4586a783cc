public import Capabilities
import NameResolution

/// ``SQLConnector`` for MariaDB and MySQL on libmariadb.
///
/// The library and not the program `mariadb`: a login's end comes as a number, its wait can be ended, and a password is
/// in nobody's arguments, environment or option file. Every session has a queue of its own, so the library never blocks
/// the cooperative pool. `~/.my.cnf` and `MYSQL_PWD` are not read. Whoever answers at the address never gets the password
/// itself without a certificate that was checked (``AuthenticationMethods``), and no file of this machine (`LOCAL INFILE`).
/// Sources: https://mariadb.com/kb/en/mariadb-connector-c/, …/non-blocking-client-library/
public struct MariaDBConnector: SQLConnector {
  private let statementTimeout: Duration

  /// - Parameter statementTimeout: how long a statement may take.
  public init(statementTimeout: Duration = .seconds(30)) { self.statementTimeout = statementTimeout }

  /// - Throws: `.refused` when the server rejects the login, `.network` when there is no connection, `.timeout`.
  public func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    let session = MariaDBSession(login, timeout: statementTimeout)
    try await session.open()
    return session
  }

  /// For connections without TLS: the library checks a certificate against what it connects to, which must be the name
  /// then.
  public func addresses(of host: String) async throws(CapabilityError) -> [String] {
    guard HostAddresses.hasSeveral(host) else { return [] }
    let found = await HostAddresses.all(of: host)
    guard !found.isEmpty else {
      throw CapabilityError(
        .network, "resolve \(host)", because: "the host name could not be resolved",
        fix: "check host in staunch.yaml and the resolver: getent ahosts \(host)")
    }
    return found
  }

  /// Tries to log in and hangs up at once.
  ///
  /// Only 1045 is a rejection, and it has several causes (a wrong password, no such user, no row for this client's
  /// address): whether something was compared is for the caller to find out. 4151 and 3118 (the account is locked) come
  /// after a password that is right, and are told as a rejection of their own.
  public func tryLogin(_ login: SQLLogin) async -> LoginOutcome {
    let session = MariaDBSession(login, timeout: statementTimeout)
    let outcome = await session.attempt()
    await session.close()
    return outcome
  }
}
