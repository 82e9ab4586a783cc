import Capabilities
import Consumers
import Foundation
import HTTP
import JSON
import Secrets
import TestSupport
import Testing

/// Exchanges written from the API reference, in a simulation without controllers: the test says what they do.
@Suite struct KubernetesWorkloadTests {
  private let cluster: KubernetesSimulation
  private let path = "/apis/apps/v1/namespaces/prod/deployments/api"
  private let pods = "/api/v1/namespaces/prod/pods"

  init() throws {
    cluster = try KubernetesSimulation()
    cluster.put(
      path,
      [
        "spec": [
          "replicas": 2, "selector": ["matchLabels": ["app": "api"]],
          "template": ["metadata": ["labels": ["app": "api"]], "spec": Self.environment("app")],
        ],
        "status": ["observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2],
      ])
  }

  /// A pod that reads a Secret by environment, a file, a subPath and for its image.
  private static func environment(_ secret: JSONValue) -> JSONValue {
    [
      "imagePullSecrets": [["name": "registry"]],
      "containers": [
        [
          "name": "main", "image": "api:1", "resources": ["limits": ["cpu": "1"]],
          "env": [
            ["name": "KEY", "valueFrom": ["secretKeyRef": ["name": secret, "key": "KEY"]]],
            ["name": "PLAIN", "value": "app"],
          ],
        ]
      ],
    ]
  }

  private static func mounted(_ secret: JSONValue, subPath: Bool = false) -> JSONValue {
    [
      "volumes": [["name": "v", "projected": ["sources": [["secret": ["name": secret]]]]]],
      "containers": [
        [
          "name": "main",
          "volumeMounts": [
            subPath ? ["name": "v", "mountPath": "/s", "subPath": "KEY"] : ["name": "v", "mountPath": "/s"]
          ],
        ]
      ],
    ]
  }

  private func consumer(_ more: [String: JSONValue] = [:]) throws -> any Consumer {
    let settings: [String: JSONValue] = [
      "server": .string(cluster.url), "token": "env:TOKEN", "namespace": "prod", "name": "api",
      "secret": "app",
    ]
    return try ConsumerRegistry.make(
      TargetConfiguration(
        name: "api", kind: KubernetesWorkload.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(), secrets: ["env:TOKEN": cluster.admin],
        now: { Date(timeIntervalSince1970: 1_796_000_000) }))
  }

  private var template: JSONValue? { cluster.object(path)?["spec"]?["template"] }

  /// - Parameter isNew: it has the template's annotations.
  private func pod(
    _ name: String, isNew: Bool, _ spec: JSONValue? = nil, app: String = "api",
    made: String = "2026-11-30T08:00:00Z",
    isEnding: Bool = false
  ) {
    var metadata: [String: JSONValue] = ["labels": ["app": .string(app)], "creationTimestamp": .string(made)]
    if isNew { metadata["annotations"] = template?["metadata"]?["annotations"] }
    if isEnding { metadata["deletionTimestamp"] = "2026-11-30T08:00:01Z" }
    cluster.put(
      "\(pods)/\(name)",
      [
        "metadata": .object(metadata), "spec": spec ?? Self.environment("app"),
        "status": ["phase": "Running"],
      ])
  }

  private func status(observed: Int, replicas: Int = 2, updated: Int, unavailable: Int = 0) {
    cluster.change(
      path,
      [
        "status": [
          "observedGeneration": .integer(observed), "replicas": .integer(replicas),
          "updatedReplicas": .integer(updated),
          "unavailableReplicas": unavailable == 0 ? .null : .integer(unavailable),
        ]
      ])
  }

  @Test func `a roll-out sets the annotations, and repeating it changes nothing`() async throws {
    let consumer = try consumer()
    #expect(try await consumer.plan().will == "replace the pods of deployment prod/api")
    try await consumer.rollOut(marker: "staunch-run-1", under: .forTests())
    #expect(
      template?["metadata"]?["annotations"] == [
        "kubectl.kubernetes.io/restartedAt": "2026-11-30T00:53:20Z", "staunch/rolled-out-by": "staunch-run-1",
      ])
    #expect(template?["spec"] == Self.environment("app"))
    let after = cluster.object(path)
    try await consumer.rollOut(marker: "staunch-run-1", under: .forTests())
    #expect(cluster.object(path) == after)
    #expect(after?["metadata"]?["generation"] == 2)
  }

