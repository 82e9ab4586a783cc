@testable import Drills
import Foundation
import JSON
import Secrets
import TestSupport
import Testing

/// The reports of real scanners start the right response.
@Suite struct RealScannerChainTests {
  private static func isInstalled(_ program: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
    }
  }

  @Test(.enabled(if: isInstalled("kingfisher"), "kingfisher is not installed; run: make test"))
  func `Kingfisher's report of the history plans the rotation of the OpenAI key`() async throws {
    let world = try await LiveWorld()
    let report = world.root.path("kingfisher.jsonl")
    // It exits 200 when it finds something.
    try await Program.run(
      [
        "bash", "-c",
        "kingfisher scan \"$1\" --no-validate --no-update-check -q --no-dedup --format jsonl --output \"$2\" || [ $? = 200 ]",
        "bash", world.sandbox.repository, report,
      ], in: world.root.path)
    let outcome = try await world.binary.run(["respond", report, "--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
    let incidents = document["incidents"]?.array ?? []
    let key = try #require(incidents.first { $0["kind"] == "openai_api_key" })
    #expect(key["playbook"] == "openai-api-key")
    #expect(key["plan"]?["digest"]?.string?.count == 64)
    #expect((key["occurrences"]?.integer ?? 0) > 1)
    #expect(try world.leaks(outputs: [outcome.output, outcome.errors]) == [])
    await world.stop()
  }

  @Test(.enabled(if: isInstalled("kingfisher"), "kingfisher is not installed; run: make test"))
  func `the help's own example works: kingfisher's JSON Lines through a pipe`() async throws {
    let world = try await LiveWorld()
    let directory = world.root.path("two")
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try ["one", "two"].map { "GITHUB_TOKEN=\(FakeSecrets.value("github_pat_classic", $0))\n" }.joined().write(
      toFile: directory + "/ci.env", atomically: true, encoding: .utf8)
    let report = try await Program.run(
      [
        "bash", "-c",
        "kingfisher scan . --no-validate --no-update-check -q --format jsonl 2>/dev/null || [ $? = 200 ]",
      ], in: directory)
    let outcome = try await world.binary.run(["respond", "-", "--json"], input: report)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
    #expect(document["findings"] == 2)
    #expect(document["incidents"]?.array?.count == 2)
    await world.stop()
  }

  @Test(.enabled(if: isInstalled("detect-secrets"), "detect-secrets is not installed; run: make test"))
  func `a detect-secrets baseline holds no values: they are read again from the checkout`() async throws {
    let world = try await LiveWorld()
    let checkout = world.root.path("checkout")
    try FileManager.default.createDirectory(atPath: checkout, withIntermediateDirectories: true)
    let key = try #require(world.sandbox.secrets["leaked openai_api_key"]).exposeAsText()
    try "import openai\nopenai.api_key = \"\(key)\"\n".write(
      toFile: checkout + "/train.py", atomically: true, encoding: .utf8)
    try await Program.run(["git", "init", "-q"], in: checkout)
    try await Program.run(["git", "add", "."], in: checkout)
    let baseline = try await Program.run(["detect-secrets", "scan", "--no-verify"], in: checkout)
    #expect(!baseline.contains(key))
    let blind = try await world.binary.run(["respond", "-", "--json"], input: baseline)
    let waiting = try JSONDecoder().decode(JSONValue.self, from: Data(blind.output.utf8))
    #expect(waiting["incidents"]?.array?.allSatisfy { $0["plan"] == .null } == true)
    #expect(blind.output.contains("--checkout"), "\(blind.output)")
    let seeing = try await world.binary.run(
      ["respond", "-", "--json", "--checkout", checkout], input: baseline)
    #expect(seeing.status == 0, "\(seeing.errors)")
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(seeing.output.utf8))
    let found = try #require(document["incidents"]?.array?.first { $0["kind"] == "openai_api_key" })
    #expect(found["plan"]?["digest"]?.string?.count == 64)
    #expect(try world.leaks(outputs: [seeing.output, seeing.errors]) == [])
    await world.stop()
  }
}
