import Foundation
import JSON
import TestSupport
import Testing

/// Every way by which a person's text comes into the journal. The real binary.
@Suite struct EnteredTextDoorsTests {
  private static let value = "vT8!kQ2&" + "zL0/pW4"
  /// As it stands in a page or an XML file.
  private static let spelled = value.replacing("&", with: "&amp;")

  @Test func `a text with the leaked value, spelled as in a page, is taken at one of the doors`() async throws
  {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    try "staunch: 1\nroutes: [{playbook: mine}]\n".write(
      toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    try """
    playbook: 1
    id: mine
    title: Mine
    deadline: 1h
    inputs:
      incident: {type: incident}
      owner: {type: string, default: nobody}
    steps: [{id: look, manual: Look, collect: {who: string}}]
    """.write(toFile: directory.path("playbooks/mine.yaml"), atomically: true, encoding: .utf8)
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [["kind": "generic_password", "value": .string(Self.value), "path": "a.py", "line": 1]],
    ]
    try report.canonicalText.write(
      toFile: directory.path("report.json"), atomically: true, encoding: .utf8)
    let responded = try await binary.run(["respond", "report.json", "--json"])
    let incident = try #require(
      try JSONValue(parsing: Data(responded.output.utf8))["incidents"]?.array?.first)
    let id = try #require(incident["id"]?.string)
    let plan = try #require(incident["plan"]?["id"]?.string, "\(responded.output)")
    let digest = try #require(incident["plan"]?["digest"]?.string)
    let waiting = try await binary.run(["run", plan, "--live", "--approve", digest, "--no-input"])
    #expect(waiting.status == 75, "\(waiting.errors) \(waiting.output)")

    let text = "it was \(Self.spelled)"
    let doors: [[String]] = [
      ["note", text], ["note", "x", "--role", text], ["todo", text], ["todo", "x", "--owner", text],
      ["close", id, "--reason", text], ["handover", "--acknowledge", text],
      ["skip", "look", "--reason", text], ["done", "look", "who=\(text)"],
      ["done", "look", "nothing=\(text)"], ["approve", digest, "--decline", text],
      ["resume", "--reason", text], ["abort", "--reason", text],
      ["run", plan, "--live", "--reason", text, "--no-input"],
      ["plan", "mine", "--input", "incident=\(id)", "--input", "owner=\(text)"],
      ["respond", "report.json", "--repository", text],
    ]
    for door in doors {
      let refused = try await binary.run(door)
      #expect(refused.status == 77, "\(door[0]): \(refused.errors) \(refused.output)")
      #expect(refused.errors.contains("leaked value at line 1"), "\(door[0]): \(refused.errors)")
      #expect(!(refused.errors + refused.output).contains(Self.spelled), "\(door[0])")
    }
    let journal = try await binary.run(["journal", "export"])
    #expect(!journal.output.contains(Self.spelled) && !journal.output.contains(Self.value))
    #expect(try await binary.run(["note", "it was the usual one"]).status == 0)
  }
}
