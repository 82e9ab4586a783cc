@testable import Drills
import Foundation
import JSON
import Secrets
import TestSupport
import Testing

/// The built binary against a real PostgreSQL: which words about a leaked account are true when it has several values, when
/// one probe refuses, and when the leak is of another account.
@Suite struct SeveralValuesTests {
  /// A world with a report about the PostgreSQL account alone.
  private struct Site {
    let world: LiveWorld
    let server: SandboxPostgres

    init() async throws {
      world = try await LiveWorld()
      guard case .postgres(let server, _) = try world.training().database else {
        throw LiveWorld.NoPostgres()
      }
      self.server = server
    }

    var leaked: String {
      get throws { try #require(world.sandbox.secrets["leaked postgres_uri"]).exposeAsText() }
    }

    /// Reports connection strings (a password alone where `user` is nil). - Returns: the first incident of the answer.
    func respond(_ passwords: [String], user: String? = "trainer", host: String? = nil, name: String = "own")
      async throws -> JSONValue
    {
      let place = host ?? "\(server.endpoint.host):\(server.endpoint.port)"
      let findings = passwords.enumerated().map { index, password -> JSONValue in
        let uri = user.map { "postgres://\($0):\(password)@\(place)/training" }
        return [
          "kind": "postgres_uri", "value": .string(uri ?? password), "repository": "training",
          "path": .string("\(name)-\(index).env"), "line": 1,
        ]
      }
      let path = world.root.path("\(name).json")
      let report: JSONValue = ["schema": "staunch.findings/1", "findings": .array(findings)]
      try report.canonicalText.write(toFile: path, atomically: true, encoding: .utf8)
      let outcome = try await world.binary.run(["respond", path, "--json"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
      #expect(document["incidents"]?.array?.count == 1)
      return try #require(document["incidents"]?[0])
    }

    func status() async throws -> JSONValue {
      let shown = try await world.binary.run(["incidents", "--json"])
      let document = try JSONDecoder().decode(JSONValue.self, from: Data(shown.output.utf8))
      return try #require(document["incidents"]?[0])
    }
  }

  @Test
  func
    `two values of one account are dead when both are, and the password of after the rotation is a leak of its own`()
    async throws
  {
    let site = try await Site()
    let world = site.world
    // The first value of the report is an old password, which the server refuses already.
    let incident = try await site.respond(["an-old-password", try site.leaked])
    let id = try #require(incident["id"]?.string)
    #expect(incident["values"] == 2)
    let before = try await world.binary.run(["credential", "verify", "postgres-training", "--incident", id])
    #expect(before.status == 11, "the second value logs in: \(before.output)")
    let ran = try await world.binary.run([
      "run", incident["plan"]?["id"]?.string ?? "", "--live", "--approve",
      incident["plan"]?["digest"]?.string ?? "", "--no-input", "--history-before-containment",
    ])
    #expect(ran.status == 0, "\(ran.errors) \(ran.output.suffix(2000))")
    #expect(ran.output.contains("old credential postgres-training (value 2): ALIVE"), "\(ran.output)")
    #expect(ran.output.contains("old credential postgres-training (value 2): refused"), "\(ran.output)")
    #expect(try await !world.sandbox.observe().acceptedLeaks.contains("postgres_uri"))
    let contained = try await site.status()
    #expect(contained["state"] == "contained" && contained["unproven_values"] == 0)
    let leaked = contained["credentials"]?.array?.filter { $0["subject"] == "leaked" } ?? []
    #expect(leaked.count == 2 && leaked.allSatisfy { $0["proven"]?.string != nil })

    let env = try String(contentsOfFile: world.sandbox.files.environmentFile, encoding: .utf8)
    let line = env.split(separator: "\n").first { $0.hasPrefix("\(TrainingWorld.databaseVariable)=") }
    let new = try #require(line).dropFirst(TrainingWorld.databaseVariable.count + 1).filter {
      $0 != "'" && $0 != "\""
    }
    let again = try await site.respond([String(new)], name: "after")
    #expect(again["id"]?.string == id && again["further_values"] == 1)
    #expect(again["reopened"] == true)
    let reopened = try await site.status()
    #expect(reopened["state"] == "open" && reopened["unproven_values"] == 1)
    let closed = try await world.binary.run(["close", id, "--reason", "over"])
    #expect(closed.status == 11, "\(closed.output)")
    let alive = try await world.binary.run(["credential", "verify", "postgres-training", "--incident", id])
    #expect(alive.status == 11)
    await world.stop()
  }

  @Test func `one refusal by hand is not death: nothing says contained, and close is refused`() async throws {
    let site = try await Site()
    let world = site.world
    // A password alone, which this role does not have: the server's no is about this server and this moment only.
    let incident = try await site.respond(["of-another-role"], user: nil)
    let id = try #require(incident["id"]?.string)
    let probed = try await world.binary.run([
      "credential", "verify", "postgres-training", "--incident", id,
    ])
    #expect(probed.status == 0 && probed.output.contains("DEAD"), "\(probed.output) \(probed.errors)")
    #expect(try await site.status()["state"] == "open")
    let closed = try await world.binary.run(["close", id, "--reason", "over"])
    #expect(closed.status == 11)
    #expect(closed.errors.contains("not proven dead"), "\(closed.errors)")
    let exported = try await world.binary.run(["journal", "export"])
    #expect(!exported.output.contains("\"state\":\"contained\""))
    await world.stop()
  }

  @Test(arguments: [("svc", "db1:5432", "svc@db1:5432/training"), ("trainer", "db1", "trainer@db1/training")])
  func `a leak of another account or place is not planned against the only target of its kind`(
    user: String, host: String, handle: String
  ) async throws {
    let site = try await Site()
    let incident = try await site.respond(["whatever-it-is"], user: user, host: host)
    #expect(incident["plan"] == .null)
    #expect(incident["reason"]?.string?.contains("the leak is of \(handle)") == true, "\(incident)")
    #expect(incident["next"]?.string?.isEmpty == false)
    let named = try await site.world.binary.run([
      "respond", site.world.root.path("own.json"), "--json", "--credential", "postgres-training",
    ])
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(named.output.utf8))
    let isPlanned = document["incidents"]?[0]?["plan"]?["id"]?.string != nil
    #expect(
      isPlanned == (user == "trainer"),
      "a person may say that it is another name of the place, not of the account")
    await site.world.stop()
  }

  @Test func `of several incidents in one report each is contained before any history is rewritten`()
    async throws
  {
    let world = try await LiveWorld()
    let drill = try await world.binary.run(
      ["drill", "run", "openai-and-postgres", "--auto", "--json"])
    #expect(drill.status == 0, "\(drill.errors.suffix(3000))")
    var contained: Set<String> = []
    var incidents: Set<String> = []
    var rewrites: [Int] = []
    for line in drill.output.split(separator: "\n") {
      guard let event = try? JSONDecoder().decode(JSONValue.self, from: Data(line.utf8)) else { continue }
      let name = event["incident"]?.string ?? ""
      switch event["event"]?.string {
      case "run.started": incidents.insert(name)
      case "incident.state" where event["body"]?["state"] == "contained": contained.insert(name)
      case "step.intent" where event["body"]?["action"] == "history.rewrite": rewrites.append(contained.count)
      default: continue
      }
    }
    #expect(incidents.count == 2)
    #expect(rewrites == [2, 2])
    await world.stop()
  }
}
