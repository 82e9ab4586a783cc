import Foundation
import JSON
import TestSupport
import Testing

/// The answer to a report of what is known already. The real binary.
@Suite struct KnownReportTests {
  private let directory: TemporaryDirectory
  private let binary: StaunchBinary
  private static let value = "made-up-" + "value-27182818"

  init() throws {
    directory = try TemporaryDirectory()
    binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    try "staunch: 1\n".write(
      toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
  }

  /// As gitleaks writes it.
  private func gitleaks(_ value: String) throws -> String {
    let report: JSONValue = [
      [
        "RuleID": "generic-api-key", "Description": "Generic", "StartLine": 1, "EndLine": 1, "StartColumn": 1,
        "EndColumn": 9, "Match": .string(value), "Secret": .string(value), "File": "a.py", "SymlinkFile": "",
        "Commit": "", "Entropy": 4, "Author": "", "Email": "", "Date": "", "Message": "", "Tags": [],
        "Fingerprint": "a.py:generic-api-key:1",
      ]
    ]
    let name = directory.path("\(UUID().uuidString).json")
    try report.canonicalText.write(toFile: name, atomically: true, encoding: .utf8)
    return name
  }

  /// In the project's own format, under another kind.
  private func other(_ value: String) throws -> String {
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [["kind": "openai_api_key", "value": .string(value), "path": "a.py", "line": 1]],
    ]
    let name = directory.path("\(UUID().uuidString).json")
    try report.canonicalText.write(toFile: name, atomically: true, encoding: .utf8)
    return name
  }

  private func respond(_ report: String) async throws -> JSONValue {
    let outcome = try await binary.run(["respond", report, "--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try JSONValue(parsing: Data(outcome.output.utf8))
    return try #require(document["incidents"]?.array?.first)
  }

  @Test func `one incident has two codenames and two kinds, as two scanners name the secret`() async throws {
    let first = try await respond(gitleaks(Self.value))
    let second = try await respond(other(Self.value))
    let third = try await respond(gitleaks(Self.value))
    #expect(first["kind"]?.string == "generic_password")
    let status = try await binary.run(["status", "--json"])
    let shown = try #require(
      try JSONValue(parsing: Data(status.output.utf8))["incidents"]?.array?.first)
    for (name, answer) in [("second", second), ("third", third), ("status", shown)] {
      #expect(answer["id"] == first["id"], "\(name)")
      #expect(answer["codename"] == first["codename"], "\(name)")
      #expect(answer["kind"]?.string == "openai_api_key", "\(name)")
    }
    let codename = try #require(first["codename"]?.string)
    #expect(try await binary.run(["handover"]).output.contains(codename))
  }

  @Test func `the hand-over names two ways to acknowledge it, and one of them does not count`() async throws {
    let id = try #require(try await respond(gitleaks(Self.value))["id"]?.string)
    let shown = try await binary.run(["handover"])
    let text = shown.output + shown.errors
    let command = "staunch handover --incident \(id) --acknowledge responder"
    #expect(text.contains("`\(command)`"), "\(text)")
    #expect(text.components(separatedBy: "acknowledge").count == 3, "the sentence and its command: \(text)")
    let words = command.replacing("ROLE", with: "responder").split(separator: " ").dropFirst().map {
      String($0)
    }
    let done = try await binary.run(words)
    #expect(done.status == 0 && done.errors.contains("acknowledged by responder"), "\(done.errors)")
    #expect(try await binary.run(["handover"]).output.contains("hand-over"))
  }

  @Test func `a report that brings nothing new looks like nothing, or like something new`() async throws {
    let report = try gitleaks(Self.value)
    let first = try await respond(report)
    #expect(first["news"]?.boolean == true && first["new"]?.boolean == true)
    let again = try await respond(report)
    #expect(again["id"] == first["id"])
    #expect(again["news"]?.boolean == false && again["new"]?.boolean == false)
    #expect(again["state"]?.string == "open")
    let text = try await binary.run(["respond", report])
    #expect(text.output.contains("known already, open: the report brings nothing new"), "\(text.output)")
    let shown = try await binary.run(["journal", "export"])
    #expect(shown.output.contains("\"seen\":{"), "\(shown.output)")
  }

  @Test func `a report without the value does not say whose place it has found`() async throws {
    let first = try await respond(gitleaks(Self.value))
    let masked = try await respond(gitleaks("REDACTED"))
    let id = try #require(first["id"])
    #expect(masked["id"] != id)
    #expect(masked["same_place"]?.array == [id])
  }

  @Test func `a report that brings nothing new makes a further plan each time`() async throws {
    let report = try gitleaks(Self.value)
    let first = try await respond(report)
    let again = try await respond(report)
    #expect(again["plan"] == first["plan"], "nothing in it would be different")

    // A run that waits for a person goes on.
    let plan = first["plan"]?["id"]?.string ?? ""
    let waiting = try await binary.run([
      "run", plan, "--live", "--approve", first["plan"]?["digest"]?.string ?? "", "--no-input",
    ])
    #expect(waiting.status == 75, "\(waiting.errors)")
    #expect(try await respond(report)["plan"] == first["plan"])

    // A new place is news, and a no stands.
    let other = try await respond(other(Self.value))
    #expect(other["plan"]?["id"] != first["plan"]?["id"])
    let no = try await binary.run(["approve", other["plan"]?["id"]?.string ?? "", "--decline", "not now"])
    #expect(no.status == 0, "\(no.errors)")
    #expect(try await respond(report)["plan"]?["id"] != other["plan"]?["id"])
  }

  @Test
  func `status says a full stop twice and an age in milliseconds, and keeps to itself what is asked for`()
    async throws
  {
    let first = try await respond(gitleaks(Self.value))
    _ = try await binary.run([
      "run", first["plan"]?["id"]?.string ?? "", "--live", "--approve",
      first["plan"]?["digest"]?.string ?? "", "--no-input",
    ])
    let shown = try await binary.run(["status"])
    #expect(!shown.output.contains(".. "), "\(shown.output)")
    #expect(shown.output.contains("Then say so, and behind it what it asks for: "), "\(shown.output)")
    let age = try #require(shown.output.split(separator: "T+").dropFirst().first)
    #expect(!age.prefix(8).contains("ms"), "\(age.prefix(8))")
  }
}