  @Test func `it is healthy when every pod is new, available, and no old one is left`() async throws {
    let consumer = try consumer()
    pod("old-1", isNew: false)
    pod("old-2", isNew: false)
    try await consumer.rollOut(marker: "m", under: .forTests())
    // The controller has not looked yet: its numbers are of the former template.
    #expect(try await consumer.health().state == .unknown)
    status(observed: 2, replicas: 3, updated: 1, unavailable: 1)
    pod("new-1", isNew: true)
    let half = try await consumer.health()
    #expect(half.state == .unknown)
    #expect(half.evidence.contains("1 of 2 pods are new") && half.evidence.contains("old-1 (environment)"))
    pod("new-2", isNew: true)
    status(observed: 2, updated: 2)
    cluster.remove("\(pods)/old-1")
    pod("old-2", isNew: false, isEnding: true)
    let stale = try await consumer.health()
    #expect(stale.state == .unhealthy)
    #expect(stale.evidence.contains("old-2 (environment, ending)"))
    cluster.remove("\(pods)/old-2")
    let done = try await consumer.health()
    #expect(done.state == .healthy, "\(done.evidence)")
  }

  @Test
  func `pods of others that hold the old value are named: by environment and subPath, not a plain mount`()
    async throws
  {
    let consumer = try consumer()
    try await consumer.rollOut(marker: "m", under: .forTests())
    status(observed: 2, updated: 2)
    pod("new-1", isNew: true)
    pod("job", isNew: false, app: "other", made: "2026-11-30T07:00:00Z")
    pod("sub", isNew: false, Self.mounted("app", subPath: true), app: "other", made: "2026-11-30T07:00:00Z")
    pod("file", isNew: false, Self.mounted("app"), app: "other", made: "2026-11-30T07:00:00Z")
    pod("later", isNew: false, app: "other", made: "2026-11-30T09:00:00Z")
    pod("stranger", isNew: false, Self.environment("application"), app: "other", made: "2026-11-30T07:00:00Z")
    let health = try await consumer.health()
    #expect(health.state == .healthy)
    #expect(
      health.evidence.hasSuffix(
        "others that hold the old value: job (environment), sub (subPath mount, never refreshed)"),
      "\(health.evidence)")
  }

  @Test
  func `the template is made to read the newest generation of an immutable Secret, and nothing else changes`()
    async throws
  {
    try putGenerations()
    let consumer = try consumer()
    try await consumer.rollOut(marker: "m", under: .forTests())
    #expect(template?["spec"] == Self.environment("app-g2"))
    let after = cluster.object(path)
    try await consumer.rollOut(marker: "m", under: .forTests())
    #expect(cluster.object(path) == after)
  }

  /// An immutable Secret and its successor, which names it.
  private func putGenerations() throws {
    let secrets = "/api/v1/namespaces/prod/secrets/"
    cluster.put(secrets + "app", ["immutable": true])
    let uid = try #require(cluster.object(secrets + "app")?["metadata"]?["uid"])
    cluster.put(
      secrets + "app-g2",
      ["immutable": true, "metadata": ["annotations": ["staunch/succeeds": uid]]])
  }

  /// Who may create Secrets, and neither read them nor change workloads, puts one where a successor would be.
  @Test func `a Secret that somebody has put in a successor's place is not given to programs`() async throws {
    cluster.put("/api/v1/namespaces/prod/secrets/app", ["immutable": true])
    cluster.put(
      "/api/v1/namespaces/prod/secrets/app-g2",
      ["immutable": true, "metadata": ["annotations": ["staunch/succeeds": "guessed"]]])
    try await consumer().rollOut(marker: "m", under: .forTests())
    #expect(template?["spec"] == Self.environment("app"))
  }

  @Test func `a template that was set back to an older generation is unhealthy, whatever its pods are`()
    async throws
  {
    try putGenerations()
    let consumer = try consumer()
    try await consumer.rollOut(marker: "m", under: .forTests())
    cluster.change(path, ["spec": ["template": ["spec": Self.environment("app")]]])
    status(observed: 9, updated: 2)
    let health = try await consumer.health()
    #expect(health.state == .unhealthy && health.evidence.contains("Secret app-g2"), "\(health.evidence)")
  }

  @Test func `what somebody changes meanwhile is not overwritten`() async throws {
    cluster.interfere(path, ["spec": ["replicas": 5]])
    let consumer = try consumer()
    let error = await #expect(throws: CapabilityError.self) {
      try await consumer.rollOut(marker: "m", under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(template?["metadata"]?["annotations"] == nil)
    try await consumer.rollOut(marker: "m", under: .forTests())
    #expect(cluster.object(path)?["spec"]?["replicas"] == 5)
  }

  @Test(
    arguments: [["paused": true], ["updateStrategy": ["type": "OnDelete"]]] as [JSONValue])
  func `a workload whose pods would stay is not called rolled out`(_ spec: JSONValue) async throws {
    cluster.change(path, ["spec": spec])
    let consumer = try consumer()
    let error = await #expect(throws: CapabilityError.self) {
      try await consumer.rollOut(marker: "m", under: .forTests())
    }
    #expect(error?.class == .configuration)
    await #expect(throws: CapabilityError.self) { try await consumer.plan() }
  }

  @Test func `a deadline that the controller gave up at is unhealthy, a lost reply an unknown outcome`()
    async throws
  {
    let consumer = try consumer()
    cluster.loseNextReply()
    let error = await #expect(throws: CapabilityError.self) {
      try await consumer.rollOut(marker: "m", under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
    try await consumer.rollOut(marker: "m", under: .forTests())
    #expect(cluster.requests.filter { $0.method == "PATCH" }.count == 1)
    cluster.change(
      path,
      [
        "status": [
          "observedGeneration": 2,
          "conditions": [["type": "Progressing", "reason": "ProgressDeadlineExceeded"]],
        ]
      ])
    #expect(try await consumer.health().state == .unhealthy)
  }

  @Test func `doctor names a right that is missing`() async throws {
    cluster.deny("list pods")
    let missing = try await consumer().readiness().filter {
      if case .missing = $0.verdict { true } else { false }
    }
    #expect(missing.map(\.what) == ["list pods"])
  }
}

