import BuiltinContent
import Capabilities
@testable import Drills
import Foundation
import HTTP
import PostgresClient
import Secrets
import TestSupport
import Testing

/// The worlds of the model server and of the pipeline as they stand before anybody responds.
@Suite struct SandboxWorldTests {
  private static let scenarios = ["kubernetes-model-server", "aws-ecs-pipeline"]

  private func start(_ id: String, in directory: TemporaryDirectory) async throws -> Sandbox {
    let file = try #require(
      BuiltinContent.scenarios.first { $0.path == "playbooks/drills/\(id)-drill.yaml" })
    return try await DrillSandbox.start(
      ScenarioReader.read(file.text, file: file.path), in: directory.path("drill"),
      postgres: PostgresConnector(), now: { Date() })
  }

  @Test(arguments: scenarios)
  func `everything leaked is accepted, its sessions answer, programs work and copies are everywhere`(
    _ id: String
  )
    async throws
  {
    let directory = try TemporaryDirectory()
    let sandbox = try await start(id, in: directory)
    let observation = try await sandbox.observe()
    #expect(observation.acceptedLeaks == sandbox.world.leaks.map(\.kind))
    #expect(observation.acceptedLeaks.count == 2)
    #expect(await sandbox.world.failingPrograms() == [])
    #expect(observation.isConsumerHealthy)
    #expect(observation.isOldSessionOpen == true)
    #expect(observation.isUnrelatedKeyAccepted)
    #expect(observation.replacementKeys == 0)
    #expect(observation.stragglers == [])
    // What the store holds works, and is what leaked.
    #expect(observation.brokenReplacements.count >= 2)
    // main file twice, branch file, notebook, encoded, the tag and the note …
    #expect((observation.copies["fresh clone"] ?? 0) >= 7)
    // … and the stash, which was never pushed.
    #expect((observation.copies["local"] ?? 0) > (observation.copies["remote"] ?? 0))
    #expect(await sandbox.stop() == [])
  }

  @Test(arguments: scenarios)
  func `the files name loopback only and hold no secret but where one belongs`(_ id: String) async throws {
    let directory = try TemporaryDirectory()
    let sandbox = try await start(id, in: directory)
    let configuration = try String(contentsOfFile: sandbox.configuration, encoding: .utf8)
    #expect(configuration.contains("drill: true"))
    for match in configuration.matches(of: /https?:\/\/([^\s:\/]+)/) { #expect(match.1 == "127.0.0.1") }
    #expect(sandbox.leaks(in: [sandbox.configuration]).isEmpty)
    #expect(sandbox.leaks(in: [sandbox.report]).count == 2)
    let redactor = Redactor()
    for secret in sandbox.secrets.values { redactor.register(secret) }
    let tip = try await Program.run(["git", "-C", sandbox.repository, "grep", "-h", "", "main"], in: "/")
    #expect(!redactor.finds(in: Array(tip.utf8)))
    await sandbox.stop()
  }

  @Test(arguments: scenarios) func `when it is stopped nothing of it listens any more`(_ id: String)
    async throws
  {
    let directory = try TemporaryDirectory()
    let sandbox = try await start(id, in: directory)
    await sandbox.stop()
    for endpoint in sandbox.endpoints {
      await #expect(throws: CapabilityError.self) {
        try await CurlTransport().fetch(.get(endpoint.url + "/"))
      }
    }
  }

  @Test func `the control plane sets Redshift's password at the server, and a session outlives it`()
    async throws
  {
    guard let binaries = SandboxPostgres.binaries() else {
      Issue.record("this machine has no PostgreSQL")
      return
    }
    let connector = PostgresConnector()
    let server = try SandboxPostgres(
      binaries: binaries, role: "etl", password: "before-22", database: "analytics", manner: .redshift)
    #expect(await connector.tryLogin(server.login("etl", "before-22")) == .accepted)
    let session = try await OldSession(server, "before-22", through: connector)
    #expect(await server.setPassword("it's-after-33"))
    #expect(await connector.tryLogin(server.login("etl", "it's-after-33")) == .accepted)
    #expect(await connector.tryLogin(server.login("etl", "before-22")) != .accepted)
    #expect(await session.isOpen())
    let own = try await connector.connect(server.login("etl", "it's-after-33"))
    let count = try await own.query(
      "SELECT count(*) FROM pg_catalog.stv_sessions WHERE btrim(user_name) = 'etl'", [])
    #expect((count.first?.first.flatMap { $0 }.flatMap { Int($0) } ?? 0) >= 2)
    await own.close()
    await session.close()
    server.stop()
    #expect(server.isGone)
  }
}
