import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// One after the other: with two writers at once, Glewlwyd's SQLite answers 500, or forgets one of them.
@Suite(.serialized) enum GlewlwydServerSuites {}

extension GlewlwydServerSuites {
  /// On a real OpenID Connect provider: what `playbooks/providers/glewlwyd.yaml` says of it.
  @Suite struct GlewlwydTests {
    private let server: GlewlwydServer

    init() async throws { server = try await GlewlwydServer.shared() }

    @Test func `an access token outlives the secret that it was drawn with, and nobody calls it ended`()
      async throws
    {
      let client = try await server.makeClient()
      let other = try await server.makeClient()
      let provider = try server.provider(of: client.id, control: other)
      let token = try #require(try await server.token(client.id, client.secret))
      let issued = try await provider.issue(
        IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
      #expect(try await provider.verify(client.secret, ref: nil).state == .dead)
      #expect(try await server.token(client.id, client.secret) == nil)
      // The trap: dead is the secret.
      #expect(try await server.isActive(token, as: client.id, issued.secret) == true)
      let error = await #expect(throws: CapabilityError.self) {
        try await provider.endSessions(CredentialRef(client.id), before: Date(), under: .forTests())
      }
      #expect(error?.class == .unsupported)
      #expect(error?.fix?.contains("access tokens that were drawn with it, until they are over") == true)
      #expect(
        try await provider.inspect(CredentialRef(client.id)).facts["survives"]?.string?.contains(
          "access tokens")
          == true)
    }

    /// The trap: without a scope the token endpoint answers 403 to the right secret as well.
    @Test func `a refusal of the token endpoint is not asked for, and no token is drawn to ask`() async throws
    {
      let client = try await server.makeClient()
      let other = try await server.makeClient()
      #expect(try await server.token(client.id, client.secret, scope: "") == nil)
      let provider = try server.provider(of: client.id, control: other)
      #expect(try await provider.verify(client.secret, ref: nil) == CredentialProbe(.alive, code: "200"))
      let wrong = try await provider.verify(Secret("another"), ref: nil)
      #expect(wrong.state == .dead)
      #expect((wrong.evidence?.controls ?? 0) > 0, "another client is accepted between the refusals")
    }

    @Test func `without another client to compare with a refusal is no death`() async throws {
      let client = try await server.makeClient()
      let probe = try await (try server.provider(of: client.id, control: nil)).verify(
        Secret("another"), ref: nil)
      #expect(probe.state == .unknown)
      #expect(probe.isRefused)
      #expect(probe.code.contains("none to compare with: name one in control in staunch.yaml"))
    }

    /// A PUT replaces the client: what it leaves out is gone.
    @Test func `a new secret leaves redirect addresses and grants as they are`() async throws {
      let client = try await server.makeClient()
      let provider = try server.provider(of: client.id, control: nil)
      let before = try await server.call("GET", "/api/client/\(client.id)").object ?? [:]
      _ = try await provider.issue(
        IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
      let after = try await server.call("GET", "/api/client/\(client.id)").object ?? [:]
      #expect(before["client_secret"] != after["client_secret"])
      #expect(
        before.filter { $0.key != "client_secret" } == after.filter { $0.key != "client_secret" })
      #expect(after["redirect_uri"] == ["https://app.example.org/callback"])
    }

    /// The threat: configuration management, or somebody, sets the leaked secret again.
    @Test func `a secret that comes back after its replacement is alive, and the step says so`() async throws
    {
      let client = try await server.makeClient()
      let provider = try server.provider(of: client.id, control: try await server.makeClient())
      let issued = try await provider.issue(
        IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
      #expect(try await provider.verify(client.secret, ref: nil).state == .dead)
      var members = try await server.call("GET", "/api/client/\(client.id)").object ?? [:]
      members["client_secret"] = .string(client.secret.exposeAsText())
      try await server.call("PUT", "/api/client/\(client.id)", .object(members))
      #expect(try await provider.verify(client.secret, ref: nil).state == .alive)
      let error = await #expect(throws: CapabilityError.self) {
        try await provider.disable(
          issued.ref, leak: Leak(client.secret), replacedBy: issued.ref, under: .forTests())
      }
      #expect(error?.class == .conflict)
      #expect(error?.because == "the leaked value works although another one was set")
    }

    /// The administration API shows every client's secret: no fact may repeat it.
    @Test func `the secret that the API shows is in no fact, and doctor asks for the right`() async throws {
      let client = try await server.makeClient()
      let provider = try server.provider(of: client.id, control: nil)
      let facts = try await provider.inspect(CredentialRef(client.id)).facts
      #expect(facts["redirect_uri"] == ["https://app.example.org/callback"])
      #expect(!"\(facts)".contains(client.secret.exposeAsText()))
      let ready = await provider.readiness()
      #expect(ready.first?.what == "clients")
      if case .ready? = ready.first?.verdict {} else { Issue.record("\(ready)") }
    }
  }

  @Suite struct GlewlwydContractTests {
    @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck)
      async throws
    {
      try await check.run(GlewlwydFixture.self)
    }
  }
}

private struct GlewlwydFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let server = try await GlewlwydServer.shared()
    let client = try await server.makeClient()
    return Self(
      provider: try server.provider(of: client.id, control: try await server.makeClient()),
      leak: Leak(client.secret, handle: client.id))
  }
}

extension GlewlwydServer {
  fileprivate func provider(of client: String, control: (id: String, secret: Secret)?) throws
    -> any CredentialProvider
  {
    var settings: [String: JSONValue] = [
      "base_url": .string(url), "client_id": .string(client), "plugin": .string(plugin), "api_key": "env:KEY",
    ]
    var secrets = ["env:KEY": apiKey]
    if let control {
      settings["control"] = "env:CONTROL"
      settings["control_client"] = .string(control.id)
      secrets["env:CONTROL"] = control.secret
    }
    return try CredentialProviderRegistry.make(
      TargetConfiguration(name: "client", kind: "glewlwyd", settings: settings, position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: secrets))
  }
}
