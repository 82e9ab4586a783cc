public import Capabilities
import NameResolution

/// ``RedisConnector`` that speaks RESP2 over a socket, and TLS through OpenSSL.
///
/// Not through hiredis: Debian 12 has 0.14, which knows no TLS and no RESP3, and what it would still do for us, reading
/// answers, is the one part that a hostile server reaches. Here they are read without unsafe memory, and bounded. A session
/// is one connection with a queue of its own; a password goes to nobody whose certificate does not fit, and stands in
/// nobody's arguments or environment. RESP3 is not asked for: all that it would add here are maps.
/// Sources: https://redis.io/docs/latest/develop/reference/protocol-spec/, https://redis.io/docs/latest/commands/auth/
public struct RESPConnector: RedisConnector {
  private let timeout: Duration

  /// - Parameter timeout: how long one row of commands may take.
  public init(timeout: Duration = .seconds(20)) { self.timeout = timeout }

  public func connect(_ login: RedisLogin) async throws(CapabilityError) -> any RedisSession {
    let session = RESPSession(login, timeout: timeout)
    try await session.open()
    return session
  }

  public func tryLogin(_ login: RedisLogin) async -> LoginOutcome {
    let session = RESPSession(login, timeout: timeout)
    let outcome = await session.attempt()
    await session.close()
    return outcome
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
}
