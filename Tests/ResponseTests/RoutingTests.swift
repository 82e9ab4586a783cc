import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import StaunchConfiguration
import ResponseSupport
import Testing

@testable import Response

@Suite struct RoutingTests {
  private static let now = Date(timeIntervalSince1970: 1_760_000_000)

  private func routing(_ routes: String) throws -> Routing {
    let catalogue = AdapterCatalogue(credentials: [:], stores: [:], consumers: [:], trackers: [:])
    let text = "staunch: 1\nroutes:\n" + routes
    return Routing(
      configuration: try ConfigurationReader.read(
        text, file: "staunch.yaml", directory: "/etc/x", catalogue: catalogue))
  }

  private func incident(kind: CredentialKind = "openai_api_key", repository: String? = nil) throws -> Incident
  {
    var finding = Finding(source: .manual, kind: kind, detector: Detector(rule: "test"), observedAt: Self.now)
    finding.secret = Secret("a value that is long enough")
    if let repository {
      finding.location = Location(.file, repository: RepositoryRef(name: repository), path: "a.py")
    }
    let key = FingerprintKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
    return try #require(IncidentGrouping.group([finding], key: key, now: Self.now).first)
  }

  @Test func `the first route whose conditions all hold is taken`() throws {
    let routing = try routing(
      """
        - {when: {kind: postgres_uri}, playbook: database-password}
        - {when: {kind: [openai_api_key, anthropic_api_key]}, playbook: openai-api-key}
        - {when: {kind: openai_api_key}, playbook: generic-secret}
      """)
    #expect(routing.route(for: try incident())?.playbook == "openai-api-key")
    #expect(routing.route(for: try incident(kind: "github_pat_classic")) == nil)
  }

  @Test(arguments: [("Acme/Training", true), ("other/training", true), ("acme/training-2", false)])
  func `repositories compare without case and with or without their owner`(name: String, fits: Bool) throws {
    let routing = try routing("  - {when: {repository: training}, playbook: generic-secret}\n")
    #expect((routing.route(for: try incident(repository: name)) != nil) == fits)
  }

  /// What is built in for a kind, with these lines under `credentials:`.
  private func builtin(_ kind: CredentialKind, _ credentials: String = "") throws -> Configuration.Route? {
    let text = "staunch: 1\nstores:\n  env: {kind: env-file, path: /tmp/env}\ncredentials:\n" + credentials
    let routing = Routing(
      configuration: try ConfigurationReader.read(
        text, file: "staunch.yaml", directory: "/etc/x", catalogue: AdapterCatalogue.real))
    guard case .route(let route) = routing.choice(for: try incident(kind: kind)) else { return nil }
    #expect(route.isStandard)
    #expect(route.autonomy == .plan)
    return route
  }

