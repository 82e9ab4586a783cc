import Foundation
import Incidents
import JSON
import TestSupport
import Testing

/// `staunch kinds`, in an empty home: nothing is configured. The real binary.
@Suite struct KindsCommandTests {
  private let directory: TemporaryDirectory
  private let binary: StaunchBinary

  init() throws {
    directory = try TemporaryDirectory()
    binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
  }

  @Test func `the table has every kind, and one of them its page`() async throws {
    let table = try await binary.run(["kinds"])
    #expect(table.status == 0, "\(table.errors)")
    for row in KindTable.builtin.rows { #expect(table.output.contains("\(row.kind) "), "\(row.kind)") }
    let one = try await binary.run(["kinds", "npm_token"])
    #expect(one.status == 0)
    for part in [
      "npm_token  npm", "stop it: https://www.npmjs.com/settings/~/tokens", "until it holds:",
      "its holder destroys:", "scanners call it: gitleaks npm-access-token",
      "from: https://docs.npmjs.com/revoking-access-tokens  (read on 2026-11-30)",
    ] { #expect(one.output.contains(part), "\(part)\n\(one.output)") }
  }

  @Test func `a provider and a scanner's word mean their kinds`() async throws {
    let github = try await binary.run(["kinds", "github"])
    #expect(github.output.contains("github_pat_classic") && github.output.contains("github_oauth_token"))
    #expect(!github.output.contains("gitlab_pat"))
    let word = try await binary.run(["kinds", "npm-access-token"])
    #expect(word.output.contains("npm_token  npm"))
  }

  @Test func `an unknown one names what is near`() async throws {
    let provider = try await binary.run(["kinds", "opnai"])
    #expect(provider.status == 65)
    #expect(provider.errors.contains(#"did you mean one of these: "openai_api_key""#), "\(provider.errors)")
    let slip = try await binary.run(["kinds", "npm_tokn"])
    #expect(slip.status == 65)
    #expect(slip.errors.contains("\"npm_token\""), "\(slip.errors)")
    #expect(try await binary.run(["kinds", "no-such-thing-at-all"]).status == 65)
  }

  @Test func `scripts get it as JSON, and the documentation as Markdown`() async throws {
    let one = try await binary.run(["kinds", "slack_token", "--json"])
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(one.output.utf8))
    let kind = try #require(document["kinds"]?.array?.first)
    #expect(document["kinds"]?.array?.count == 1)
    #expect(kind["self_revoke"]?["provider"] == "slack" && kind["self_revoke"]?["verb"] == "disable")
    #expect(kind["danger"]?["spends"] == .null)
    let page = try await binary.run(["kinds", "--format", "markdown"])
    #expect(page.status == 0)
    #expect(page.output.hasPrefix("# Kinds of credentials"))
  }
}
