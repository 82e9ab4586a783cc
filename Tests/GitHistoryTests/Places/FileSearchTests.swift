import Capabilities
import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

@testable import GitHistory

@Suite struct FileSearchTests {
  @Test func `a secret on the edge of a window is found once, on its line`() throws {
    let directory = try TemporaryDirectory()
    let patterns = try SecretPatterns(secrets: [Secret(leaked)])
    let search = FileSearch(patterns: patterns, window: 1)  // four times the overlap, the least there is
    let size = 4 * patterns.longestSpan
    // Before, on and behind the end of what a window keeps, and of the window.
    for place in [size - patterns.longestSpan, size, 2 * (size - patterns.longestSpan)] {
      for shift in [-leaked.utf8.count, -7, -1, 0, 1] {
        var bytes = [UInt8](repeating: 0x2D, count: place + size)
        bytes[100] = 0x0A
        bytes[place - 100] = 0x0A
        bytes.replaceSubrange(place + shift..<place + shift + leaked.utf8.count, with: leaked.utf8)
        let path = directory.path("file")
        try Data(bytes).write(to: URL(filePath: path))
        let hits = try search.hits(in: PathBytes(path))
        #expect(hits.map(\.offset) == [place + shift] && hits.map(\.line) == [3], "\(place) \(shift)")
      }
    }
  }

  @Test func `a sparse file of six gigabytes is searched behind its hole`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("disk.img")
    #expect(FileManager.default.createFile(atPath: path, contents: Data("x \(leaked)\n".utf8)))
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.seek(toOffset: 6 << 30)
    try handle.write(contentsOf: Data("\n\(leaked)".data(using: .utf16BigEndian) ?? Data()))
    try handle.close()
    let hits = try FileSearch(patterns: try SecretPatterns(secrets: [Secret(leaked)])).hits(
      in: PathBytes(path))
    #expect(hits.map(\.offset) == [2, 6 << 30 + 2] && hits.map(\.form) == [.raw, .utf16be])
  }

  @Test func `a message under an encoding header is found and cleaned in its own bytes`() async throws {
    let password = "Käse-" + "Brötchen-77"
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git.write("a", "a\n")
    try git(["add", "."])
    let latin = try #require("pw \(password)\n".data(using: .isoLatin1))
    try git(["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "-F", "-"], input: Array(latin))
    let purge = Purge(git.path, secrets: [password])
    #expect(try await purge.scan().places.contains { $0.place == "commit message" && $0.form == "charset" })
    _ = try await purge.rewrite()
    #expect(try await purge.scan().isClean)
    #expect(try git("log", "-1", "--format=%B").hasPrefix("pw \(mark)"))
  }
}
