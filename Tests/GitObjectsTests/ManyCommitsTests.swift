import Foundation
import GitObjects
import Testing

/// More objects of every kind than the compressor for small streams learns from; git reads what it wrote.
@Suite struct ManyCommitsTests {
  @Test func `git reads a rewritten history of many small objects`() throws {
    let sandbox = try GitSandbox()
    var stream = ""
    for number in 1...400 {
      let leak = number == 1 ? leaked : "nothing"
      let message = "change \(number): make the parser of line \(number * 7) quicker\n"
      let text = (1...40).map { "line \($0), \($0 == number % 40 ? "state \(number)" : "as before")\n" }
        .joined()
      stream += "commit refs/heads/main\nmark :\(number)\n"
      stream += "committer C O Mitter <c@example.com> \(1_600_000_000 + number) +0100\n"
      stream += "data \(message.utf8.count)\n\(message)"
      stream += "M 100644 inline dir\(number % 5)/file\ndata \(text.utf8.count)\n\(text)\n"
      stream += "M 100644 inline leak\ndata \(leak.utf8.count)\n\(leak)\n"
    }
    try sandbox.git("fast-import", "--quiet", input: Array(stream.utf8))
    try sandbox.git("repack", "-adfq")
    let before = try sandbox.git("log", "--format=%an %ad %s", "main")
    let outcome = try ObjectRewrite(
      objects: try sandbox.objects(), patterns: try patterns(leaked), tips: try sandbox.tips()
    ).run()
    #expect(outcome.commits.count == 400)
    try sandbox.install(outcome)
    try sandbox.fsck()
    #expect(try sandbox.scan(try patterns(leaked)).isEmpty)
    #expect(try sandbox.git("log", "--format=%an %ad %s", "main") == before)
  }
}
