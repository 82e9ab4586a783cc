import Foundation
import TestSupport
import Testing

/// A repository that has lost something is not called clean: nobody can say what was in it.
@Suite struct DamagedRepositoryTests {
  private struct World {
    let directory: TemporaryDirectory
    let secret = ["damaged", "RepositorySecret", "0123456789"].joined(separator: "-")
    var path: String { directory.path("repository") }

    init() throws {
      directory = try TemporaryDirectory()
      try "another-value-\(secret.count)-31415926\n".write(
        toFile: directory.path("secrets"), atomically: true, encoding: .utf8)
      try Program.git("init", "-q", "-b", "main", path)
      try commit("a", "first\n")
      try commit("b", "second\n")
    }

    func commit(_ name: String, _ text: String) throws {
      try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
      try Program.git("-C", path, "add", name)
      try Program.git("-C", path, "commit", "-qm", "change \(name)")
    }

    func id(_ revision: String, in repository: String? = nil) throws -> String {
      try Program.git("-C", repository ?? path, "rev-parse", revision).trimmingCharacters(in: .newlines)
    }

    func lose(_ id: String) throws {
      try FileManager.default.removeItem(atPath: "\(path)/.git/objects/\(id.prefix(2))/\(id.dropFirst(2))")
    }

    func scan(_ repository: String = "repository") async throws -> StaunchBinary.Outcome {
      try await StaunchBinary(home: directory.path, workingDirectory: directory.path).run(
        ["history", "scan", "--repository", repository, "--secrets", "secrets"])
    }
  }

  @Test(arguments: ["HEAD:a", "HEAD^:", "HEAD^", "HEAD"])
  func `A repository that has lost a blob, a tree, a commit or a branch's tip is not "clean"`(lost: String)
    async throws
  {
    let world = try World()
    #expect(try await world.scan().status == 0)
    let id = try world.id(lost)
    try world.lose(id)
    let scan = try await world.scan()
    #expect(scan.status != 0 && !scan.output.contains("clean"), "\(scan.output)")
    #expect(scan.errors.contains("damaged") && scan.errors.contains(id), "\(scan.errors)")
    #expect(scan.errors.contains("fsck --connectivity-only"), "\(scan.errors)")
  }

  @Test func `What only an index or another work tree names is missed, too`() async throws {
    let world = try World()
    try "staged\n".write(toFile: world.path + "/c", atomically: true, encoding: .utf8)
    try Program.git("-C", world.path, "add", "c")
    let staged = try world.id(":c")
    try world.lose(staged)
    let scan = try await world.scan()
    #expect(scan.status != 0 && scan.errors.contains(staged), "\(scan.output)\(scan.errors)")
    try Program.git("-C", world.path, "reset", "-q")
    #expect(try await world.scan().status == 0)

    let other = world.directory.path("other")
    try Program.git("-C", world.path, "worktree", "add", "-q", "--detach", other)
    try "elsewhere\n".write(toFile: other + "/d", atomically: true, encoding: .utf8)
    try Program.git("-C", other, "add", "d")
    try Program.git("-C", other, "commit", "-qm", "detached")
    let tree = try world.id("HEAD:", in: other)
    // Neither the tip nor the index of the other work tree: only history leads to it.
    try Program.git("-C", other, "rm", "-q", "d")
    try Program.git("-C", other, "commit", "-qm", "gone again")
    try world.lose(tree)
    let again = try await world.scan()
    #expect(again.status != 0 && again.errors.contains(tree), "\(again.output)\(again.errors)")
  }

  @Test func `A shallow clone that has lost its boundary is not "clean"`() async throws {
    let world = try World()
    let clone = world.directory.path("clone")
    try Program.git("clone", "-q", "--depth", "1", "file://" + world.path, clone)
    try FileManager.default.removeItem(atPath: clone + "/.git/shallow")
    let scan = try await world.scan("clone")
    #expect(scan.status != 0 && scan.errors.contains("damaged"), "\(scan.output)\(scan.errors)")
  }

  @Test func `Garbage that names what is gone takes nothing from "clean"`() async throws {
    let world = try World()
    let blob = try world.id("HEAD:b")
    // As a reset and an expiry leave it: a tree that no reference leads to, whose blob is pruned.
    try world.commit("c", "third\n")
    let pruned = try world.id("HEAD:c")
    try Program.git("-C", world.path, "reset", "-q", "--hard", "HEAD^")
    try Program.git("-C", world.path, "reflog", "expire", "--expire=now", "--all")
    try world.lose(pruned)
    let scan = try await world.scan()
    #expect(scan.status == 0 && scan.output.contains("clean"), "\(scan.output)\(scan.errors)")
    #expect(try world.id("HEAD:b") == blob)
  }
}
