import Foundation
import TestSupport
import Testing

@testable import Journal

@Suite struct ReadOnlyViewTests {
  @Test func `copies that killed processes left are removed, and those in use are not`() throws {
    let directory = try TemporaryDirectory()
    func make(_ name: String) throws -> String {
      let path = directory.path(name)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try "copy".write(toFile: path + "/journal.sqlite", atomically: false, encoding: .utf8)
      return path
    }
    let left = try make("staunch-view-4711-\(UUID().uuidString)")
    let used = try make("staunch-view-4712-\(UUID().uuidString)")
    let foreign = try make("staunch-view-\(UUID().uuidString)")
    let descriptor = open(used, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    Journal.removeAbandoned(in: directory.path)
    #expect(!FileManager.default.fileExists(atPath: left))
    #expect(FileManager.default.fileExists(atPath: used + "/journal.sqlite"))
    #expect(FileManager.default.fileExists(atPath: foreign + "/journal.sqlite"))
  }
}