  @Test(arguments: KindTable.builtin.rows.map(\.kind))
  func `every kind has guided steps, and the rotation once staunch yaml has its provider`(
    _ kind: CredentialKind
  ) throws {
    #expect(try builtin(kind)?.playbook == "generic-secret")
    let generic = "  g: {kind: generic, leaks: [\(kind)], store: env, key: K}\n"
    #expect(try builtin(kind, generic)?.playbook == "generic-secret", "only a person can replace it")
    let provider = KindTable.builtin.row(of: kind)?.provider
    guard let provider, let (settings, isGuided) = try AdapterCatalogue.real.credential(provider) else {
      return  // no provider of staunch's
    }
    let required = settings.filter(\.isRequired).map { "\($0.key): \($0.isSecretReference ? "env:X" : "x")" }
    let entry = (["kind: \(provider)"] + required).joined(separator: ", ")
    #expect(
      try builtin(kind, "  p: {\(entry), store: env, key: K}\n")?.playbook
        == (isGuided ? "generic-secret" : Routing.playbooks[provider] ?? "rotate-leaked-credential"))
    #expect(
      try builtin(kind, "  p: {\(entry)}\n")?.playbook == "generic-secret", "a new value has no place")
  }

  /// An entry with what its provider requires, and a store.
  private func entry(_ name: String, of provider: String, _ more: String = "") throws -> String {
    let (settings, _) = try #require(try AdapterCatalogue.real.credential(provider))
    let required = settings.filter(\.isRequired).map { "\($0.key): \($0.isSecretReference ? "env:X" : "x")" }
    let all = ["kind: \(provider)"] + required + ["store: env", "key: K"]
    return "  \(name): {\(all.joined(separator: ", "))\(more)}\n"
  }

  @Test(arguments: [
    ("aws_access_key", "aws_iam", "aws-access-key"),
    ("aws_session_token", "aws_sts", "rotate-leaked-credential"),
    ("azure_storage_key", "azure_storage_key", "azure-storage-key"),
    ("gcp_service_account_key", "gcp_service_account_key", "gcp-service-account-key"),
    ("github_pat_classic", "github", "github-token"), ("gitlab_pat", "gitlab", "gitlab-token"),
    ("openai_api_key", "openai", "openai-api-key"), ("slack_token", "slack", "slack-token"),
    ("ssh_private_key", "ssh_key", "ssh-key"), ("vault_token", "vault", "vault-token"),
    ("postgres_uri", "postgres", "rotate-leaked-credential"),
  ])
  func `a kind whose provider has a playbook of its own gets that one`(
    kind: String, provider: String, playbook: String
  ) throws {
    #expect(
      try builtin(CredentialKind(kind), entry("one", of: provider))?.playbook == PlaybookID(playbook))
  }

  @Test func `entries of several providers get the steps that fit any of them`() throws {
    let both =
      try entry("one", of: "gitlab", ", leaks: [generic_api_key]")
      + entry("two", of: "github", ", leaks: [generic_api_key]")
    #expect(try builtin("generic_api_key", both)?.playbook == "rotate-leaked-credential")
  }

  @Test(arguments: Routing.playbooks.keys.sorted())
  func `a playbook is named for a provider that there is, and that can make or stop something`(
    _ kind: String
  ) throws {
    #expect(try AdapterCatalogue.real.credential(kind)?.isGuided == false)
  }

  @Test func `what staunch could rotate is told with the line that staunch yaml lacks`() throws {
    let bare = Routing(configuration: Configuration(file: "staunch.yaml"))
    #expect(
      try bare.missingEntry(for: incident())?.hasPrefix("openai-api-key: {kind: openai, ") == true)
    #expect(
      try bare.missingEntry(for: incident(kind: "pypi_token")) == nil, "no provider of staunch's")
    #expect(
      try bare.missingEntry(for: incident(kind: "stripe_secret_key")) == nil,
      "a person does the provider's part, whatever staunch.yaml says")
    let routed = try routing("  - {playbook: generic-secret}\n")
    #expect(try routed.missingEntry(for: incident()) == nil, "somebody has decided")
  }

  @Test func `a route whose credential cannot be meant is a question, and no reason for the built-in one`()
    throws
  {
    let text = """
      staunch: 1
      credentials:
        db: {kind: postgres, host: db1, database: shop, role: app, admin_user: admin}
      routes:
        - {playbook: database-password, credential: db}
      """
    let routing = Routing(
      configuration: try ConfigurationReader.read(
        text, file: "staunch.yaml", directory: "/etc/x", catalogue: AdapterCatalogue.real))
    var finding = Finding(
      source: .manual, kind: "postgres_uri", detector: Detector(rule: "test"), observedAt: Self.now)
    finding.secret = Secret("a value that is long enough")
    finding.handle = "other@db9/elsewhere"
    let key = FingerprintKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
    let leak = try #require(IncidentGrouping.group([finding], key: key, now: Self.now).first)
    guard case .misfit(let route, _) = routing.choice(for: leak) else {
      Issue.record("another account's leak got a plan")
      return
    }
    #expect(route.credential == "db")
  }

  @Test func `a route without conditions takes everything, also a secret without a repository`() throws {
    let routing = try routing("  - {playbook: generic-secret, autonomy: record}\n")
    #expect(routing.route(for: try incident())?.autonomy == .record)
  }
}
