import Foundation
import Secrets
import TestSupport
import Testing

@testable import GitObjects

/// Blobs that are too large for memory are searched and rewritten in windows, with the same result as whole ones.
@Suite struct LargeObjectsTests {
  /// Text of words that does not compress to nothing, with a secret in several forms at random places.
  private static func text(_ size: Int, seed: UInt64, secrets: Int) -> [UInt8] {
    var numbers = HostilePackTests.Numbers(state: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    let forms = [
      leaked, Data(leaked.utf8).base64EncodedString(),
      "\"\(leaked.prefix(20))\",\n  \"\(leaked.dropFirst(20))\"",
    ]
    let places = Set((0..<secrets).map { _ in Int.random(in: 0..<size / 12, using: &numbers) })
    while bytes.count < size {
      if places.contains(bytes.count / 12) {
        bytes += Array(forms[Int.random(in: 0..<3, using: &numbers)].utf8)
      }
      bytes += Array("word\(UInt32.random(in: 0..<9999, using: &numbers))\n".utf8)
    }
    return bytes
  }

  private static func small(_ sandbox: GitSandbox) throws -> RepositoryObjects {
    try RepositoryObjects(gitDirectory: sandbox.gitDirectory, largest: 1 << 20)
  }

  private static func versions(_ sandbox: GitSandbox) throws {
    var content = text(6 << 20, seed: 7, secrets: 40)
    for version in 0..<3 {
      try sandbox.put("big", content)
      try sandbox.put("small", "version \(version)\n".utf8)
      try sandbox.commit("version \(version)")
      // Moved, cut and grown, so that deltas copy from everywhere.
      content =
        Array(content[(1 << 20)...]) + text(1 << 16, seed: UInt64(version), secrets: 1)
        + content[..<(1 << 19)]
    }
  }

  @Test(arguments: ["loose", "packed", "deltas by name"])
  func `a search in windows finds what a search of the whole finds`(storage: String) throws {
    let sandbox = try GitSandbox()
    try Self.versions(sandbox)
    switch storage {
    case "loose": break
    case "packed": try sandbox.git("-c", "core.bigFileThreshold=1m", "repack", "-adfq")
    default:
      try sandbox.git("config", "repack.usedeltabaseoffset", "false")
      try sandbox.git("repack", "-adfq", "--depth=10")
      #expect(
        try sandbox.git("verify-pack", "-v", ".git/objects/pack/\(Self.index(sandbox))").contains(
          "chain length"))
    }
    for patterns in [
      try patterns(leaked), try SecretPatterns([.init(.regex(Secret("T3stKey[A-Za-z]+0123")))]),
    ] {
      let whole = try ObjectScan(objects: try sandbox.objects(), patterns: patterns).run()
      let windows = try ObjectScan(objects: try Self.small(sandbox), patterns: patterns).run()
      #expect(whole.hits.count > 20 && windows.notSearched.isEmpty)
      #expect(windows.hits == whole.hits)
    }
  }

  private static func index(_ sandbox: GitSandbox) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.gitDirectory + "/objects/pack")
    return try #require(names.first { $0.hasSuffix(".idx") })
  }

  @Test(arguments: [false, true])
  func `a rewrite in windows makes the same objects as a rewrite of the whole`(isPacked: Bool) throws {
    let sandbox = try GitSandbox()
    try Self.versions(sandbox)
    if isPacked { try sandbox.git("repack", "-adfq", "--depth=10") }
    let patterns = try patterns(leaked)
    let tips = try sandbox.tips()
    let whole = try ObjectRewrite(objects: sandbox.objects(), patterns: patterns, tips: tips).plan()
    let windows = try ObjectRewrite(objects: Self.small(sandbox), patterns: patterns, tips: tips)
    #expect(try windows.plan().blobs == whole.blobs)
    let outcome = try windows.run()
    #expect(outcome.blobs == whole.blobs && outcome.commits == whole.commits && whole.blobs.count == 3)
    try sandbox.install(outcome)
    try sandbox.fsck()
    #expect(try sandbox.scan(patterns).isEmpty)
  }

  @Test func `a clean version of a large blob keeps its id when the one it stands on is rewritten`() throws {
    let sandbox = try GitSandbox()
    let clean = Self.text(4 << 20, seed: 3, secrets: 0)
    try sandbox.put("big", clean)
    let kept = try sandbox.commit("clean")
    try sandbox.put("big", clean + Array("\(leaked)\n".utf8))
    try sandbox.commit("leak")
    try sandbox.git("repack", "-adfq")
    let blob = try sandbox.id("\(kept.hex):big")
    let rewrite = ObjectRewrite(
      objects: try Self.small(sandbox), patterns: try patterns(leaked), tips: try sandbox.tips())
    let outcome = try rewrite.run()
    #expect(outcome.fate(of: blob) == .unchanged && outcome.fate(of: kept) == .unchanged)
    #expect(outcome.blobs.count == 1)
    try sandbox.install(outcome)
    try sandbox.fsck()
  }

  @Test func `a match longer than a window ends a rewrite with its name`() throws {
    let sandbox = try GitSandbox()
    try sandbox.put("big", [UInt8](repeating: 0x61, count: 20 << 20))
    let commit = try sandbox.commit("one line")
    let blob = try sandbox.id("\(commit.hex):big")
    let error = try #require(throws: GitObjectsError.self) {
      try ObjectRewrite(
        objects: try Self.small(sandbox), patterns: try SecretPatterns([.init(.regex(Secret("a+")))]),
        tips: try sandbox.tips()
      ).plan()
    }
    #expect(error.code == .unsupported && error.what.contains(blob.hex.dropFirst(2)))
  }

  @Test(arguments: [40, 1 << 19, (9 << 20) - 3])
  func `a large blob with a broken stream is an error, not clean`(place: Int) throws {
    let sandbox = try GitSandbox()
    var numbers = HostilePackTests.Numbers(state: 5)
    try sandbox.put("big", (0..<(9 << 20)).map { _ in UInt8.random(in: .min ... .max, using: &numbers) })
    try sandbox.commit("noise")
    try sandbox.git("repack", "-adfq")
    let pack = sandbox.gitDirectory + "/objects/pack/" + (try Self.index(sandbox).dropLast(3)) + "pack"
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: pack)
    let file = try #require(FileHandle(forUpdatingAtPath: pack))
    let end = try file.seekToEnd()
    try file.seek(toOffset: min(UInt64(place) + 300, end - 60))
    let bytes = try #require(try file.read(upToCount: 8))
    try file.seek(toOffset: min(UInt64(place) + 300, end - 60))
    try file.write(contentsOf: Data(bytes.map { $0 ^ 0x55 }))
    try file.close()
    let error = try #require(throws: GitObjectsError.self) {
      try ObjectScan(objects: try Self.small(sandbox), patterns: try patterns(leaked)).run()
    }
    #expect(error.code == .corrupt)
  }
}

