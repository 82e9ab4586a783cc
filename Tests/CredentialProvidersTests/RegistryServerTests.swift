import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// On a real OCI registry: what `playbooks/providers/registry.yaml` says of it.
@Suite struct RegistryServerTests {
  @Test func `a password that a person changed in the file is dead at the next request`() async throws {
    let world = try await RegistryWorld()
    let provider = world.provider
    #expect(try await provider.verify(world.leaked, ref: nil) == CredentialProbe(.alive, code: "200"))
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(
        CredentialRef(world.user), leak: Leak(world.leaked), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(error?.fix?.contains("revoke the leaked one") == true)
    try await world.server.set(world.user, world.replacement)
    let probe = try await provider.verify(world.leaked, ref: nil)
    #expect(probe.state == .dead)
    #expect((probe.evidence?.controls ?? 0) > 0, "another user is accepted between the refusals")
    #expect(try await provider.verify(world.replacement, ref: nil).state == .alive)
  }

  /// The trap: it refuses right passwords, too, and sends their owner to the service.
  @Test func `a registry that wants tokens gives no verdict on a password`() async throws {
    let world = try await RegistryWorld(asksForTokens: true)
    #expect(try await world.provider.verify(world.leaked, ref: nil) == CredentialProbe(.unknown, code: "401"))
    #expect(try await world.provider.verify(Secret("another"), ref: nil).state == .unknown)
  }
}

@Suite struct RegistryServerContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(RegistryFixture.self)
  }
}

private struct RegistryFixture: ContractFixture {
  static let against = "a real server"
  let world: RegistryWorld
  var provider: any CredentialProvider { world.provider }
  var leak: Leak { Leak(world.leaked, handle: world.user) }

  static func make() async throws -> Self { Self(world: try await RegistryWorld()) }
  func handOver() async throws { try await world.server.set(world.user, world.replacement) }
}

/// A registry with two users.
private struct RegistryWorld {
  let server: RegistryLoginServer
  let user = "app"
  let leaked = Secret("leaked-" + UUID().uuidString)
  let replacement = Secret("new-" + UUID().uuidString)
  let provider: any CredentialProvider

  init(asksForTokens: Bool = false) async throws {
    let control = Secret("control-" + UUID().uuidString)
    server = try RegistryLoginServer(asksForTokens: asksForTokens)
    try await server.set(user, leaked)
    try await server.set("other", control)
    provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "images", kind: "registry",
        settings: [
          "base_url": .string(server.url), "username": .string(user), "control": "env:CONTROL",
          "control_user": "other", "replacement": "env:REPLACEMENT",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(), secrets: ["env:CONTROL": control, "env:REPLACEMENT": replacement]))
  }
}
