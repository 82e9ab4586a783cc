import Foundation
import JSON
import TestSupport
import Testing

/// `approve`, `done`, `skip`, `retry` and `abort` take only answers that the run can use.
@Suite struct AnswerCommandTests {
  @Test func `An answer that the run cannot use is refused with its reason and changes nothing`() async throws
  {
    let directory = try TemporaryDirectory()
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    try """
    playbook: 1
    id: mine
    title: Mine
    deadline: 1h
    steps: [{id: go, approve: {by: [responder], within: 1h}}, {id: look, manual: Look}]
    """.write(toFile: directory.path("playbooks/mine.yaml"), atomically: true, encoding: .utf8)
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    let plan = try JSONDecoder().decode(
      JSONValue.self, from: Data(try await binary.run(["plan", "mine", "--json"]).output.utf8))
    let digest = try #require(plan["digest"]?.string)
    let run = try #require(plan["run"]?.string)

    let wrongGate = try await binary.run(["approve", digest, "--step", "nosuch"])
    #expect(wrongGate.status == 65 && wrongGate.errors.contains("one of: go"), "\(wrongGate.errors)")
    _ = try await binary.run(["run", digest, "--live", "--approve", digest, "--no-input"])
    let again = try await binary.run(["retry", "look", "--reason", "why not"])
    #expect(again.status == 65 && again.errors.contains("no decision"), "\(again.errors)")
    let done = try await binary.run(["skip", "go", "--reason", "late"])
    #expect(done.status == 77 && done.errors.contains("done already"), "\(done.errors)")
    let item = try await binary.run(["done", "look", "--item", "0"])
    #expect(item.status == 64 && item.errors.contains("no items"), "\(item.errors)")

    #expect(try await binary.run(["done", "look"]).status == 0)
    #expect(try await binary.run(["resume", run]).status == 0)
    for arguments in [
      ["skip", "look", "--reason", "late", "--run", run], ["done", "look", "--run", run],
      ["abort", run, "--reason", "late"],
    ] {
      let late = try await binary.run(arguments)
      #expect(late.status == 77, "\(arguments): \(late.status) \(late.errors)")
    }
  }
}
