import Capabilities
@testable import Drills
import Foundation
import Incidents
import JSON
import PostgresClient
import Secrets
import TestSupport
import Testing

/// The built binary against a real PostgreSQL: what somebody else has set stays, and nothing is rotated twice.
@Suite(.serialized) struct NoSecondRotationTests {
  private func rows(_ world: LiveWorld, _ statement: String) async throws {
    guard case .postgres(let server, let connector) = try world.training().database else {
      throw LiveWorld.NoPostgres()
    }
    let session = try await connector.connect(server.login(server.adminUser, server.adminPassword))
    _ = try await session.execute(statement, [], under: .forTests())
    await session.close()
  }

  private func accepts(_ world: LiveWorld, _ password: String) async throws -> Bool {
    guard case .postgres(let server, let connector) = try world.training().database else {
      throw LiveWorld.NoPostgres()
    }
    return await connector.tryLogin(server.login(server.role, password)) == .accepted
  }

  /// What the trainer reads when it starts.
  private func stored(_ world: LiveWorld) throws -> String {
    try String(contentsOfFile: world.sandbox.files.environmentFile, encoding: .utf8)
  }

  private func plan(_ world: LiveWorld, _ incident: String) async throws -> LiveWorld.Planned {
    let outcome = try await world.binary.run(["plan", incident, "--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
    return LiveWorld.Planned(
      incident: incident, kind: "postgres_uri", plan: try #require(document["id"]?.string),
      digest: try #require(document["digest"]?.string))
  }

  @Test func `A password that a team has changed by hand is not replaced, and the run ends in the proof`()
    async throws
  {
    let world = try await LiveWorld()
    let planned = try #require(try await world.respond().plans.first { $0.kind == "postgres_uri" })
    let theirs = "TheirOwn" + UUID().uuidString.replacing("-", with: "")
    try await rows(world, "ALTER ROLE trainer PASSWORD '\(theirs)'")
    let old = try stored(world)
    let text = old.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.hasPrefix("DB_PASSWORD=") ? "DB_PASSWORD=\(theirs)" : String(line)
    }.joined(separator: "\n")
    try text.write(toFile: world.sandbox.files.environmentFile, atomically: true, encoding: .utf8)
    try "".write(toFile: world.sandbox.files.restartFile, atomically: true, encoding: .utf8)

    // The plan is from before: it is noticed before anything is changed.
    let stopped = try await world.run(planned)
    #expect(stopped.status != 0)
    #expect(
      stopped.output.contains("the world changed since the plan: whether "),
      "said in words, not as an expression: \(stopped.output.suffix(2000))")
    #expect(try await accepts(world, theirs), "the team's password was replaced")

    // Another plan has the locks, replaces nothing and proves the leaked one dead.
    let again = try await plan(world, planned.incident)
    let done = try await world.run(again)
    #expect(done.status == 0, "\(done.errors) \(done.output.suffix(2000))")
    #expect(try await accepts(world, theirs), "the team's password was replaced")
    #expect(done.output.contains("\"proof\""))
    #expect(try await world.sandbox.observe().isOldSessionOpen == false)
    await world.stop()
  }

  @Test
  func
    `After a rotation by hand what still holds the leaked value is named, and forgotten once it is changed`()
    async throws
  {
    let world = try await LiveWorld()
    let leaked = try #require(world.sandbox.secrets["leaked postgres_uri"]).exposeAsText()
    let first = try #require(leaked.utf8.first)
    let encoded = "%" + String(first, radix: 16, uppercase: true) + leaked.dropFirst()
    let theirs = "TheirOwn" + UUID().uuidString.replacing("-", with: "")
    try await rows(world, "ALTER ROLE trainer PASSWORD '\(theirs)'")
    let lines = try stored(world).split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.hasPrefix("DB_PASSWORD=") ? "DB_PASSWORD=\(theirs)" : String(line)
    }
    let rotated = lines.joined(separator: "\n")
    // Beside DATABASE_URL, which holds it as it is.
    let left = "\nREPORTS_DSN=postgres://trainer:\(encoded)@db.training.example/training\n"
    try (rotated + left).write(
      toFile: world.sandbox.files.environmentFile, atomically: true, encoding: .utf8)
    try "".write(toFile: world.sandbox.files.restartFile, atomically: true, encoding: .utf8)

    let planned = try #require(try await world.respond().plans.first { $0.kind == "postgres_uri" })
    let shown = try await world.binary.run(["run", planned.plan])
    let ran = try await world.run(planned)
    #expect(ran.status == 0, "\(ran.errors) \(ran.output.suffix(2000))")
    let status = try await world.binary.run(["show", planned.incident])
    let handover = try await world.binary.run(["handover", "--incident", planned.incident])
    for entry in ["DATABASE_URL in trainer-env", "REPORTS_DSN in trainer-env"] {
      #expect(shown.output.contains("holds the dead value, what reads it fails: \(entry)"), "\(shown.output)")
      #expect(status.output.contains("still holds the old value: \(entry)"), "\(status.output)")
      #expect(handover.output.replacing("\\", with: "").contains(entry), "\(handover.output)")
    }
    #expect(!shown.output.contains("DB_PASSWORD in trainer-env"))
    let next = "staunch credential verify postgres-training --incident \(planned.incident)"
    #expect(status.output.contains(next), "\(status.output)")

    // Changed by hand, and looked at again by the command that was printed.
    try rotated.replacing(leaked, with: theirs).write(
      toFile: world.sandbox.files.environmentFile, atomically: true, encoding: .utf8)
    let looked = try await world.binary.run(next.split(separator: " ").dropFirst().map(String.init))
    #expect(looked.status == 0, "\(looked.output)\(looked.errors)")
    let after = try await world.binary.run(["show", planned.incident])
    #expect(!after.output.contains("still holds the old value"), "\(after.output)")
    await world.stop()
  }

