import Foundation
import JSON
import TestSupport
import Testing

/// `staunch history rewrite --repositories`: many at once, each on its own.
@Suite struct ManyRepositoriesTests {
  private struct World {
    let directory: TemporaryDirectory
    let binary: StaunchBinary
    let secret = ["many", "Repositories", "Secret", "0123456789"].joined()

    /// Three repositories that hold the secret, and a path that is no repository.
    init() throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      for name in ["a", "b", "c"] {
        let path = directory.path(name)
        try Program.git("init", "-q", "-b", "main", path)
        try "key = \(secret)\n".write(toFile: path + "/f", atomically: true, encoding: .utf8)
        try Program.git("-C", path, "add", "f")
        try Program.git("-C", path, "commit", "-qm", "one")
      }
      try FileManager.default.createDirectory(
        atPath: directory.path("broken"), withIntermediateDirectories: true)
      try "# all of them\na\nbroken\n\nb\nc\n".write(
        toFile: directory.path("list.txt"), atomically: true, encoding: .utf8)
      try (secret + "\n").write(toFile: directory.path("secrets"), atomically: true, encoding: .utf8)
    }

    func rewrite(_ more: String...) async throws -> StaunchBinary.Outcome {
      try await binary.run(
        ["history", "rewrite", "--secrets", "secrets", "--repositories", "list.txt", "--jobs", "3"] + more)
    }

    func text(_ name: String) throws -> String {
      try Program.git("-C", directory.path(name), "show", "HEAD:f")
    }
  }

  @Test func `one that is no repository does not stop the others, and the exit code tells`() async throws {
    let world = try World()
    let outcome = try await world.rewrite("--live", "--confirm", "list.txt")
    #expect(outcome.status == 1, "\(outcome.errors)")
    for name in ["a", "b", "c"] { #expect(try world.text(name) == "key = ***REMOVED***\n") }
    #expect(outcome.output.contains("failed  \(world.directory.path("broken"))"))
    #expect(outcome.errors.contains("3 of 4 repositories done, 1 failed"), "\(outcome.errors)")
  }

  @Test func `12: what the policy asks more approvals for is refused for each, in words for people`()
    async throws
  {
    let world = try World()
    try "staunch: 1\npolicy: {approvals: {minimum: 2}}\n".write(
      toFile: world.directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    let outcome = try await world.rewrite("--live", "--confirm", "list.txt")
    #expect(outcome.status == 1, "\(outcome.errors)")
    for name in ["a", "b", "c"] { #expect(try world.text(name).contains(world.secret)) }
    #expect(outcome.output.contains("policy: approvals asks for more"), "\(outcome.output)")
    #expect(outcome.output.contains("  fix: ") && !outcome.output.contains("Refusal("), "\(outcome.output)")
  }

  @Test func `without --live every repository is planned and none is changed`() async throws {
    let world = try World()
    let outcome = try await world.rewrite("--json")
    #expect(outcome.status == 1)
    let document = try JSONValue(parsing: Array(outcome.output.utf8))
    let entries = try #require(document["repositories"]?.array)
    #expect(entries.count == 4)
    #expect(entries.count { $0["result"]?["rewritten"]?["commits"] == .integer(1) } == 3)
    for name in ["a", "b", "c"] { #expect(try world.text(name).contains(world.secret)) }
  }

  @Test func `each repository has its own run in the journal`() async throws {
    let world = try World()
    _ = try await world.rewrite("--live", "--confirm", "list.txt")
    let outcome = try await world.binary.run(["journal", "export"])
    for name in ["a", "b", "c"] { #expect(outcome.output.contains(world.directory.path(name)), "\(name)") }
    #expect(!outcome.output.contains(world.secret))
  }

  @Test func `another name than the list's is no confirmation`() async throws {
    let world = try World()
    let outcome = try await world.rewrite("--live", "--confirm", "a")
    #expect(outcome.status == 77)
    for name in ["a", "b", "c"] { #expect(try world.text(name).contains(world.secret)) }
  }
}
