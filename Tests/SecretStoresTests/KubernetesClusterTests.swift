import Capabilities
import Foundation
import HTTP
import JSON
import SecretStores
import Secrets
import TestSupport
import Testing

/// On a real API server (`make test-heavy`), with a runner that has just the documented rights.
@Suite(.enabled(if: KubernetesServer.isWanted, "\(KubernetesServer.notice)"))
struct KubernetesSecretClusterTests {
  @Test func `what the simulation says of versions and immutable Secrets is so`() async throws {
    let server = try await KubernetesServer()
    let namespace = try await server.makeNamespace([
      ["apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch", "create", "delete"]]
    ])
    let path = "/api/v1/namespaces/\(namespace)/secrets"
    let store = try KubernetesSecret(
      TargetConfiguration(
        name: "cluster", kind: KubernetesSecret.kind,
        settings: [
          "server": .string(server.url), "tls_ca": .string(server.authority), "token": "env:TOKEN",
          "namespace": .string(namespace), "secret": "app",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(
        http: Interloper(server) {
          try await server.call(
            "PATCH", path + "/app", ["data": ["OTHER": "dGhlaXJz"]], type: "application/merge-patch+json")
        }, secrets: ["env:TOKEN": server.rotator]))
    let (old, new) = (Secret("leaked-value-0123456789"), Secret("fresh-value-9876543210"))
    func put(_ secret: Secret) async throws -> String {
      try await store.put("KEY", secret, replacing: [old], sparing: [], marker: "m", under: .forTests())
    }
    _ = try await put(old)
    // The first change meets the interloper.
    let error = await #expect(throws: CapabilityError.self) { try await put(new) }
    #expect(error?.class == .conflict)
    let version = try await put(new)
    #expect(try await store.currentVersion("KEY") == version)
    #expect(try await store.read("OTHER").exposeAsText() == "theirs")
    try await server.call("PATCH", path + "/app", ["immutable": true], type: "application/merge-patch+json")
    #expect(try await put(old).hasPrefix("app-g2@"))
    #expect(try await store.versions(of: "KEY").count == 2)
    #expect(await store.readiness().allSatisfy { if case .ready = $0.verdict { true } else { false } })
  }
}

/// Somebody who writes once between our reading and our writing.
private final class Interloper: HTTPTransport {
  private let real = CurlTransport()
  private let act: @Sendable () async throws -> Void
  private let isDone = Once()

  private actor Once {
    private var done = false
    func first() -> Bool {
      defer { done = true }
      return !done
    }
  }

  init(_ server: KubernetesServer, _ act: @escaping @Sendable () async throws -> Void) { self.act = act }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    try await real.fetch(request)
  }

  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    if request.method == .patch, await isDone.first() {
      do { try await act() } catch {
        throw CapabilityError(.network, "test", because: "the interloper failed: \(error)")
      }
    }
    return try await real.send(request, under: authority)
  }
}
