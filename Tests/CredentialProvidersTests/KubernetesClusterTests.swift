import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// On a real API server (`make test-heavy`), with a runner that has just the documented rights.
@Suite(.enabled(if: KubernetesServer.isWanted, "\(KubernetesServer.notice)"))
struct KubernetesServiceAccountClusterTests {
  @Test func `tokens of a Secret and of a pod die with them, and the new one lives`() async throws {
    let server = try await KubernetesServer()
    let namespace = try await server.makeNamespace([
      ["apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]],
      [
        "apiGroups": [""], "resources": ["serviceaccounts", "serviceaccounts/token", "secrets", "pods"],
        "verbs": ["get", "list", "create", "delete"],
      ],
    ])
    let core = "/api/v1/namespaces/\(namespace)"
    try await server.call("POST", core + "/serviceaccounts", ["metadata": ["name": "deployer"]])
    let pod = try await server.call(
      "POST", core + "/pods",
      [
        "metadata": ["name": "api-1"],
        "spec": ["serviceAccountName": "deployer", "containers": [["name": "main", "image": "none"]]],
      ])
    let answer = try await server.call(
      "POST", core + "/serviceaccounts/deployer/token",
      [
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": [
          "audiences": [],
          "boundObjectRef": [
            "kind": "Pod", "apiVersion": "v1", "name": "api-1", "uid": pod["metadata"]?["uid"] ?? .null,
          ],
        ],
      ])
    let leaked = Secret(try #require(answer["status"]?["token"]?.string))
    let provider = try KubernetesServiceAccountToken(
      TargetConfiguration(
        name: "sa", kind: KubernetesServiceAccountToken.kind,
        settings: [
          "server": .string(server.url), "tls_ca": .string(server.authority), "token": "env:TOKEN",
          "namespace": .string(namespace), "service_account": "deployer",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": server.rotator]))
    let subject = try await provider.identify(Leak(leaked))
    let issued = try await provider.issue(IssueOrder(marker: "run-1"), under: .forTests())
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
    try await provider.disable(
      subject.identity, leak: Leak(leaked), replacedBy: issued.ref, under: .forTests())
    // The server remembers a yes for ten seconds.
    let end = Date(timeIntervalSinceNow: 60)
    var state = try await provider.verify(leaked, ref: nil).state
    while state != .dead, Date() < end { state = try await provider.verify(leaked, ref: nil).state }
    #expect(state == .dead)
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
    #expect(try await provider.issued(marker: "run-1", before: []) == [issued.ref])
    let missing = await provider.readiness().filter { if case .missing = $0.verdict { true } else { false } }
    #expect(missing.map(\.what) == ["list rolebindings", "list certificatesigningrequests"])
  }
}
