public import Capabilities
import NameResolution

/// ``SQLConnector`` for PostgreSQL on libpq.
///
/// Every session has a queue of its own, so libpq never blocks the cooperative pool. Passwords travel in parameter
/// arrays that are zeroed, never in a connection string, an argument or the environment; `~/.pgpass` and services are
/// not read. Sources: https://www.postgresql.org/docs/15/libpq-connect.html, …/libpq-async.html
public struct PostgresConnector: SQLConnector {
  private let certificateAuthorities: String?
  private let statementTimeout: Duration

  /// - Parameters:
  ///   - certificateAuthorities: a PEM file for `verify-full`; nil: libpq's own default.
  ///   - statementTimeout: set on the server for every statement; we wait five seconds longer.
  public init(certificateAuthorities: String? = nil, statementTimeout: Duration = .seconds(30)) {
    self.certificateAuthorities = certificateAuthorities
    self.statementTimeout = statementTimeout
  }

  /// - Throws: `.refused` when the server rejects the login, `.network` when there is no connection, `.timeout`.
  public func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    let session = PostgresSession(
      login, certificateAuthorities: certificateAuthorities, timeout: statementTimeout)
    try await session.open()
    return session
  }

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
  /// Only SQLSTATE 28P01 and 28000 after a password was asked for are a rejection. Too many connections, an unknown
  /// database or a missing CONNECT right come after the password was accepted: the password works. A server that lets
  /// anybody in (`trust`) is undecided: it says nothing about the password.
  public func tryLogin(_ login: SQLLogin) async -> LoginOutcome {
    let session = PostgresSession(
      login, certificateAuthorities: certificateAuthorities, timeout: statementTimeout)
    let outcome = await session.attempt()
    await session.close()
    return outcome
  }
}
