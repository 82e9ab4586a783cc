import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

/// What a scan cannot look into is named: silence would read as "clean".
@Suite struct UnseenPlacesTests {
  private func scan(_ git: Git) async throws -> HistoryScan { try await Purge(git.path).scan() }

  private func clean(_ path: String) throws -> Git {
    let git = try Git(creating: path)
    try git.write("a", "nothing\n")
    try git.commit("a")
    return git
  }

  @Test func `hooks behind a link are named, and a link that holds the value itself is found`() async throws {
    let directory = try TemporaryDirectory()
    let git = try clean(directory.path("r"))
    try FileManager.default.removeItem(atPath: git.path + "/.git/hooks")
    try FileManager.default.createSymbolicLink(
      atPath: git.path + "/.git/hooks", withDestinationPath: "../githooks")
    let found = try await scan(git)
    #expect(found.notSearched.contains { $0.place.hasSuffix("/.git/hooks") && $0.why.contains("a link") })
    try FileManager.default.createSymbolicLink(
      atPath: git.path + "/.git/odd", withDestinationPath: "/srv/\(leaked)")
    #expect(try await scan(git).isClean == false)
  }

  @Test(arguments: ["pack/tmp_pack_abc", "pack/pack-1234.pack", "ab/tmp_obj_x", "incoming-1"])
  func `what an interrupted command left among the objects is named`(name: String) async throws {
    let directory = try TemporaryDirectory()
    let git = try clean(directory.path("r"))
    try git.write(".git/objects/" + name, "PACK \(leaked)")
    let found = try await scan(git)
    #expect(found.notSearched.contains { $0.place.hasSuffix(name) && $0.why.contains("interrupted") })
  }

  @Test func `a file whose path is too long for the system is named`() async throws {
    let directory = try TemporaryDirectory()
    let git = try clean(directory.path("r"))
    // Directories of 200 bytes down to where only a short name still fits.
    let part = String(repeating: "d", count: 200)
    let script = """
      cd '\(git.path)'
      while [ $(( $(pwd | wc -c) + 202 )) -lt 4080 ]; do mkdir \(part); cd \(part) || exit 1; done
      rest=$(( 4090 - $(pwd | wc -c) )); name=$(printf '%0*d' $rest 0); mkdir $name; cd $name || exit 1
      echo x > \(String(repeating: "f", count: 100))
      """
    try git(["-c", script], program: "bash")
    let found = try await scan(git)
    #expect(found.notSearched.contains { $0.why.contains("too long") }, "\(found.notSearched)")
    try git(["-rf", git.path + "/" + part], program: "rm")
  }

  @Test func `references behind a link are not taken for none`() async throws {
    let directory = try TemporaryDirectory()
    let git = try clean(directory.path("r"))
    try git("pack-refs", "--all")
    try FileManager.default.moveItem(
      atPath: git.path + "/.git/packed-refs", toPath: directory.path("packed-refs"))
    try FileManager.default.createSymbolicLink(
      atPath: git.path + "/.git/packed-refs", withDestinationPath: directory.path("packed-refs"))
    let error = try await #require(throws: CapabilityError.self) { try await scan(git) }
    #expect(error.class == .unsupported && error.operation.contains("packed-refs"))
  }
}
