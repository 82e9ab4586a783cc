import Capabilities
import Foundation
import Secrets

// Where the runner works at a PostgreSQL server whose leaked role may have prepared what it meets.
extension PostgresRole {
  /// A session in a database that the leaked role does not own.
  ///
  /// A superuser's reach cannot be escaped on its own server, so that is shown (``inspect(_:)``) and not refused: a
  /// leaked superuser must be rotated all the same.
  /// - Throws: `.unsafe` when the role, directly or as a member, owns the database.
  func safeSession(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    let session: any SQLSession
    do throws(CapabilityError) {
      session = try await environment.postgres.connect(login)
    } catch {
      guard error.class == .notFound || error.because.contains("42501") else { throw error }
      throw CapabilityError(
        error.class, error.operation, because: error.because,
        fix:
          "GRANT CONNECT ON DATABASE \(login.database) TO \(login.user), or name another database that \(role) "
          + "does not own: admin_database in staunch.yaml")
    }
    let rows = try await session.query(
      """
      SELECT r.rolsuper::pg_catalog.text, d.datdba = r.oid
        OR pg_catalog.pg_has_role(r.oid, d.datdba, 'MEMBER'::pg_catalog.text)
      FROM pg_catalog.pg_roles r CROSS JOIN pg_catalog.pg_database d
      WHERE r.rolname = $1::pg_catalog.name AND d.datname = pg_catalog.current_database()
      """, [role])
    switch rows.first {
    case nil: return session  // no such role: nothing is its own
    case ["true", "t"]?, ["true", "f"]?, ["false", "f"]?: return session
    case ["false", "t"]?: break
    case .some:
      await session.close()
      throw CapabilityError(
        .serverError, "session in database \(login.database)",
        because: "the server does not say whose database it is",
        fix: "look yourself: psql -l shows the owner of \(login.database)")
    }
    await session.close()
    throw CapabilityError(
      .unsafe, "session in database \(login.database)",
      because: "it belongs to the leaked role \(role), whose holder may have prepared it",
      fix: "name another database in staunch.yaml: admin_database: postgres")
  }
}
