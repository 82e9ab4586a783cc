public import Capabilities
public import Foundation
import JSON
import RESTClient
import Secrets

// Sessions outlive a password: AWS ends none. PostgreSQL and Redshift let a user end its own, so the new password does it.
extension AWSMasterPassword {
  /// `$1` seconds since 1970 by the server's clock.
  private static var doomed: String {
    """
    SELECT a.pid FROM pg_catalog.pg_stat_activity a
    WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.usename = current_user
      AND (a.backend_start IS NULL OR a.backend_start < pg_catalog.to_timestamp($1::pg_catalog.float8))
    """
  }

  /// Ends the master user's older sessions and counts again. - Throws: `.unsupported` for other engines than PostgreSQL
  /// and Redshift, with who ends them there.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    let operation = "end sessions of \(master.name)"
    let found = try await state()
    guard found.engine == .postgres || found.engine == .redshift else {
      throw CapabilityError(
        .unsupported, operation, because: "sessions of \(found.user) outlive the password, and AWS ends none",
        fix:
          "give the server an entry of kind mariadb with an admin_user of its own, and: staunch credential end-sessions ENTRY"
      )
    }
    let session = try await session(found, operation)
    let count: SessionCount
    do throws(CapabilityError) {
      let limit = [try await moment(before, by: session, operation)]
      count =
        found.engine == .redshift
        ? try await endRedshift(session, limit, operation, under: authority)
        : try await endPostgres(session, limit, operation, under: authority)
    } catch {
      await session.close()
      throw error
    }
    await session.close()
    return count
  }

  /// `before` by the server's clock, in seconds since 1970.
  private func moment(_ before: Date, by session: any SQLSession, _ operation: String)
    async throws(CapabilityError) -> String
  {
    let start = master.environment.now()
    // Redshift knows `now`, and `clock_timestamp` not; each question is a transaction of its own.
    let clock = try await session.query("SELECT extract(epoch FROM pg_catalog.now())", [])
    guard let server = clock.first?.first.flatMap({ $0 }).flatMap({ Double($0) }) else {
      throw CapabilityError(.serverError, operation, because: "the server told no time")
    }
    return String(before.timeIntervalSince1970 + server - start.timeIntervalSince1970)
  }

  private func endPostgres(
    _ session: any SQLSession, _ limit: [String], _ operation: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> SessionCount {
    let first = try Self.count(
      try await session.query("SELECT pg_catalog.count(*) FROM (\(Self.doomed)) d", limit), operation)
    var left = first
    // A backend notices the signal at its next interrupt check.
    for _ in 0..<5 where left > 0 {
      _ = try await session.execute(
        """
        SELECT pg_catalog.count(*) FILTER (
          WHERE pg_catalog.pg_terminate_backend(d.pid::pg_catalog.int4, 2000::pg_catalog.int8))
        FROM (\(Self.doomed) LIMIT 5) d
        """, limit, under: authority)
      left = try Self.count(
        try await session.query("SELECT pg_catalog.count(*) FROM (\(Self.doomed)) d", limit), operation)
    }
    return SessionCount(found: first, ended: max(0, first - left), left: left)
  }

  /// `$1` seconds since 1970 by the server's clock, which STV_SESSIONS tells in UTC without a zone.
  /// Source: https://docs.aws.amazon.com/redshift/latest/dg/r_STV_SESSIONS.html
  private static var doomedOfRedshift: String {
    """
    SELECT process FROM pg_catalog.stv_sessions
    WHERE process <> pg_catalog.pg_backend_pid()
      AND pg_catalog.btrim(user_name) = CAST(current_user AS varchar)
      AND extract(epoch FROM starttime) < CAST($1 AS float8)
    """
  }
  /// A process ends when it next looks: it is counted again until then, or so often.
  private static var recounts: Int { 200 }

  /// One call for each: Redshift waits for none, and its leader alone knows the function.
  /// Source: https://docs.aws.amazon.com/redshift/latest/dg/PG_TERMINATE_BACKEND.html
  private func endRedshift(
    _ session: any SQLSession, _ limit: [String], _ operation: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> SessionCount {
    let found = try Self.processes(try await session.query(Self.doomedOfRedshift, limit), operation)
    for process in found {
      _ = try await session.execute(
        "SELECT pg_catalog.pg_terminate_backend(CAST($1 AS int4))", [process], under: authority)
    }
    var left = found
    for _ in 0..<Self.recounts where !left.isEmpty {
      left = try Self.processes(try await session.query(Self.doomedOfRedshift, limit), operation)
    }
    return SessionCount(found: found.count, ended: max(0, found.count - left.count), left: left.count)
  }

  private static func processes(_ rows: [[String?]], _ operation: String) throws(CapabilityError) -> [String]
  {
    var found: [String] = []
    for row in rows {
      guard let process = row.first.flatMap({ $0 }), Int(process) != nil else {
        throw CapabilityError(
          .serverError, operation, because: "a session has no number: how many are left is unknown",
          fix: "look yourself: SELECT * FROM stv_sessions")
      }
      found.append(process)
    }
    return found
  }

  private static func count(_ rows: [[String?]], _ operation: String) throws(CapabilityError) -> Int {
    guard let number = rows.first?.first.flatMap({ $0 }).flatMap({ Int($0) }), number >= 0 else {
      throw CapabilityError(
        .serverError, operation, because: "the server's answer is no number: how many are left is unknown")
    }
    return number
  }

  /// By a password that is known here and is not the leaked one: the store's, or this process's.
  private func session(_ found: AWSDatabase, _ operation: String) async throws(CapabilityError)
    -> any SQLSession
  {
    let connector = try master.connector(found)
    for value in await master.present() + master.memory.secrets.reversed() {
      let login = master.login(value, found)
      guard await connector.tryLogin(login) == .accepted else { continue }
      return try await connector.connect(login)
    }
    throw CapabilityError(
      .refused, operation, because: "no password of \(found.user) that is known here is accepted",
      fix: "put the new one into the store of the entry, then: staunch resume")
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    let found = try await state()
    return CredentialFacts([
      "owner": .string("master user \(found.user) of \(master.name)"), "status": .string(found.status),
      "pending": .boolean(found.isPending),
      "managed_secret": found.managedSecret.map { .string($0) } ?? .null,
      "survives": .string(
        "sessions of \(found.user) at the server, and every user and right that it gave: they are the database's own entry's"
      ),
    ])
  }

  /// Who logged in, AWS does not tell.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(
      seen: nil, covered: nil, findings: ["AWS keeps no logins: see the server's own log or audit log"])
  }

  /// - Parameters:
  ///   - read: the right to look.
  ///   - change: the right to set a password.
  func readiness(_ read: String, _ change: String, excess: [String]) async -> [Readiness] {
    do throws(CapabilityError) {
      let found = try await state()
      var told = [
        Readiness(
          "server",
          found.status == "available"
            ? .ready("\(found.user) at \(found.host)")
            : .missing(
              because: "it is \(found.status) and takes no change", fix: "wait until it is available"))
      ]
      if let secret = found.managedSecret {
        told.append(
          Readiness(
            "password", .unknown(because: "AWS sets it itself, in \(secret): a run only lets it make another")
          ))
      }
      told += await AWSRights(client: master.client).readiness(
        [.init(found.arn, change), .init("*", read)], excess: excess)
      return told
    } catch { return [Readiness("server", error)] }
  }
}
