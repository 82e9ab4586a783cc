import Foundation
import TestSupport
import Testing

/// "Everything is ready" was said of an installation that could do nothing of what an incident asks for.
@Suite struct DoctorTests {
  private static func doctor(
    _ configuration: String, _ prepare: (TemporaryDirectory) throws -> Void = { _ in }
  )
    async throws -> StaunchBinary.Outcome
  {
    let directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory.path("state"), withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    try prepare(directory)
    try ("staunch: 1\n" + configuration.replacing("DIR", with: directory.path)).write(
      toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    return try await StaunchBinary(home: directory.path, workingDirectory: directory.path).run(["doctor"])
  }

  /// What is wrong, and a word of the line that says so.
  private static let wrong: [(configuration: String, says: String)] = [
    ("", "BAD  targets  "),
    (
      """
      repositories:
        app: {path: DIR/clone, remote: origin}
      """, "BAD  repository app: remote origin  the clone has no remote of this name"
    ),
    (
      """
      repositories:
        app: {path: DIR/nowhere}
      """, "BAD  repository app: clone  "
    ),
    (
      """
      repositories:
        app: {path: DIR/clone}
      trackers:
        team: {kind: standard-webhooks, url: "http://127.0.0.1:1/hook", secret: env:NO_SUCH_SECRET}
      """, "BAD  tracker team: secret  "
    ),
    (
      """
      repositories:
        app: {path: DIR/clone}
      trackers:
        team: {kind: standard-webhooks, url: "http://127.0.0.1:1/hook", secret: "file:DIR/key"}
      """, "BAD  tracker team: 127.0.0.1  it cannot be reached"
    ),
    (
      """
      credentials:
        token: {kind: generic, store: env, key: NOT_THERE}
      stores:
        env: {kind: env-file, path: DIR/.env}
      """, "BAD  store of token  it has no NOT_THERE"
    ),
    (
      """
      credentials:
        db: {kind: postgres, host: 127.0.0.1, port: 1, database: d, role: app, admin_user: app, admin_password: "file:DIR/key"}
      """, "BAD  credential db: admin_user  "
    ),
  ]

  @Test(arguments: wrong) func `What would fail in an incident is not ready`(
    _ wrong: (configuration: String, says: String)
  ) async throws {
    let outcome = try await Self.doctor(wrong.configuration) { directory in
      try "value\n".write(toFile: directory.path("key"), atomically: true, encoding: .utf8)
      try "OTHER=1\n".write(toFile: directory.path(".env"), atomically: true, encoding: .utf8)
      for name in ["key", ".env"] {
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: directory.path(name))
      }
      let git = Process()
      git.executableURL = URL(filePath: "/usr/bin/env")
      git.arguments = ["git", "init", "-q", directory.path("clone")]
      try git.run()
      git.waitUntilExit()
    }
    #expect(outcome.status == 1, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains(wrong.says), "\(outcome.output)\(outcome.errors)")
    #expect(!outcome.errors.contains("is ready"))
  }

  @Test func `What could not be checked is not called ready`() async throws {
    let outcome = try await Self.doctor(
      """
      repositories:
        app: {path: DIR/clone}
      consumers:
        web: {kind: command, restart: [/bin/true], health_command: [/bin/true]}
      """
    ) { directory in
      try Program.git("init", "-q", directory.path("clone"))
      try FileManager.default.createDirectory(
        atPath: directory.path("state"), withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    }
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("?    consumer web: restart"), "\(outcome.output)")
    #expect(outcome.errors.contains("what was checked is ready; "), "\(outcome.errors)")
  }

  @Test func `Looking makes nothing: no key, no journal, no directory`() async throws {
    let directory = try TemporaryDirectory()
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    let state = directory.path("state")
    try FileManager.default.createDirectory(
      atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    _ = try await StaunchBinary(home: directory.path, workingDirectory: directory.path).run(["doctor"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: state).isEmpty)
  }
}
