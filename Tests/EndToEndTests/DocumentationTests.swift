import Foundation
import TestSupport
import Testing

/// Documents that are made by the program are what the program makes.
@Suite struct DocumentationTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func `docs/CONFIGURATION.md is what staunch reference prints`() async throws {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    let printed = try await binary.run(["reference"])
    let written = try String(contentsOf: Self.root.appending(path: "docs/CONFIGURATION.md"), encoding: .utf8)
    #expect(printed.output == written, "fix: staunch reference > docs/CONFIGURATION.md")
  }

  /// Every `staunch …` command that a message tells a responder to run must exist.
  @Test func `commands that messages name exist`() async throws {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    for command in [
      "respond", "plan", "run", "resume", "abort", "skip", "retry", "done", "approve", "status", "next",
      "incidents",
      "show",
      "note", "todo", "close", "update", "handover", "init", "doctor", "reference", "history scan",
      "history rewrite",
      "history verify", "history push", "history restore", "history shred", "history check-clone",
      "history guard",
      "history support-request", "playbook list", "playbook show", "playbook lint", "playbook graph",
      "playbook schema", "playbook actions", "playbook language", "playbook import", "playbook export",
      "journal verify", "journal export", "journal key",
      "postmortem draft",
      "postmortem lint", "ticket list", "ticket send", "ticket drop", "credential verify",
      "credential inspect",
      "credential disable", "credential end-sessions", "credential locate", "drill run", "drill list",
      "drill history", "serve",
      "work",
      "people add", "kinds", "credential providers",
    ] {
      let help = try await binary.run(command.split(separator: " ").map(String.init) + ["--help"])
      #expect(help.status == 0, "\(command)")
      #expect(help.output.contains("USAGE: staunch \(command)"), "\(command)")
    }
  }
}
