import Foundation

/// A repository with a random history from a seed, made through `git fast-import`: merges, renames, deletions, modes, tags
/// of tags, odd names and encodings; the secret in random text files.
struct RandomHistory {
  private var state: UInt64
  private var stream: [UInt8] = []
  private var files: [[String: String]] = []

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  /// Commits numbered from 0 on up to four branches.
  mutating func make(_ git: Git, commits: Int) throws {
    var tips: [Int] = []
    for number in 0..<commits {
      let first = tips.isEmpty ? nil : tips[below(tips.count)]
      let second = tips.count > 1 && below(4) == 0 ? tips[below(tips.count)] : nil
      let branch = below(4)
      commit(number, branch, from: first, merging: second == first ? nil : second)
      tips.append(number)
      if tips.count > 5 { tips.removeFirst() }
    }
    for (branch, tip) in tips.suffix(4).enumerated() {
      add("reset refs/heads/b\(branch)\nfrom :\(tip + 1)\n\n")
    }
    for number in 0..<(commits / 6) {
      let target = below(commits) + 1
      add("tag v\(number)\nfrom :\(target)\ntagger T Ä <t@example.org> \(1_600_000_000 + number) -0330\n")
      data("release \(number) \(maybeSecret())\n")
    }
    add("done\n")
    try git(["fast-import", "--quiet", "--done", "--date-format=raw-permissive"], input: stream)
    if commits >= 6 { try git("tag", "-a", "-m", "tag of a tag", "outer", "v0") }
    try git("symbolic-ref", "HEAD", "refs/heads/b0")
  }

  private mutating func commit(_ number: Int, _ branch: Int, from: Int?, merging: Int?) {
    var content = from.map { files[$0] } ?? [:]
    var changes = from == nil ? "deleteall\n" : ""
    for _ in 0...below(3) {
      switch below(6) {
      case 0:
        if let name = pick(content) {
          changes += "D \(quoted(name))\n"
          content[name] = nil
        }
      case 1:
        if let name = pick(content) {
          let new = name + "~"
          changes += "R \(quoted(name)) \(quoted(new))\n"
          content[new] = content.removeValue(forKey: name)
        }
      default:
        let name = ["a.txt", "d/b.txt", "d/e/ü c.txt", "x/y/z", "run.sh"][below(5)] + String(below(3))
        let text = (0...below(5)).map { _ in "line \(below(1000)) \(maybeSecret())\n" }.joined()
        let mode = name.hasPrefix("run") ? "100755" : "100644"
        changes += "M \(mode) inline \(quoted(name))\ndata \(text.utf8.count)\n\(text)\n"
        content[name] = text
      }
    }
    files.append(content)
    add("commit refs/heads/b\(branch)\nmark :\(number + 1)\n")
    add(
      "author A\(below(3)) Ö <a\(below(3))@example.org> \(1_500_000_000 + below(9_999_999)) +0\(below(9))30\n"
    )
    add("committer C <c@example.org> \(1_500_000_000 + number * 60) +0000\n")
    if below(5) == 0 {
      add("encoding ISO-8859-1\n")
      let text = Array("gr".utf8) + [0xFC, 0xDF] + Array(" \(number)\n".utf8)
      stream += Array("data \(text.count)\n".utf8) + text + [0x0A]
    } else {
      data("change \(number)\n\nbody\n")
    }
    if let from { add("from :\(from + 1)\n") }
    if let merging { add("merge :\(merging + 1)\n") }
    add(changes + "\n")
  }

  private mutating func maybeSecret() -> String { below(7) == 0 ? "key=\(leaked);" : "word\(below(50))" }
  private mutating func pick(_ content: [String: String]) -> String? {
    content.isEmpty ? nil : content.keys.sorted()[below(content.count)]
  }
  private func quoted(_ name: String) -> String { "\"\(name)\"" }
  private mutating func add(_ text: String) { stream += Array(text.utf8) }
  private mutating func data(_ text: String) { add("data \(text.utf8.count)\n\(text)\n") }

  /// xorshift64*: the same numbers for the same seed everywhere.
  private mutating func below(_ limit: Int) -> Int {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % limit
  }
}
