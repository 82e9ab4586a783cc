import Capabilities
import Drills
import Foundation
import HTTP
import JSON
import PostgresClient
import Secrets
import TestSupport
import Testing

/// The sandbox as it stands: real git, real HTTP, a real PostgreSQL where one is installed.
@Suite struct SandboxTests {
  private static func scenario(_ injects: String = "[]") throws -> Scenario {
    try ScenarioReader.read(
      "drill: 1\nid: x\ntitle: t\ntrigger: r\ncomplication: c\ninjects: \(injects)\nobjectives: [{reach: contain}]",
      file: "x.yaml")
  }

  private static func start(_ injects: String = "[]", in directory: TemporaryDirectory) async throws
    -> Sandbox
  {
    try await DrillSandbox.start(
      scenario(injects), in: directory.path("drill"), postgres: PostgresConnector(),
      now: { Date(timeIntervalSince1970: 1_800_000_000) })
  }

  @Test func `at the start everything leaked is accepted, the consumer is healthy and copies are everywhere`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let sandbox = try await Self.start(in: directory)
    let observation = try await sandbox.observe()
    #expect(observation.acceptedLeaks == ["openai_api_key", "postgres_uri"])
    #expect(observation.isConsumerHealthy)
    #expect(observation.isUnrelatedKeyAccepted)
    #expect(observation.replacementKeys == 0)
    #expect(observation.tickets.isEmpty)
    // train.py twice, settings.toml, notebook, manifest, the tag and the note …
    #expect((observation.copies["fresh clone"] ?? 0) >= 7)
    #expect((observation.copies["remote"] ?? 0) >= 7)
    // … and the stash, which was never pushed.
    #expect((observation.copies["local"] ?? 0) > (observation.copies["remote"] ?? 0))
    if sandbox.notice == nil { #expect(observation.isOldSessionOpen == true) }
    #expect(await sandbox.stop().isEmpty)
  }

  @Test
  func `the repository has two branches, a merge, an annotated tag, a note and a stash, and a clean tip`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let sandbox = try await Self.start(in: directory)
    func git(_ arguments: String...) async throws -> String {
      try await Program.run(["git", "-C", sandbox.repository] + arguments, in: "/")
    }
    #expect(
      try await git("for-each-ref", "--format=%(refname)", "refs/heads").split(separator: "\n").count == 2)
    #expect(try await git("rev-list", "--merges", "main").split(separator: "\n").count == 1)
    #expect(try await git("cat-file", "-t", "v0.1") == "tag\n")
    #expect(try await git("notes", "list").isEmpty == false)
    #expect(try await git("stash", "list").isEmpty == false)
    #expect(try await git("status", "--porcelain").isEmpty)
    let redactor = Redactor()
    for secret in sandbox.secrets.values { redactor.register(secret) }
    #expect(!redactor.finds(in: Array(try await git("grep", "-h", "", "main").utf8)))
    #expect(redactor.finds(in: Array(try await git("log", "-p", "--all").utf8)))
    await sandbox.stop()
  }

  @Test func `the files name loopback only and hold no secret but where one belongs`() async throws {
    let directory = try TemporaryDirectory()
    let sandbox = try await Self.start(in: directory)
    let configuration = try String(contentsOfFile: sandbox.configuration, encoding: .utf8)
    #expect(configuration.contains("drill: true"))
    for match in configuration.matches(of: /https?:\/\/([^\s:\/]+)/) { #expect(match.1 == "127.0.0.1") }
    #expect(sandbox.leaks(in: [sandbox.configuration]).isEmpty)
    #expect(sandbox.leaks(in: [sandbox.report]).count == 2)
    #expect(sandbox.leaks(in: [], texts: ["standard output": "x"]).isEmpty)
    for endpoint in sandbox.endpoints { #expect(endpoint.host == "127.0.0.1") }
    await sandbox.stop()
  }

  @Test func `two drills share no decoy`() async throws {
    let directories = (try TemporaryDirectory(), try TemporaryDirectory())
    let one = try await Self.start(in: directories.0)
    let two = try await Self.start(in: directories.1)
    let first = Set(one.secrets.values.map { $0.exposeAsText() })
    #expect(first.isDisjoint(with: two.secrets.values.map { $0.exposeAsText() }))
    await one.stop()
    await two.stop()
  }

  @Test func `an earlier drill's directory is refused`() async throws {
    let directory = try TemporaryDirectory()
    let sandbox = try await Self.start(in: directory)
    let error = await #expect(throws: DrillError.self) { try await Self.start(in: directory) }
    #expect(error?.code == .file)
    await sandbox.stop()
  }

  @Test func `when it is stopped nothing of it listens any more`() async throws {
    let directory = try TemporaryDirectory()
    let sandbox = try await Self.start(in: directory)
    await sandbox.stop()
    for endpoint in sandbox.endpoints {
      await #expect(throws: CapabilityError.self) {
        try await CurlTransport().fetch(.get(endpoint.url + "/healthz"))
      }
    }
  }
}
