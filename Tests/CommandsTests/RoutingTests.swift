import Capabilities
import StaunchConfiguration
import Foundation
import Incidents
import JSON
import Secrets
import Testing

@testable import Commands

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

  @Test func `a route without conditions takes everything, also a secret without a repository`() throws {
    let routing = try routing("  - {playbook: generic-secret, autonomy: record}\n")
    #expect(routing.route(for: try incident())?.autonomy == .record)
  }
}
