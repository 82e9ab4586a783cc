import Foundation
import Journal
import TestSupport
import Testing

@Suite struct StateDirectoryModeTests {
  private func directory(_ mode: Int, holding name: String? = nil) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let path = directory.path("state")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    if let name { try Data("x".utf8).write(to: URL(filePath: path + "/" + name)) }
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return directory
  }

  @Test func `an empty directory that mkdir made is closed to others instead of being refused`() throws {
    let directory = try directory(0o755)
    _ = try StateDirectory(directory.path("state"))
    let mode = try FileManager.default.attributesOfItem(atPath: directory.path("state"))[.posixPermissions]
    #expect((mode as? NSNumber)?.intValue == 0o700)
  }

  @Test(arguments: [(0o755, "journal.sqlite" as String?), (0o777, nil)])
  func `one that others could have looked or written into is refused`(mode: Int, name: String?) throws {
    let directory = try directory(mode, holding: name)
    let error = #expect(throws: JournalError.self) { try StateDirectory(directory.path("state")) }
    #expect(error?.code == .permissions)
  }
}
