import Foundation
import GitObjects
import Testing

/// Packs are untrusted: a damaged one gives an error or harmless results, never a crash or an endless loop.
@Suite struct HostilePackTests {
  struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {  // SplitMix64: the same numbers for the same seed everywhere
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
      return value ^ (value >> 31)
    }
  }

  private static func packed() throws -> (sandbox: GitSandbox, pack: String) {
    let sandbox = try RepositoryObjectsTests.arranged(.onePack)
    try sandbox.commit("leak", ["f": "a \(leaked) b\n"])
    try sandbox.git("repack", "-adfq")
    let directory = sandbox.gitDirectory + "/objects/pack"
    let names = try FileManager.default.contentsOfDirectory(atPath: directory)
    let pack = try #require(names.first { $0.hasSuffix(".pack") })
    for name in names {
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: directory + "/" + name)
    }
    return (sandbox, directory + "/" + pack)
  }

  private static func outcome(_ sandbox: GitSandbox, _ tips: [ObjectID]) throws -> RewriteOutcome? {
    do {
      let objects = try sandbox.objects()
      return try ObjectRewrite(objects: objects, patterns: try patterns(leaked), tips: tips).run()
    } catch let error as GitObjectsError {
      #expect(
        error.code == .corrupt || error.code == .missingObject || error.code == .unsupported, "\(error)")
      return nil
    }
  }

  @Test(arguments: ["pack", "idx"])
  func `damaged bytes are survived`(ending: String) throws {
    let (sandbox, pack) = try Self.packed()
    let tips = try sandbox.tips()
    let file = pack.dropLast(4) + ending
    let original = try Data(contentsOf: URL(fileURLWithPath: String(file)))
    var numbers = Numbers(state: 42)
    var failures = 0
    for _ in 0..<150 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &numbers) {
        bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = UInt8.random(in: 0...255, using: &numbers)
      }
      try bytes.write(to: URL(fileURLWithPath: String(file)))
      if try Self.outcome(sandbox, tips) == nil { failures += 1 }
    }
    #expect(failures > 10)
  }

  @Test(arguments: ["pack", "idx"])
  func `a file cut short is refused`(ending: String) throws {
    let (sandbox, pack) = try Self.packed()
    let tips = try sandbox.tips()
    let file = String(pack.dropLast(4) + ending)
    let original = try Data(contentsOf: URL(fileURLWithPath: file))
    for count in [0, 1, 11, 12, 31, 32, 100, original.count / 2, original.count - 21, original.count - 1] {
      try original.prefix(count).write(to: URL(fileURLWithPath: file))
      #expect(try Self.outcome(sandbox, tips) == nil, "\(count) bytes")
    }
  }

  @Test func `an error leaves nothing behind in the object directory`() throws {
    let (sandbox, pack) = try Self.packed()
    let tips = try sandbox.tips()
    let missing = try #require(ObjectID(hex: String(repeating: "cd", count: 20)))
    #expect(throws: GitObjectsError.self) {
      try ObjectRewrite(
        objects: try sandbox.objects(), patterns: try patterns(leaked), tips: tips + [missing]
      ).run()
    }
    let directory = (pack as NSString).deletingLastPathComponent
    let names = try FileManager.default.contentsOfDirectory(atPath: directory)
    #expect(names.allSatisfy { $0.hasPrefix("pack-") })
  }

  @Test func `work stops when asked to`() throws {
    let (sandbox, _) = try Self.packed()
    let progress = EngineProgress(isCancelled: { true })
    let error = #expect(throws: GitObjectsError.self) {
      try ObjectScan(objects: try sandbox.objects(), patterns: try patterns(leaked)).run(progress: progress)
    }
    #expect(error?.code == .cancelled)
  }
}
