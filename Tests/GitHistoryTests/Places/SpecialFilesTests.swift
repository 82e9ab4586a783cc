import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

/// A repository may be prepared so that whoever opens one of its files waits for ever.
@Suite(.timeLimit(.minutes(2))) struct SpecialFilesTests {
  private func world() throws -> (directory: TemporaryDirectory, git: Git, pipe: String) {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let pipe = directory.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    return (directory, git, pipe)
  }

  /// Adds to the repository's own settings without asking Git, which would follow them.
  private func add(_ text: String, to file: String) throws {
    let old = try String(contentsOfFile: file, encoding: .utf8)
    try (old + text).write(toFile: file, atomically: false, encoding: .utf8)
  }

  private func refusal(_ git: Git) async throws -> CapabilityError {
    try await #require(throws: CapabilityError.self) { try await Purge(git.path).scan() }
  }

  @Test(arguments: [
    "[include]\n\tpath = PIPE\n", "[include] path=\"PIPE\" ; a note\n", "[INCLUDE]\nPath\t= PI\\\nPE\n",
    "[includeIf \"gitdir:/\"]\n\tpath = PIPE\n", "[include]\n\tpath = ../../pipe\n",
    "[include]\n\tpath = second\n", "[include]\n\tpath = ~/../../../../PIPE\n",
  ])
  func `settings that include a pipe are refused, and nobody waits for it`(text: String) async throws {
    let (directory, git, pipe) = try world()
    defer { withExtendedLifetime(directory) {} }
    try git.write(".git/second", "[user]\n\tname = A\n[include]\n\tpath = \(pipe)\n")
    // The one that is broken over two lines is broken inside the path.
    let broken = String(pipe.dropLast(2)) + "\\\n" + pipe.suffix(2)
    let own = text.replacing("PI\\\nPE", with: broken).replacing("PIPE", with: pipe)
    try add(own, to: git.path + "/.git/config")
    let error = try await refusal(git)
    #expect(error.class == .unsafe, "\(error)")
  }

  @Test func `settings that include files, other keys and directories are no obstacle`() async throws {
    let (directory, git, _) = try world()
    defer { withExtendedLifetime(directory) {} }
    try git.write(".git/second", "[user]\n\tname = A\n[include]\n\tpath = ../.git/config\n")
    try add(
      "[include]\n\tpath = second\n\tpath = gone\n\tpath = ~/nothing\n[x]\n\thooksPath = ~/../pipe\n\tpath = /tmp\n",
      to: git.path + "/.git/config")
    #expect(try ConfigurationChain.paths(in: git.read(".git/config")).count == 4)
    #expect(throws: Never.self) { try ConfigurationChain.check(PathBytes(git.path + "/.git/config")) }
  }

  @Test(arguments: [
    "HEAD", "index", "packed-refs", "info/exclude", "objects/pack/pack-1.idx", "../.gitattributes",
  ])
  func `a pipe in the place of a file is refused`(name: String) async throws {
    let (directory, git, _) = try world()
    defer { withExtendedLifetime(directory) {} }
    let path = git.path + "/.git/" + name
    _ = unlink(path)
    #expect(mkfifo(path, 0o600) == 0)
    let error = try await refusal(git)
    #expect(error.class == .unsafe, "\(error)")
  }
}

@Suite struct TemporaryPlaceTests {
  private func make(_ name: String, in directory: TemporaryDirectory) throws -> String {
    let path = directory.path(name)
    try FileManager.default.createDirectory(atPath: path + "/inside", withIntermediateDirectories: true)
    try "secret".write(toFile: path + "/inside/file", atomically: false, encoding: .utf8)
    return path
  }

  @Test func `what a killed process left is removed, and nothing else`() throws {
    let directory = try TemporaryDirectory()
    let id = UUID().uuidString.lowercased()
    let left = [
      try make("staunch-view-\(id)", in: directory), try make("staunch-clone-\(id)", in: directory),
    ]
    let foreign = [
      try make("staunch-view-4711-\(id)", in: directory), try make("other", in: directory),
      directory.path("staunch-view-\(UUID().uuidString)"),
    ]
    // A link with the right name, to somebody's directory.
    #expect(symlink(directory.path("other"), foreign[2]) == 0)
    let held = try TemporaryPlace(.clone, in: PathBytes(directory.path))
    TemporaryPlace.sweep(PathBytes(directory.path))
    for path in left { #expect(!FileManager.default.fileExists(atPath: path), "\(path)") }
    for path in foreign { #expect(FileManager.default.fileExists(atPath: path), "\(path)") }
    #expect(FileManager.default.fileExists(atPath: directory.path("other/inside/file")))
    #expect(FileManager.default.fileExists(atPath: held.path.text))
    withExtendedLifetime(held) {}
  }

  @Test func `a place goes with its holder`() throws {
    let directory = try TemporaryDirectory()
    do {
      let place = try TemporaryPlace(.view, in: PathBytes(directory.path))
      #expect(FileManager.default.fileExists(atPath: place.path.text))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }
}