  @Test func `A second plan of an incident that is done rotates nothing`() async throws {
    let world = try await LiveWorld()
    let plans = try await world.respond().plans
    for planned in plans {
      let first = try await world.run(planned)
      #expect(first.status == 0, "\(first.errors) \(first.output.suffix(2000))")
    }
    let before = try stored(world)
    let keys = try world.training().openAI.keyNames
    for planned in plans {
      let second = try await world.run(try await plan(world, planned.incident))
      #expect(second.status == 0, "\(second.errors) \(second.output.suffix(2000))")
    }
    #expect(try stored(world) == before)
    #expect(try world.training().openAI.keyNames == keys)
    #expect(try await world.sandbox.observe().isConsumerHealthy)
    await world.stop()
  }

  @Test(arguments: ["limit", "store"])
  func `Nothing is rotated where the new password would let nobody in, or programs use another entry`(
    what: String
  ) async throws {
    let world = try await LiveWorld()
    if what == "limit" {
      try await rows(world, "ALTER ROLE trainer CONNECTION LIMIT 0")
    } else {
      let text = try stored(world).split(separator: "\n", omittingEmptySubsequences: false).map { line in
        line.hasPrefix("DB_PASSWORD=") ? "DB_PASSWORD=AnOldOneOfTheirs" : String(line)
      }.joined(separator: "\n")
      try text.write(toFile: world.sandbox.files.environmentFile, atomically: true, encoding: .utf8)
    }
    let before = try stored(world)
    let doctor = try await world.binary.run(["doctor"])
    #expect(doctor.status == 1, "\(doctor.output)")
    let word =
      what == "limit"
      ? "postgres-training: CONNECTION LIMIT" : "store of postgres-training: value of DB_PASSWORD"
    #expect(
      doctor.output.split(separator: "\n").contains { $0.hasPrefix("BAD") && $0.contains(word) },
      "\(doctor.output)")
    let planned = try #require(try await world.respond().plans.first { $0.kind == "postgres_uri" })
    let shown = try await world.binary.run(["run", planned.plan])
    #expect(shown.output.contains("note: issue a value for postgres-training"), "\(shown.output)")
    let stopped = try await world.run(planned)
    #expect(stopped.status == 11, "\(stopped.errors) \(stopped.output.suffix(2000))")
    #expect(try stored(world) == before)
    if what == "limit" { try await rows(world, "ALTER ROLE trainer CONNECTION LIMIT -1") }
    let leaked = try #require(world.sandbox.secrets["leaked postgres_uri"]).exposeAsText()
    #expect(try await accepts(world, leaked), "the password was changed")
    await world.stop()
  }

  @Test func `A program's restart dies with the runner, and changes nothing afterwards`() async throws {
    let world = try await LiveWorld()
    // The restart says that it runs, and then waits for a word that comes after the runner was killed.
    let (started, go, late) = (world.root.path("started"), world.root.path("go"), world.root.path("late"))
    for path in [started, go] { try #require(mkfifo(path, 0o600) == 0) }
    let script = world.root.path("restart.sh")
    try """
    #!/bin/sh
    exec 9>"\(started)"
    echo started >&9
    read -r word <"\(go)"
    echo "$word" >"\(late)"
    """.write(toFile: script, atomically: true, encoding: .utf8)
    let text = try String(contentsOfFile: world.sandbox.configuration, encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.contains("restart:") ? "    restart: [sh, \"\(script)\"]" : String(line)
    }
    try lines.joined(separator: "\n").write(
      toFile: world.sandbox.configuration, atomically: true, encoding: .utf8)
    let planned = try #require(try await world.respond().plans.first { $0.kind == "postgres_uri" })
    let runner = try world.binary.start([
      "run", planned.plan, "--live", "--approve", planned.digest, "--no-input", "--json",
    ])
    // Opening it waits for the restart to open it, and reading waits for its word; the end of the file is its death.
    let reader = FileHandle(forReadingAtPath: started)
    #expect(reader?.availableData.isEmpty == false)
    runner.kill()
    #expect(reader?.availableData.isEmpty == true, "the restart outlived the runner")
    #expect(!FileManager.default.fileExists(atPath: late))
    await world.stop()
  }
}