private let imageSize = 128 << 20

/// Of this process, so far. Bytes.
private func mostMemory() -> Int {
  var usage = rusage()
  getrusage(0, &usage)  // RUSAGE_SELF
  return usage.ru_maxrss * 1024
}

/// What a blob of any size costs: the most memory that a process of its own had at once.
@Suite struct MemoryCeilingTests {
  /// Zeros with the secret at their end, written by git as a stream.
  private static func repository(_ storage: String) throws -> GitSandbox {
    let sandbox = try GitSandbox()
    let file = sandbox.path + "/image"
    try sandbox.put("image", [])
    let handle = try #require(FileHandle(forWritingAtPath: file))
    try handle.truncate(atOffset: UInt64(imageSize))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("key = \(leaked)\n".utf8))
    try handle.close()
    try sandbox.git("config", "core.bigFileThreshold", storage == "loose" ? "4g" : "1m")
    try sandbox.git("config", "core.compression", "1")
    try sandbox.commit("an image")
    if storage == "delta base" {
      // A delta of a few bytes on it.
      let growing = try #require(FileHandle(forWritingAtPath: file))
      try growing.seekToEnd()
      try growing.write(contentsOf: Data("more\n".utf8))
      try growing.close()
      try sandbox.commit("a longer image")
      try sandbox.git("-c", "core.bigFileThreshold=4g", "repack", "-adfq", "--window=2")
    }
    return sandbox
  }

  @Test(arguments: ["loose", "packed", "delta base"])
  func `a scan of a blob of 128 MiB takes less than 96 MiB of memory`(storage: String) async throws {
    let sandbox = try Self.repository(storage)
    let (path, hits) = (sandbox.gitDirectory, storage == "delta base" ? 2 : 1)
    await #expect(processExitsWith: .success) { [path = path as String, hits = hits as Int] in
      let before = mostMemory()
      let found = try ObjectScan(
        objects: try RepositoryObjects(gitDirectory: path), patterns: try patterns(leaked)
      ).run().hits
      let taken = mostMemory() - before
      guard found.count == hits, found[0].offset == imageSize + 6, taken < 96 << 20 else {
        fatalError("\(found.count) hits, \(taken >> 20) MiB")
      }
    }
  }

  @Test func `a rewrite of a blob of 128 MiB takes less than 160 MiB of memory`() async throws {
    let sandbox = try Self.repository("packed")
    let (path, tips) = (sandbox.gitDirectory, try sandbox.tips().map(\.hex))
    await #expect(processExitsWith: .success) { [path = path as String, tips = tips as [String]] in
      let before = mostMemory()
      let outcome = try ObjectRewrite(
        objects: try RepositoryObjects(gitDirectory: path), patterns: try patterns(leaked),
        tips: tips.compactMap { ObjectID(hex: $0) }
      ).run()
      let taken = mostMemory() - before
      guard outcome.blobs.count == 1, taken < 160 << 20 else {
        fatalError("\(outcome.blobs.count) blobs, \(taken >> 20) MiB")
      }
    }
    let pack = try #require(
      try FileManager.default.contentsOfDirectory(atPath: path + "/objects/pack").first {
        $0.hasPrefix("tmp_staunch_")
      })
    let files = try FileManager.default.contentsOfDirectory(atPath: path + "/objects/pack/" + pack)
    let index = try #require(files.first { $0.hasSuffix(".idx") })
    try sandbox.git("verify-pack", path + "/objects/pack/\(pack)/\(index)")
  }
}
