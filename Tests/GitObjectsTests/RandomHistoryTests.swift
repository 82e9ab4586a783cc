import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

/// Random histories with merges, renames, tags and secrets, rewritten by us and by git filter-repo: the trees, people and
/// dates must be the same, whatever the packs look like.
@Suite struct RandomHistoryTests {
  private static func history(seed: UInt64) -> [UInt8] {
    var numbers = HostilePackTests.Numbers(state: seed)
    func pick(_ range: Range<Int>) -> Int { Int.random(in: range, using: &numbers) }
    var stream = ""
    let directories = ["", "src/", "src/deep/er/", "docs/"]
    for mark in 1...60 {
      let branch = "refs/heads/b\(pick(0..<4))"
      stream +=
        "commit \(branch)\nmark :\(mark)\nauthor A\(pick(0..<3)) <a@x> \(1_600_000_000 + mark) +0\(pick(0..<9))00\n"
      stream += "committer C <c@x> \(1_600_000_100 + mark) -0330\n"
      let message = pick(0..<6) == 0 ? "commit \(mark) with \(leaked)\n" : "commit \(mark)\n"
      stream += "data \(message.utf8.count)\n\(message)"
      if mark > 1, pick(0..<4) == 0 { stream += "merge :\(pick(1..<mark))\n" }
      for _ in 0..<pick(1..<4) {
        let name = directories[pick(0..<4)] + "f\(pick(0..<6))"
        let lines = (0..<pick(5..<120)).map { line in
          pick(0..<150) == 0 ? "key \(leaked) \(line)" : "line \(line * 31 % 17) of \(name)"
        }
        let content = lines.joined(separator: "\n") + "\n"
        stream +=
          "M \(pick(0..<5) == 0 ? "100755" : "100644") inline \(name)\ndata \(content.utf8.count)\n\(content)\n"
      }
      if pick(0..<8) == 0 { stream += "D \(directories[pick(1..<4)].dropLast())\n" }
      if pick(0..<8) == 0 {
        stream +=
          "tag t\(mark)\nfrom :\(mark)\ntagger T <t@x> \(1_600_000_200 + mark) +0000\ndata 3\nt\(mark % 10)\n\n"
      }
    }
    return Array(stream.utf8)
  }

  private static func summary(_ sandbox: GitSandbox) throws -> [String] {
    let refs = try sandbox.git("for-each-ref", "--format=%(refname) %(tree) %(*tree)")
    let log = try sandbox.git("log", "--all", "--format=%an|%ae|%ad|%cn|%cd|%T|%B", "--date=raw")
    return [refs] + log.split(separator: "\n").map(String.init).sorted()
  }

  @Test(arguments: 1..<7 as Range<UInt64>)
  func `a random history ends as git filter-repo would leave it`(seed: UInt64) throws {
    let (ours, theirs) = (try GitSandbox(), try GitSandbox())
    for sandbox in [ours, theirs] {
      try sandbox.git("fast-import", "--quiet", "--force", input: Self.history(seed: seed))
    }
    switch seed % 4 {
    case 0: try ours.git("unpack-objects", "-q", input: Self.firstPack(of: ours))
    case 1: try ours.git("repack", "-adfq", "--window=20", "--depth=10")
    case 2:
      try ours.git("config", "repack.usedeltabaseoffset", "false")
      try ours.git("repack", "-adfq")
    default: break
    }
    let literal = SecretPatterns.Expression(.literal(Secret(leaked)))
    let before = try ours.git("rev-list", "--all", "--count")
    try ours.rewrite(try SecretPatterns([literal]))
    try theirs.put("../replace", "\(leaked)\n".utf8)
    try theirs.git(
      "filter-repo", "--force", "--quiet", "--replace-text", theirs.directory.path("replace"),
      "--replace-message",
      theirs.directory.path("replace"), "--prune-empty", "never", "--prune-degenerate", "never")
    try ours.fsck()
    #expect(try ours.git("rev-list", "--all", "--count") == before)
    #expect(try Self.summary(ours) == Self.summary(theirs))
    #expect(try ours.scan(try SecretPatterns([literal])).isEmpty)
  }

  /// Moves the pack away and returns its bytes, so that unpacking makes loose objects.
  private static func firstPack(of sandbox: GitSandbox) throws -> [UInt8] {
    let directory = sandbox.gitDirectory + "/objects/pack"
    let names = try FileManager.default.contentsOfDirectory(atPath: directory)
    let pack = try #require(names.first { $0.hasSuffix(".pack") })
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: directory + "/" + pack)))
    for name in names { try FileManager.default.removeItem(atPath: directory + "/" + name) }
    return bytes
  }
}
