import Capabilities
import Consumers
import Foundation
import HTTP
import JSON
import Secrets
import TestSupport
import Testing

/// On a real API server with the real Deployment controller (`make test-heavy`); there is no kubelet, so the test says when a
/// pod is ready.
@Suite(.enabled(if: KubernetesServer.isWanted, "\(KubernetesServer.notice)"))
struct KubernetesWorkloadClusterTests {
  @Test func `a roll-out is healthy when the controller has replaced every pod, and not before`() async throws
  {
    let server = try await KubernetesServer()
    let namespace = try await server.makeNamespace([
      ["apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]],
      ["apiGroups": [""], "resources": ["pods"], "verbs": ["list"]],
      ["apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]],
    ])
    let core = "/api/v1/namespaces/\(namespace)"
    let first = try await server.call(
      "POST", core + "/secrets", ["metadata": ["name": "app"], "data": ["KEY": "eA=="], "immutable": true])
    try await server.call(
      "POST", "/apis/apps/v1/namespaces/\(namespace)/deployments",
      [
        "metadata": ["name": "api"],
        "spec": [
          "replicas": 2, "selector": ["matchLabels": ["app": "api"]],
          "template": [
            "metadata": ["labels": ["app": "api"]],
            "spec": [
              "containers": [["name": "main", "image": "none", "envFrom": [["secretRef": ["name": "app"]]]]]
            ],
          ],
        ],
      ])
    let consumer = try KubernetesWorkload(
      TargetConfiguration(
        name: "api", kind: KubernetesWorkload.kind,
        settings: [
          "server": .string(server.url), "tls_ca": .string(server.authority), "token": "env:TOKEN",
          "namespace": .string(namespace), "name": "api", "secret": "app",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": server.rotator]))
    #expect(try await settle(consumer, server, core).state == .healthy)
    // When a Secret was changed is read out of this.
    #expect(first["metadata"]?["managedFields"]?[0]?["fieldsV1"]?["f:data"] != nil)
    #expect(first["metadata"]?["managedFields"]?[0]?["time"]?.string?.hasSuffix("Z") == true)
    #expect(try await consumer.holdings(of: [Secret("x")]).holding.count == 2)
    let uid = try #require(first["metadata"]?["uid"])
    try await server.call(
      "POST", core + "/secrets",
      [
        "metadata": ["name": "app-g2", "annotations": ["staunch/succeeds": uid]], "data": ["KEY": "eQ=="],
        "immutable": true,
      ])
    try await consumer.rollOut(marker: "run-1", under: .forTests())
    #expect(try await consumer.health().state == .unknown)
    let health = try await settle(consumer, server, core)
    #expect(health.state == .healthy, "\(health.evidence)")
    let holdings = try await consumer.holdings(of: [Secret("x")])
    #expect(holdings.moved.count == 2 && holdings.holding.isEmpty, "\(holdings)")
    for pod in try await server.call("GET", core + "/pods")["items"]?.array ?? [] {
      #expect(pod["spec"]?["containers"]?[0]?["envFrom"]?[0]?["secretRef"]?["name"] == "app-g2")
    }
  }

  /// Makes each pod ready as a kubelet would, until the consumer is healthy or a minute is over.
  private func settle(_ consumer: KubernetesWorkload, _ server: KubernetesServer, _ core: String) async throws
    -> ConsumerHealth
  {
    let end = Date(timeIntervalSinceNow: 60)
    var health = try await consumer.health()
    while health.state != .healthy, Date() < end {
      for pod in try await server.call("GET", core + "/pods")["items"]?.array ?? [] {
        guard pod["status"]?["phase"]?.string != "Running", let name = pod["metadata"]?["name"]?.string else {
          continue
        }
        try await server.call(
          "PATCH", "\(core)/pods/\(name)/status",
          ["status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]],
          type: "application/merge-patch+json")
      }
      health = try await consumer.health()
    }
    return health
  }
}
