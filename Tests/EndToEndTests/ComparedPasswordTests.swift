import Capabilities
import Foundation
import Secrets
import TestSupport
import Testing

/// "DEAD", exit 0, was said of a password that another database of the same server accepts.
@Suite struct ComparedPasswordTests {
  @Test func `a password that is stored as MD5 is not DEAD because the line of one database compares SCRAM`()
    async throws
  {
    let server = try PostgresServer(rules: [
      "host training app 127.0.0.1/32 scram-sha-256", "host postgres app 127.0.0.1/32 md5",
    ])
    defer { server.stop() }
    let password = "Pw" + UUID().uuidString
    try await server.sql(
      "SET password_encryption = 'md5'; CREATE ROLE app LOGIN PASSWORD '\(password)'", isLogged: false)
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    let home = try TemporaryDirectory()
    let env = home.path("app.env")
    try "DB_PASSWORD=\(password)\n".write(toFile: env, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: env)
    try """
    staunch: 1
    credentials:
      db: {kind: postgres, host: \(server.host), port: \(server.port), database: training, role: app,
        admin_user: \(rotator.user), admin_password: "env:ADMIN", tls: disable, store: env, key: DB_PASSWORD}
    stores:
      env: {kind: env-file, path: "\(env)"}
    """.write(toFile: home.path("staunch.yaml"), atomically: true, encoding: .utf8)
    let binary = StaunchBinary(home: home.path, workingDirectory: home.path)
    func verify() async throws -> StaunchBinary.Outcome {
      try await binary.run(
        ["credential", "verify", "db", "--secret", "env:LEAKED"],
        environment: [
          "ADMIN": try #require(rotator.password).exposeAsText(), "LEAKED": password,
        ])
    }
    let before = try await verify()
    #expect(before.status == 69, "\(before.output)\(before.errors)")
    #expect(before.output.contains("UNKNOWN") && before.output.contains("MD5"), "\(before.output)")
    // Replaced, with the new one in the store: every database compares it with that.
    try await server.sql("ALTER ROLE app PASSWORD 'An0therOne'", isLogged: false)
    try "DB_PASSWORD=An0therOne\n".write(toFile: env, atomically: true, encoding: .utf8)
    let after = try await verify()
    #expect(after.status == 0 && after.output.contains("DEAD"), "\(after.output)\(after.errors)")
  }
}
