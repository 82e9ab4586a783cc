import BuiltinContent
import Capabilities
import CredentialProviders
import Foundation
import Incidents
import PlaybookTools
import Playbooks
import Testing

/// The table of knowledge that comes with the program.
@Suite struct KindKnowledgeTableTests {
  private static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A row with an empty text, an address that is not https or no page is refused by the reader itself.
  @Test func `every kind has a row, and every row a kind`() throws {
    let rows = KindTable.builtin.rows.map(\.kind)
    let known = try KindKnowledgeTable.builtIn().all.map(\.kind)
    #expect(Set(rows) == Set(known))
    #expect(rows.count == Set(rows).count && rows.count == known.count)
    #expect(known.count >= 120)
  }

  @Test func `what the peers revoke and verify has a row`() throws {
    let table = try KindKnowledgeTable.builtIn()
    // Kingfisher 2.20 revokes: design/test-worlds.md; leakkill 0.6 verifies: its README.
    let kingfisher: [CredentialKind] = [
      "aws_access_key", "buildkite_token", "crates_io_token", "digitalocean_token", "doppler_token",
      "gcp_service_account_key", "gcp_api_key", "github_pat_classic", "github_pat_fine_grained",
      "github_app_token", "github_oauth_token", "gitlab_pat", "heroku_api_key", "huggingface_token",
      "slack_token", "twitch_token", "vercel_token", "cloudflare_api_token", "npm_token",
      "anthropic_api_key", "openai_api_key", "twilio_api_key", "resend_api_key", "notion_token",
    ]
    let leakkill: [CredentialKind] = [
      "slack_webhook_url", "discord_webhook_url", "sendgrid_api_key", "stripe_secret_key",
      "openrouter_api_key", "groq_api_key", "replicate_token", "telegram_bot_token",
    ]
    for kind in kingfisher + leakkill { #expect(table[kind] != nil, "\(kind)") }
  }

  @Test func `a kind of each provider that a file describes has a row`() throws {
    let asked = try KindKnowledgeTable.builtIn().all.compactMap { knowledge -> String? in
      guard case .verb(let provider, _) = knowledge.selfVerify else { return nil }
      return provider
    }
    let providers = Set(KindTable.builtin.rows.compactMap(\.provider) + asked)
    for kind in DescribedProviders.builtin.kinds { #expect(providers.contains(kind), "\(kind)") }
  }

  /// What a row says that the value alone brings about, a provider does; a file's call shows nobody else's login, and an
  /// exchange of it is recorded.
  @Test func `each verb exists, needs the leaked value alone, and has a recorded exchange`() throws {
    for knowledge in try KindKnowledgeTable.builtIn().all {
      for service in [knowledge.selfVerify, knowledge.selfRevoke] {
        guard case .verb(let provider, let verb) = service else { continue }
        if CredentialProviderRegistry.all.contains(where: { $0.kind == provider }) { continue }
        let file = try #require(try DescribedProviders.builtin[provider], "\(knowledge.kind): \(provider)")
        let call = try #require(file.call(of: verb), "\(knowledge.kind): \(provider).\(verb)")
        #expect(call.presenter != .runner, "\(knowledge.kind): \(provider).\(verb) needs the runner's login")
        let name = "playbooks/providers/tests/\(provider).yaml"
        let exchange = try ProviderExchange.load(
          source: try String(contentsOf: Self.top.appending(path: name), encoding: .utf8), file: name)
        #expect(exchange.cases.contains { $0.verb.rawValue == verb.rawValue }, "\(name): \(verb)")
      }
      if case .verb(_, let verb) = knowledge.selfVerify { #expect(verb == .verify, "\(knowledge.kind)") }
      if case .verb(_, let verb) = knowledge.selfRevoke { #expect(verb != .verify, "\(knowledge.kind)") }
    }
  }

  /// A provider that stops the leaked one with nobody else's login is one that the row names.
  @Test func `no file that revokes by the value alone is forgotten`() throws {
    let table = try KindKnowledgeTable.builtIn()
    for row in KindTable.builtin.rows {
      guard let provider = row.provider, let file = try DescribedProviders.builtin[provider],
        let disable = file.disable, disable.call.presenter != .runner
      else { continue }
      // An incoming webhook is no token, whatever else its app may do.
      guard row.kind != "slack_webhook_url" else { continue }
      #expect(table[row.kind]?.selfRevoke == .verb(provider: provider, verb: .disable), "\(row.kind)")
    }
  }

  @Test func `what needs an entry says which settings`() throws {
    let table = try KindKnowledgeTable.builtIn()
    func needs(_ kind: CredentialKind) throws -> [String]? { try #require(table[kind]).selfVerify.needs() }
    #expect(try needs("github_pat_classic") == [])
    #expect(try needs("slack_token") == [])
    // The runner's key is needed to replace it, not to ask.
    #expect(try needs("sendgrid_api_key") == [])
    #expect(try needs("databricks_token") == ["base_url"])
    #expect(try needs("twilio_auth_token") == ["account_sid"])
    #expect(try needs("openai_api_key") == [])
    #expect(try needs("aws_access_key")?.contains("region") == true)
    #expect(try needs("pypi_token") == nil)
  }

  @Test func `docs KINDS md is made of it`() throws {
    let path = Self.top.appending(path: "docs/KINDS.md")
    let made = try KindsDocument.markdown(KindTable.builtin.rows, try KindKnowledgeTable.builtIn()) {
      service throws(CapabilityError) in try service.needs()
    }
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try made.write(to: path, atomically: true, encoding: .utf8)
    }
    #expect(
      try String(contentsOf: path, encoding: .utf8) == made,
      "docs/KINDS.md is stale: run the tests with RECORD_GOLDEN=1 and read the difference")
  }
}
