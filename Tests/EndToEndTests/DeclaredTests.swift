import Foundation
import JSON
import TestSupport
import Testing

/// What is declared, documented or written works from the command line.
@Suite struct DeclaredTests {
  private func json(_ text: String) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  private static let issuing = """
    playbook: 1
    id: mine
    title: Mine
    deadline: 1h
    inputs: {credential: {type: credential}, store: {type: store}}
    locks: ["${{ inputs.credential.lock }}"]
    steps:
      - id: replacement
        uses: credential.issue
        with: {credential: "${{ inputs.credential }}", store: "${{ inputs.store }}"}
        verify:
          uses: credential.verify
          with: {credential: "${{ inputs.credential }}", secret: "${{ self.secret }}"}
          expect: alive
        undo: {none: a person issued it}
    """

  @Test func `a replacement that a person issues is waited for, taken from its reference, stored and used`()
    async throws
  {
    let value = FakeSecrets.value("password", "issued by a person")
    let server = try LoopbackServer { request in
      .answer(request.headers["authorization"] == "Bearer \(value)" ? 200 : 401)
    }
    let (directory, binary) = try StaunchBinary.world(playbook: Self.issuing)
    try FileManager.default.createDirectory(
      atPath: directory.path("secrets"), withIntermediateDirectories: true)
    try """
    staunch: 1
    credentials:
      token:
        kind: generic
        console: https://provider.example.org/tokens
        replacement: file:\(directory.path("new"))
        verify: {url: \(server.url)/whoami, alive: [200], dead: [401]}
        store: secrets
        key: TOKEN
    stores:
      secrets: {kind: file, directory: \(directory.path("secrets"))}
    """.write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    let planned = try await binary.run([
      "plan", "mine", "--input", "credential=token", "--input", "store=secrets", "--json",
    ])
    #expect(planned.status == 0, "\(planned.errors)")
    #expect(
      planned.output.contains("wait until a person has issued a new value for token"), "\(planned.output)")
    let plan = try json(planned.output)
    let waiting = try await binary.run([
      "run", plan["id"]?.string ?? "", "--live", "--approve", plan["digest"]?.string ?? "", "--no-input",
    ])
    #expect(waiting.status == 75, "\(waiting.errors)")
    #expect(waiting.output.contains("https://provider.example.org/tokens"), "\(waiting.output)")
    #expect(!FileManager.default.fileExists(atPath: directory.path("secrets/TOKEN")))
    try (value + "\n").write(toFile: directory.path("new"), atomically: true, encoding: .utf8)
    let done = try await binary.run(["resume", plan["run"]?.string ?? "", "--no-input"])
    #expect(done.status == 0, "\(done.errors) \(done.output)")
    #expect(try String(contentsOfFile: directory.path("secrets/TOKEN"), encoding: .utf8) == value)
    for outcome in [planned, waiting, done] { #expect(!(outcome.output + outcome.errors).contains(value)) }
  }

  @Test(arguments: ["vault:secret/data/app#password", "env:", "fd:x", "hunter2"])
  func `a reference that the runner cannot read is refused by the configuration already`(reference: String)
    async throws
  {
    let (directory, binary) = try StaunchBinary.world(
      "staunch: 1\ncredentials:\n  token: {kind: generic, replacement: \"\(reference)\"}\n")
    defer { withExtendedLifetime(directory) {} }
    let outcome = try await binary.run(["plan", "generic-secret"])
    #expect(outcome.status == 78, "\(outcome.errors)")
    #expect(outcome.errors.contains("\"replacement\" is no reference that can be read"), "\(outcome.errors)")
  }

