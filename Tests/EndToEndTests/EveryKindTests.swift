import Foundation
import Incidents
import JSON
import TestSupport
import Testing

/// With nothing configured, a report of a kind that no route named was only recorded. The real binary.
@Suite struct EveryKindTests {
  @Test func `every kind has a plan with the file that init writes, and nothing is changed`() async throws {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    #expect(try await binary.run(["init"]).status == 0)
    let kinds = KindTable.builtin.rows.map(\.kind.rawValue)
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": .array(
        kinds.map { kind in
          [
            "kind": .string(kind), "value": .string(FakeSecrets.value("word", kind)), "repository": "shop",
            "path": .string("\(kind).py"), "line": 1,
          ]
        }),
    ]
    try report.canonicalText.write(
      toFile: directory.path("report.json"), atomically: true, encoding: .utf8)
    let outcome = try await binary.run(["respond", "report.json", "--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
    let incidents = try #require(document["incidents"]?.array)
    #expect(incidents.count == kinds.count)
    for incident in incidents {
      #expect(incident["playbook"]?.string == "generic-secret", "\(incident.canonicalText)")
      #expect(incident["plan"]?["digest"]?.string?.count == 64, "\(incident.canonicalText)")
    }
    let openAI = try #require(incidents.first { $0["kind"] == "openai_api_key" })
    #expect(openAI["missing_entry"]?.string?.contains("kind: openai") == true)
    #expect(!FileManager.default.fileExists(atPath: directory.path("state/tickets")))

    let plan = try #require(openAI["plan"]?["id"]?.string)
    let shown = try await binary.run(["run", plan])
    #expect(shown.status == 0, "\(shown.errors)")
    #expect(shown.output.contains("open a ticket at local"), "\(shown.output)")
    #expect(shown.output.contains("nobody else: local is on this machine"), "\(shown.output)")
  }
}
