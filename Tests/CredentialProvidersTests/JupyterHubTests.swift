import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// On a real JupyterHub (`make test-heavy`): what `playbooks/providers/jupyterhub.yaml` says of it. Its runner has the rights that
/// the file names, and no others.
@Suite(.enabled(if: JupyterHubServer.isWanted, "\(JupyterHubServer.notice)"))
struct JupyterHubTests {
  private let server: JupyterHubServer

  init() throws { server = try JupyterHubServer.shared() }

  /// The trap: 403 is its word for a dead token and for one that may not do this.
  @Test func `a dead token is answered 403, and so is a living one that may do little`() async throws {
    let narrow = try await server.makeToken(scope: "access:servers!user")
    let provider = try server.provider()
    let refusal = try await server.answer("/hub/api/users", as: narrow.value)
    #expect(refusal.status == 403)
    #expect(refusal.body["message"]?.string?.hasPrefix("Action is not authorized") == true)
    #expect(try await provider.verify(narrow.value, ref: nil) == CredentialProbe(.alive, code: "200"))
    let subject = try await provider.identify(Leak(narrow.value))
    #expect(subject.identity.rawValue == narrow.id)
    try await provider.disable(
      subject.identity, leak: Leak(narrow.value), replacedBy: nil, under: .forTests())
    let dead = try await provider.verify(narrow.value, ref: subject.identity)
    #expect(dead.state == .dead)
    #expect(dead.code == "403")
    #expect((dead.evidence?.controls ?? 0) > 0, "the runner's own token is accepted between the refusals")
  }

  /// The threat: a token may make others, which live on.
  @Test func `tokens that its holder made are named`() async throws {
    let leaked = try await server.makeToken()
    let provider = try server.provider()
    let made = try await server.answer("/hub/api/users/\(server.user)/tokens", as: leaked.value)
    #expect(made.status == 200, "it may list, and so make, tokens")
    let other = try await server.makeToken()
    try await provider.disable(
      CredentialRef(leaked.id), leak: Leak(leaked.value), replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(other.value, ref: nil).state == .alive)
    let found = try await provider.successors(CredentialRef(leaked.id), since: nil).found
    #expect(found.contains { $0.ref.rawValue == other.id && $0.what == "token of the same user" })
  }

  @Test func `an id that the hub does not have is no death while the value works`() async throws {
    let leaked = try await server.makeToken()
    let provider = try server.provider()
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(
        CredentialRef("a999999"), leak: Leak(leaked.value), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .notFound)
    #expect(error?.because.contains("the leaked value works") == true)
    let ready = await provider.readiness()
    #expect(ready.first?.what == "tokens of the user")
    if case .ready? = ready.first?.verdict {} else { Issue.record("\(ready)") }
  }
}

@Suite(.enabled(if: JupyterHubServer.isWanted, "\(JupyterHubServer.notice)"))
struct JupyterHubContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(JupyterHubFixture.self)
  }
}

private struct JupyterHubFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let server = try JupyterHubServer.shared()
    let token = try await server.makeToken()
    return Self(provider: try server.provider(), leak: Leak(token.value, handle: token.id))
  }
}

extension JupyterHubServer {
  fileprivate func provider() throws -> any CredentialProvider {
    try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "notebooks", kind: "jupyterhub",
        settings: [
          "base_url": .string(url), "username": .string(user), "scope": "inherit",
          "service_token": "env:RUNNER",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:RUNNER": runner]))
  }
}
