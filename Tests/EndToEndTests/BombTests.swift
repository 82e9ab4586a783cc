import Foundation
import TestSupport
import Testing

/// Small inputs that stand for something huge. Each is refused or read; none takes the machine's memory or an evening.
@Suite(.timeLimit(.minutes(20))) struct BombTests {
  private struct Site {
    let directory: TemporaryDirectory
    let binary: StaunchBinary

    init() throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    }

    func write(_ name: String, _ text: String) throws {
      try text.write(toFile: directory.path(name), atomically: true, encoding: .utf8)
    }

    @discardableResult
    func shell(_ script: String) async throws -> String {
      try await Program.run(["sh", "-ec", script], in: directory.path)
    }
  }

  private static let aliases = (1...12).reduce("a0: &a0 [x, x, x, x, x, x, x, x, x]\n") { text, level in
    let parts = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
    return text + "a\(level): &a\(level) [\(parts)]\n"
  }
  private static let yaml: [String] = [
    aliases, aliases + "? *a12\n: x\n", aliases + "*a12 : x\n", aliases + "b: {[*a12]: x}\n",
    "a: " + String(repeating: "[", count: 200_000), "a: " + String(repeating: "{b: ", count: 100_000),
    String(repeating: "- ", count: 50_000) + "x\n",
  ]

  @Test(arguments: yaml.indices)
  func `a YAML bomb is refused with its place, as a playbook and as staunch.yaml`(index: Int) async throws {
    let site = try Site()
    try site.write("bomb.yaml", "playbook: 1\n" + Self.yaml[index])
    let linted = try await site.binary.run(["playbook", "lint", "bomb.yaml"])
    #expect(linted.status == 65, "\(linted.errors.prefix(500))")
    #expect((linted.output + linted.errors).contains("[PB001]"))
    try site.write("staunch.yaml", "staunch: 1\n" + Self.yaml[index])
    let read = try await site.binary.run(["plan", "generic-secret"])
    #expect(read.status == 78, "\(read.errors.prefix(500))")
  }

  @Test(arguments: [
    String(repeating: "[", count: 5_000_000),
    "{\"a\":" + String(repeating: "[{\"a\":", count: 500_000),
    "[{\"RuleID\":\"" + String(repeating: "x", count: 40 << 20) + "\"}]",
  ])
  func `a JSON bomb is no report and no CACAO playbook`(bomb: String) async throws {
    let site = try Site()
    try site.write("bomb.json", bomb)
    for arguments in [
      ["respond", "bomb.json"], ["respond", "bomb.json", "--format", "gitleaks"],
      ["playbook", "import", "bomb.json"],
    ] {
      let outcome = try await site.binary.run(arguments)
      #expect(outcome.status == 65, "\(arguments): \(outcome.status) \(outcome.errors.prefix(500))")
    }
  }

  @Test func `a tree of 10^15 paths is scanned and rewritten by its 17 objects`() async throws {
    let site = try Site()
    let secret = "bomb-Secret-" + "0123456789"
    try site.write("secrets", secret + "\n")
    try await site.shell(
      """
      git init -q --bare b.git && cd b.git
      blob=$(echo 'key = \(secret)' | git hash-object -w --stdin)
      tree=$(for i in 0 1 2 3 4 5 6 7 8 9; do printf '100644 blob %s\\tf%s\\n' "$blob" $i; done | git mktree)
      for level in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
        tree=$(for i in 0 1 2 3 4 5 6 7 8 9; do printf '040000 tree %s\\td%s\\n' "$tree" $i; done | git mktree)
      done
      commit=$(git -c user.name=A -c user.email=a@example.com commit-tree -m bomb "$tree")
      git update-ref refs/heads/main "$commit" && git symbolic-ref HEAD refs/heads/main
      """)
    let scan = ["history", "scan", "--repository", "b.git", "--secrets", "secrets"]
    let before = try await site.binary.run(scan)
    #expect(before.status == 10, "\(before.errors)")
    #expect(before.errors.contains("in 17 objects"), "\(before.errors)")
    let rewritten = try await site.binary.run([
      "history", "rewrite", "--repository", "b.git", "--secrets", "secrets", "--live", "--confirm", "b.git",
    ])
    #expect(rewritten.status == 0, "\(rewritten.errors)")
    #expect(try await site.binary.run(scan).status == 0)
  }

  @Test func `an expression that would run for ever is an error with its line, not a hang and not clean`()
    async throws
  {
    let site = try Site()
    try await site.shell(
      """
      git init -q r && cd r && head -c 60000 /dev/zero | tr '\\0' a >a && echo b >>a && git add a
      git -c user.name=A -c user.email=a@example.com commit -qm a
      """)
    try site.write("secrets", "\n\nplain-secret-value\n\nregex:(a|aa)+$\n")
    for arguments in [["scan"], ["rewrite"], ["rewrite", "--live", "--confirm", "r"]] {
      let outcome = try await site.binary.run(
        ["history"] + arguments + ["--repository", "r", "--secrets", "secrets"])
      #expect(outcome.status == 1, "\(arguments): \(outcome.output)")
      #expect(
        outcome.errors.contains("expression 2 (line 5 of its file) cannot be searched"), "\(outcome.errors)")
      #expect(!outcome.output.contains("clean"))
    }
  }
}
