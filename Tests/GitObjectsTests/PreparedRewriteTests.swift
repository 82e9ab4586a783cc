import Foundation
import Testing

@testable import GitObjects

@Suite struct PreparedRewriteTests {
  /// Blobs that no compression makes smaller, each with the secret.
  private static func sandbox() throws -> GitSandbox {
    let sandbox = try GitSandbox()
    for number in 0..<4 {
      let noise = (0..<200_000).map { _ in UInt8.random(in: 0...255) }
      try sandbox.put("noise\(number)", Array("\(number) \(leaked)\n".utf8) + noise)
    }
    try sandbox.commit("leak")
    return sandbox
  }

  private func rewrite(_ sandbox: GitSandbox) throws -> ObjectRewrite {
    ObjectRewrite(objects: try sandbox.objects(), patterns: try patterns(leaked), tips: try sandbox.tips())
  }

  private func packs(_ sandbox: GitSandbox) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: sandbox.gitDirectory + "/objects/pack")
  }

  @Test func `What was prepared writes no file before it is written, and then what a run writes`() throws {
    let sandbox = try Self.sandbox()
    let prepared = try rewrite(sandbox).prepare()
    #expect(prepared.canBeWritten && prepared.outcome.pack == nil)
    #expect(try packs(sandbox).isEmpty)
    let other = try rewrite(sandbox).run()
    let outcome = try prepared.write()
    #expect(outcome.commits == other.commits && outcome.blobs == other.blobs)
    #expect(outcome.pack?.objectCount == other.pack?.objectCount)
    if let pack = other.pack { try FileManager.default.removeItem(atPath: pack.directory) }
    try sandbox.install(outcome)
    try sandbox.fsck()
    #expect(try sandbox.scan(try patterns(leaked)).isEmpty)
  }

  @Test func `New objects that do not fit into memory are not kept, and a run puts them into files`() throws {
    let sandbox = try Self.sandbox()
    var small = try rewrite(sandbox)
    small.memory = 1 << 18
    let prepared = try small.prepare()
    #expect(!prepared.canBeWritten && prepared.outcome.blobs.count == 4)
    #expect(try packs(sandbox).isEmpty)
    let outcome = try small.run()
    #expect(outcome.blobs == prepared.outcome.blobs)
    try sandbox.install(outcome)
    try sandbox.fsck()
    #expect(try sandbox.scan(try patterns(leaked)).isEmpty)
  }
}
