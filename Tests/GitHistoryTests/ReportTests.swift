import Capabilities
import GitObjects
import JSON
import Secrets
import TestSupport
import Testing

@testable import GitHistory

@Suite struct ReportTests {
  @Test
  func `A scan names the path, the line, the first and last commit and the references, never the value`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try git(["hash-object", "-w", "--stdin"], input: Array("lost \(leaked)".utf8))
    let patterns = try SecretPatterns(secrets: [Secret(leaked)])
    let report = try await Purge(git.path).rewriter.scanReport(
      repository: git.path, patterns: patterns, progress: Silent())
    let file = try #require(report.findings.first { $0.place.path == "train.py" })
    #expect(file.place.line == 1 && file.place.form == "raw")
    #expect(file.firstCommit == (try git("rev-parse", "main~2")))
    #expect(file.lastCommit == (try git("rev-parse", "main~1")))
    #expect(Set(file.place.refs) == ["refs/heads/main", "refs/heads/other", "refs/tags/v1"])
    let encoded = try #require(report.findings.first { $0.place.path == "deploy.yaml" })
    #expect(encoded.place.form.hasPrefix("base64"))
    #expect(report.findings.contains { $0.isUnreachable })
    let sarif = report.sarif(version: "test", formsNotSearched: patterns.notSearched)
    #expect(!sarif.canonicalText.contains(leaked))
    #expect(sarif.canonicalText.contains("train.py"))
    #expect(sarif["runs"]?[0]?["results"]?.array?.count == report.findings.count)
  }
  @Test func `SARIF of a scan says what was not searched, as its other outputs do`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try git.write(".git/objects/pack/tmp_pack_abc", "PACK")
    let patterns = try SecretPatterns(secrets: [Secret(leaked)])
    let report = try await Purge(git.path).rewriter.scanReport(
      repository: git.path, patterns: patterns, progress: Silent())
    #expect(!report.notSearched.isEmpty)
    let run = report.sarif(version: "test", formsNotSearched: patterns.notSearched)["runs"]?[0]
    let invocation = run?["invocations"]?[0]
    #expect(invocation?["executionSuccessful"] == .boolean(true))
    let notes = try #require(invocation?["toolExecutionNotifications"]?.array)
    let texts = notes.compactMap { $0["message"]?["text"]?.string }
    #expect(texts.count == report.notSearched.count + patterns.notSearched.count)
    for left in report.notSearched {
      #expect(texts.contains { $0.contains(left.place) && $0.contains(left.why) }, "\(left.place)")
    }
    for form in patterns.notSearched { #expect(texts.contains { $0.hasSuffix(form) }, "\(form)") }
  }
}