  private static let cacao: JSONValue = [
    "type": "playbook", "spec_version": "cacao-2.0", "id": "playbook--a0777575-5c4c-4710-9f01-15776103837f",
    "name": "Tell somebody", "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
    "workflow_start": "start--00000000-0000-4000-8000-000000000001",
    "workflow": [
      "start--00000000-0000-4000-8000-000000000001": [
        "type": "start", "on_completion": "action--00000000-0000-4000-8000-000000000002",
      ],
      "action--00000000-0000-4000-8000-000000000002": [
        "type": "action", "name": "Call", "on_completion": "end--00000000-0000-4000-8000-000000000003",
        "commands": [["type": "manual", "command": "Call the owner"]],
      ],
      "end--00000000-0000-4000-8000-000000000003": ["type": "end"],
    ],
  ]

  @Test func `a CACAO playbook is imported, passes the lint, and what is outside the subset is named`()
    async throws
  {
    let (directory, binary) = try StaunchBinary.world()
    try Self.cacao.canonicalText.write(
      toFile: directory.path("cacao.json"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    let name = "playbooks/playbook--a0777575-5c4c-4710-9f01-15776103837f.yaml"
    let imported = try await binary.run(["playbook", "import", "cacao.json", "--output", name])
    #expect(imported.status == 0, "\(imported.errors)")
    let lint = try await binary.run(["playbook", "lint", name, "--json"])
    #expect(lint.status == 0, "\(lint.output)")
    #expect(try await binary.run(["playbook", "import", "cacao.json", "--output", name]).status == 65)
    let piped = try await binary.run(
      ["playbook", "import", "-"],
      input: Self.cacao.canonicalText.replacing("\"manual\"", with: "\"bash\""))
    #expect(piped.status == 65)
    #expect(piped.errors.contains("commands of type bash are outside the subset"), "\(piped.errors)")
  }

  @Test func `a playbook is exported as CACAO`() async throws {
    let (directory, binary) = try StaunchBinary.world()
    defer { withExtendedLifetime(directory) {} }
    let exported = try await binary.run([
      "playbook", "export", "rotate-leaked-credential", "--sharing", "green",
    ])
    #expect(exported.status == 0, "\(exported.errors)")
    let document = try json(exported.output)
    #expect(document["spec_version"] == "cacao-2.0")
    #expect(document["data_marking_definitions"]?.object?.values.first?["tlpv2_level"] == "TLP:GREEN")
  }

  private func incident(_ binary: StaunchBinary) async throws -> String {
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [
        [
          "kind": "openai_api_key", "value": .string(FakeSecrets.value("openai_api_key")), "path": "a.py",
          "line": 3,
        ]
      ],
    ]
    let outcome = try await binary.run(["respond", "-", "--json"], input: report.canonicalText)
    return try #require(try json(outcome.output)["incidents"]?[0]?["id"]?.string)
  }

  @Test func `the post-mortem is written as Markdown, as a page and as JSON, with what people wrote`()
    async throws
  {
    let (directory, binary) = try StaunchBinary.world()
    let id = try await incident(binary)
    let written = try await binary.run(["postmortem", "draft", id, "--output", "pm.md"])
    #expect(written.status == 0, "\(written.errors)")
    let path = directory.path("pm.md")
    let first = try String(contentsOfFile: path, encoding: .utf8)
    let marker = try #require(first.firstMatch(of: /<!-- people:begin impact[^\n]*\n[^\n]*\n/)).output
    let edited = first.replacing(marker, with: marker.prefix { $0 != "\n" } + "\nTwo customers.\n")
      .replacing("## 6. ", with: "A remark outside.\n\n## 6. ")
    try edited.write(toFile: path, atomically: true, encoding: .utf8)
    let page = try await binary.run([
      "postmortem", "draft", id, "--format", "html", "--document", "pm.md", "--output", "-",
    ])
    #expect(
      page.output.hasPrefix("<!doctype html>") && page.output.contains("Two customers."), "\(page.errors)")
    let facts = try await binary.run([
      "postmortem", "draft", id, "--format", "json", "--document", "pm.md", "--output", "pm.json",
    ])
    #expect(facts.status == 0, "\(facts.errors)")
    let document = try json(try String(contentsOfFile: directory.path("pm.json"), encoding: .utf8))
    #expect(document["written"]?["impact"] == "Two customers.")
    let again = try await binary.run(["postmortem", "draft", id, "--output", "pm.md"])
    #expect(again.status == 0, "\(again.errors)")
    let second = try String(contentsOfFile: path, encoding: .utf8)
    #expect(second.contains("Two customers.") && second.contains("A remark outside."))
    #expect(try String(contentsOfFile: path + ".bak", encoding: .utf8) == edited)
  }

