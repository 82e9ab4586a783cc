import Foundation
import JSON
import TestSupport
import Testing

/// "No open incident", exit 0, was said of a directory that was mistyped, emptied or another one.
@Suite struct StateDirectoryTests {
  private struct World {
    let directory: TemporaryDirectory
    let binary: StaunchBinary
    let incident: String
    var state: String { directory.path("state") }

    init() async throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
      let value = "vT8kQ2" + "zL0pW4xY"
      try """
      [{"RuleID": "generic-api-key", "Secret": "\(value)", "Match": "key = \(value)", "File": "a.py", "StartLine": 3,
        "Commit": "0123456789012345678901234567890123456789", "Date": "2026-11-01T10:00:00Z"}]
      """.write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
      let outcome = try await binary.run(["respond", "r.json", "--format", "gitleaks", "--json"])
      let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
      incident = try #require(document["incidents"]?.array?.first?["id"]?.string, "\(outcome.errors)")
    }

    func removeDatabase() throws {
      for suffix in ["", "-wal", "-shm"] {
        let path = state + "/journal.sqlite" + suffix
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
      }
    }
  }

  @Test(arguments: ["status", "next", "incidents"])
  func `A state directory that is mistyped is not an empty one`(_ command: String) async throws {
    let world = try await World()
    var binary = world.binary
    binary.environment["STAUNCH_STATE"] = world.directory.path("sttae")
    let outcome = try await binary.run([command])
    #expect(outcome.status == 69)
    #expect(outcome.errors.contains(world.directory.path("sttae")))
    #expect(!FileManager.default.fileExists(atPath: world.directory.path("sttae")))
  }

  @Test func `A state directory that a report begins is said to be new, once`() async throws {
    let world = try await World()
    var binary = world.binary
    let other = world.directory.path("sttae")
    binary.environment["STAUNCH_STATE"] = other
    let first = try await binary.run(["respond", "r.json", "--format", "gitleaks"])
    #expect(first.status == 0 && first.errors.contains("nothing was at \(other)"), "\(first.errors)")
    let second = try await binary.run(["respond", "r.json", "--format", "gitleaks"])
    #expect(second.status == 0 && !second.errors.contains("nothing was at"), "\(second.errors)")
  }

  @Test func `A file in the place of the state directory is refused`() async throws {
    let world = try await World()
    var binary = world.binary
    binary.environment["STAUNCH_STATE"] = world.directory.path("r.json")
    let outcome = try await binary.run(["status"])
    #expect(outcome.status == 69)
    #expect(outcome.errors.contains("it is no directory"))
  }

  @Test func `A journal that was deleted beside its keys is not begun anew`() async throws {
    let world = try await World()
    try world.removeDatabase()
    for arguments in [
      ["status"], ["respond", "r.json", "--format", "gitleaks"], ["note", "x", "--incident", world.incident],
    ] {
      let outcome = try await world.binary.run(arguments)
      #expect(outcome.status == 69, "\(arguments): \(outcome.output)\(outcome.errors)")
      #expect(outcome.errors.contains("staunch journal accept"), "\(outcome.errors)")
    }
    let accepted = try await world.binary.run(["journal", "accept", "--reason", "the disk died"])
    #expect(accepted.status == 0, "\(accepted.errors)")
    #expect(try await world.binary.run(["respond", "r.json", "--format", "gitleaks"]).status == 0)
    let export = try await world.binary.run(["journal", "export"])
    #expect(export.output.contains("the disk died"))
  }

  @Test func `An older copy shows what it has, says what is missing, and takes nothing`() async throws {
    let world = try await World()
    var copies: [String: Data] = [:]
    for suffix in ["", "-wal"] {
      copies[suffix] = FileManager.default.contents(atPath: world.state + "/journal.sqlite" + suffix)
    }
    #expect(try await world.binary.run(["note", "later", "--incident", world.incident]).status == 0)
    try world.removeDatabase()
    for (suffix, copy) in copies {
      try copy.write(to: URL(filePath: world.state + "/journal.sqlite" + suffix))
    }
    let status = try await world.binary.run(["status"])
    #expect(status.status == 69)
    #expect(status.output.contains(world.incident))
    #expect(status.output.contains("THE JOURNAL IS NOT THE ONE THAT WAS LEFT"))
    let note = try await world.binary.run(["note", "again", "--incident", world.incident])
    #expect(note.status == 69, "\(note.errors)")
    #expect(try await world.binary.run(["journal", "verify"]).status == 1)
  }

  @Test func `A read-only disk still shows the status`() async throws {
    let world = try await World()
    // A view of the same files that nobody may write to.
    let outcome = try await world.binary.run(["status"])
    #expect(outcome.status == 0)
    let frozen = world.directory.path("frozen")
    let script = """
      mkdir -p '\(frozen)' && mount --bind '\(world.state)' '\(frozen)' && mount -o remount,ro,bind '\(frozen)' \
      && STAUNCH_STATE='\(frozen)' exec '\(try StaunchBinary.products)/staunch' status
      """
    guard getuid() == 0 else {
      try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: world.state)
      let view = try await world.binary.run(["status"])
      try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: world.state)
      #expect(view.output == outcome.output)
      return
    }
    let view = try await Program.run(
      ["unshare", "-m", "bash", "-c", script], in: world.directory.path,
      environment: world.binary.environment)
    #expect(view.contains(world.incident))
  }

  @Test func `A leaked value in a note, a task or a reason is refused with its place`() async throws {
    let world = try await World()
    let value = "vT8kQ2" + "zL0pW4xY"
    for arguments in [
      ["note", "it was \(value)"], ["todo", "rotate \(value)"],
      ["close", "--reason", "\(value) is gone", "--unproven"], ["handover", "--acknowledge", value],
    ] {
      let place = arguments[0] == "close" ? [world.incident] : ["--incident", world.incident]
      let outcome = try await world.binary.run(arguments + place)
      #expect(outcome.status == 77, "\(arguments[0]): \(outcome.output)\(outcome.errors)")
      #expect(outcome.errors.contains("column"), "\(outcome.errors)")
      #expect(!(outcome.output + outcome.errors).contains(value))
    }
    #expect(try await !world.binary.run(["journal", "export"]).output.contains(value))
  }

  @Test func `A state in which nothing has run lacks a key to verify with`() async throws {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: directory.path("state"), withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    for arguments in [["journal", "verify"], ["journal", "verify", "--tickets"], ["journal", "export"]] {
      let outcome = try await binary.run(arguments)
      #expect(outcome.status == 69, "\(arguments)")
      #expect(outcome.errors.contains("nothing has run here yet"), "\(arguments): \(outcome.errors)")
      #expect(!outcome.errors.contains("no key"), "\(arguments): \(outcome.errors)")
    }
  }
}
