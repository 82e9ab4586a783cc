import Foundation
import GitObjects
import TestSupport
import Testing

@Suite struct RepositoryObjectsTests {
  /// How the same history may lie on disk.
  enum Layout: String, CaseIterable, Sendable {
    case loose, onePack, referenceDeltas, severalPacks, packAndLoose, alternate
  }

  static func arranged(_ layout: Layout) throws -> GitSandbox {
    let sandbox = try GitSandbox()
    for round in 0..<8 {
      let lines = (0..<200).map { "line \($0) of file, version \($0 % 8 == round ? round : 0)\n" }.joined()
      try sandbox.commit("commit \(round)", ["big.txt": lines, "dir/sub/f\(round).txt": "file \(round)\n"])
      switch layout {
      case .severalPacks where round % 3 == 2: try sandbox.git("repack", "-dq")
      case .packAndLoose where round == 4: try sandbox.git("repack", "-adq")
      default: break
      }
    }
    try sandbox.git("tag", "-a", "v1", "-m", "version one")
    switch layout {
    case .loose, .severalPacks, .packAndLoose: break
    case .onePack: try sandbox.git("repack", "-adfq", "--depth=50")
    case .referenceDeltas:
      try sandbox.git("config", "repack.usedeltabaseoffset", "false")
      try sandbox.git("repack", "-adfq")
    case .alternate:
      try sandbox.git("repack", "-adq")
      let other = sandbox.directory.path("borrowed.git")
      try sandbox.git("clone", "-q", "--bare", ".", other)
      try sandbox.git("repack", "-adq")
      for name in try FileManager.default.contentsOfDirectory(atPath: sandbox.gitDirectory + "/objects/pack")
      {
        try FileManager.default.removeItem(atPath: sandbox.gitDirectory + "/objects/pack/" + name)
      }
      try Data("\(other)/objects\n".utf8).write(
        to: URL(fileURLWithPath: sandbox.gitDirectory + "/objects/info/alternates"))
      try sandbox.commit("on top of the alternate", ["own.txt": "own\n"])
    }
    return sandbox
  }

  @Test(arguments: Layout.allCases)
  func `every object reads as git cat-file prints it`(layout: Layout) throws {
    let sandbox = try Self.arranged(layout)
    let objects = try sandbox.objects()
    let listing = try sandbox.git(
      "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)")
    let lines = listing.split(separator: "\n")
    #expect(objects.count == lines.count)
    for line in lines {
      let words = line.split(separator: " ").map(String.init)
      let id = try #require(ObjectID(hex: words[0]))
      let (kind, content) = try objects.read(id)
      #expect(kind.name == words[1])
      #expect(content == (try sandbox.run("git", ["cat-file", words[1], words[0]])))
    }
  }

  @Test func `an object that is not there is named in the error`() throws {
    let sandbox = try GitSandbox()
    try sandbox.commit("one", ["a": "a"])
    let missing = try #require(ObjectID(hex: String(repeating: "ab", count: 20)))
    let error = #expect(throws: GitObjectsError.self) { try sandbox.objects().read(missing) }
    #expect(error?.code == .missingObject)
    #expect(error?.what.contains(missing.hex) == true)
  }

  @Test func `a directory that is no repository is refused`() throws {
    let sandbox = try GitSandbox()
    let error = #expect(throws: GitObjectsError.self) {
      try RepositoryObjects(gitDirectory: sandbox.directory.path)
    }
    #expect(error?.code == .notARepository)
  }

  @Test func `ids survive hexadecimal and sort as bytes do`() throws {
    let texts = ["00ff" + String(repeating: "a", count: 36), "ff00" + String(repeating: "0", count: 36)]
    let ids = try texts.map { try #require(ObjectID(hex: $0)) }
    #expect(ids.map(\.hex) == texts)
    #expect(ids[0] < ids[1])
    #expect(ObjectID(hex: "abc") == nil)
  }
}