/// Exchanges written from External Secrets Operator's API reference; no operator runs.
@Suite struct ExternalSecretTests {
  private let cluster: KubernetesSimulation
  private let path = "/apis/external-secrets.io/v1/namespaces/prod/externalsecrets/app"

  init() throws {
    cluster = try KubernetesSimulation()
    cluster.put(
      path,
      [
        "spec": ["refreshInterval": "1h"],
        "status": [
          "refreshTime": "2026-11-30T08:00:00Z",
          "conditions": [["type": "Ready", "status": "True", "reason": "SecretSynced"]],
        ],
      ])
  }

  private func consumer() throws -> any Consumer {
    try ConsumerRegistry.make(
      TargetConfiguration(
        name: "sync", kind: ExternalSecret.kind,
        settings: ["server": .string(cluster.url), "token": "env:TOKEN", "namespace": "prod", "name": "app"],
        position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": cluster.admin]))
  }

  @Test func `it has fetched its value when its refreshTime is a newer one`() async throws {
    let consumer = try consumer()
    #expect(try await consumer.health().state == .unknown)
    try await consumer.rollOut(marker: "staunch-run-1", under: .forTests())
    #expect(cluster.object(path)?["metadata"]?["annotations"]?["force-sync"] == "staunch-run-1")
    // Ready, but from before.
    #expect(try await consumer.health().state == .unknown)
    try await consumer.rollOut(marker: "staunch-run-1", under: .forTests())
    #expect(cluster.requests.filter { $0.method == "PATCH" }.count == 1)
    cluster.change(path, ["status": ["refreshTime": "2026-11-30T08:30:00Z"]])
    let health = try await consumer.health()
    #expect(health.state == .healthy && health.evidence.contains("before that 2026-11-30T08:00:00Z"))
  }

  @Test func `a fetch that had begun before it was told does not count`() async throws {
    let consumer = try consumer()
    cluster.change(path, ["status": ["syncedResourceVersion": "1-aaaa"]])
    try await consumer.rollOut(marker: "staunch-run-1", under: .forTests())
    cluster.change(path, ["status": ["refreshTime": "2026-11-30T08:30:00Z"]])
    let health = try await consumer.health()
    #expect(health.state == .unknown && health.evidence.contains("had begun before"), "\(health.evidence)")
    cluster.change(
      path, ["status": ["refreshTime": "2026-11-30T08:30:01Z", "syncedResourceVersion": "1-bbbb"]])
    #expect(try await consumer.health().state == .healthy)
  }

  @Test func `one that cannot fetch is unhealthy, with the operator's word`() async throws {
    cluster.change(
      path, ["status": ["conditions": [["type": "Ready", "status": "False", "reason": "SecretSyncedError"]]]])
    let health = try await consumer().health()
    #expect(health.state == .unhealthy && health.evidence.hasSuffix("SecretSyncedError"))
  }

  @Test func `a refreshInterval of 0 is named, one that never fetches again is refused`() async throws {
    cluster.change(path, ["spec": ["refreshInterval": "0s"]])
    #expect(try await consumer().plan().cannotPredict.contains { $0.contains("refreshInterval is 0") })
    cluster.change(path, ["spec": ["refreshPolicy": "CreatedOnce"]])
    let error = await #expect(throws: CapabilityError.self) {
      try await consumer().rollOut(marker: "m", under: .forTests())
    }
    #expect(error?.class == .configuration)
  }
}
