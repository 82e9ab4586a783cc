import BuiltinContent
import Foundation
import Testing

@Suite struct BuiltinContentTests {
  /// The top of the repository.
  static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static let lists = [
    "playbooks": BuiltinContent.playbooks, "playbooks/drills": BuiltinContent.scenarios,
    "playbooks/kinds": BuiltinContent.kinds, "playbooks/parts": BuiltinContent.parts,
    "playbooks/providers": BuiltinContent.providers,
    "templates": BuiltinContent.templates, "templates/console": BuiltinContent.console,
  ]

  @Test(arguments: lists.keys.sorted())
  func `The list names every file of the directory, and nothing else`(_ directory: String) throws {
    let listed = try #require(Self.lists[directory])
    let files = try FileManager.default.contentsOfDirectory(
      at: Self.top.appending(path: directory), includingPropertiesForKeys: [.isRegularFileKey])
    let names = try files.filter { try $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true }
      .map(\.lastPathComponent).sorted()
    let missing = names.filter { name in !listed.contains { $0.path == "\(directory)/\(name)" } }
    let lines = missing.map { name in
      let constant = String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" })
      return "    File(path: \"\(directory)/\(name)\", bytes: PackageResources.\(constant)),"
    }
    #expect(
      missing.isEmpty,
      "add to BuiltinContent.\(directory):\n\(lines.joined(separator: "\n"))")
    #expect(listed.map(\.path) == names.map { "\(directory)/\($0)" })
  }

  @Test(arguments: lists.values.joined().map(\.path))
  func `An embedded file is the file, byte for byte`(_ path: String) throws {
    let file = try #require(Self.lists.values.joined().first { $0.path == path })
    let onDisk = try Data(contentsOf: Self.top.appending(path: file.path))
    #expect(Data(file.bytes) == onDisk)
  }
}