  @Test func `a file that is not what was written is left as it is`() async throws {
    let (directory, binary) = try StaunchBinary.world()
    let id = try await incident(binary)
    let latin = Data("# Notizen f".utf8) + Data([0xFC]) + Data("r morgen\n".utf8)
    for (name, bytes) in [("notes.md", Data("# My notes\n".utf8)), ("latin.md", latin)] {
      try bytes.write(to: URL(filePath: directory.path(name)))
      let outcome = try await binary.run(["postmortem", "draft", id, "--output", name])
      #expect(outcome.status == 65, "\(name): \(outcome.errors)")
      #expect(try Data(contentsOf: URL(filePath: directory.path(name))) == bytes)
    }
    let lint = try await binary.run(["postmortem", "lint", "--fix", "latin.md"])
    #expect(lint.status == 65 && lint.errors.contains("line 1 is not UTF-8"), "\(lint.errors)")
    #expect(try Data(contentsOf: URL(filePath: directory.path("latin.md"))) == latin)
  }

  @Test func `fixing a file of Windows changes the name and nothing else`() async throws {
    let (directory, binary) = try StaunchBinary.world()
    let text = "\u{FEFF}# T\r\n\r\nAsk @octocat now.\r\n"
    try Data(text.utf8).write(to: URL(filePath: directory.path("w.md")))
    let outcome = try await binary.run(["postmortem", "lint", "--fix", "w.md"])
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    #expect(
      try Data(contentsOf: URL(filePath: directory.path("w.md")))
        == Data("\u{FEFF}# T\r\n\r\nAsk [contributor] now.\r\n".utf8))
  }

  @Test func `zero findings out of records that could not be read is no clean report`() async throws {
    let (directory, binary) = try StaunchBinary.world()
    defer { withExtendedLifetime(directory) {} }
    let outcome = try await binary.run(
      ["respond", "-", "--format", "gitleaks", "--keep-going", "--json"], input: "[{\"File\":1},{\"File\":2}]"
    )
    #expect(outcome.status == 65)
    #expect(try json(outcome.output)["skipped"]?.array?.count == 2)
    #expect(outcome.errors.contains("2 records cannot be read"), "\(outcome.errors)")
  }

  @Test func `a playbook whose file has another name, or is no UTF-8, fails the lint`() async throws {
    let (directory, binary) = try StaunchBinary.world(
      playbook: Self.issuing.replacing("id: mine", with: "id: other"))
    let folder = try await binary.run(["playbook", "lint", "--json"])
    #expect(folder.status == 65 && folder.output.contains("PB006"), "\(folder.output)")
    let file = try await binary.run(["playbook", "lint", "playbooks/mine.yaml", "--json"])
    #expect(file.status == 65 && file.output.contains("PB006"), "\(file.output)")
    let latin = Data(Self.issuing.replacing("title: Mine", with: "title: M").utf8)
    let place = try #require(latin.firstRange(of: Data("title: M".utf8))).upperBound
    try (latin[..<place] + Data([0xFC]) + latin[place...]).write(
      to: URL(filePath: directory.path("playbooks/mine.yaml")))
    for arguments in [
      ["playbook", "lint", "playbooks/mine.yaml", "--json"], ["playbook", "lint", "--json"],
    ] {
      let outcome = try await binary.run(arguments)
      let finding = try json(outcome.output)["diagnostics"]?[0]
      #expect(outcome.status == 65)
      #expect(
        finding?["rule"] == "PB001" && finding?["line"] == 3 && finding?["column"] == 9, "\(outcome.output)")
    }
  }
}
