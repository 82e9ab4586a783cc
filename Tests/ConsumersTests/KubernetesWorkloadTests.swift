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
        name: "api", kind: KubernetesWorkload.kind,
        settings: settings.merging(more) { _, new in new }.filter { $0.value != .null },
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

  // MARK: who holds the value

  private let leaked = "leaked-value-" + "4711-abcdef"

  /// The Secret as its last change left it.
  private func putSecret(
    _ value: String, _ name: String = "app", changed: String? = "2026-11-30T08:00:00Z",
    isImmutable: Bool = false
  ) {
    var metadata: [String: JSONValue] = [:]
    if let changed {
      metadata["managedFields"] = [
        ["manager": "staunch", "time": .string(changed), "fieldsV1": ["f:data": ["f:KEY": [:]]]],
        // Somebody has put a label on it since.
        [
          "manager": "kubectl", "time": "2026-11-30T09:30:00Z",
          "fieldsV1": ["f:metadata": ["f:labels": ["f:a": [:]]]],
        ],
      ]
    }
    cluster.put(
      "/api/v1/namespaces/prod/secrets/\(name)",
      [
        "metadata": .object(metadata), "immutable": .boolean(isImmutable),
        "data": ["KEY": .string(Data(value.utf8).base64EncodedString()), "OTHER": "eA=="],
      ])
  }

  private func holdings(_ more: [String: JSONValue] = [:]) async throws -> ConsumerHoldings {
    try await consumer(more).holdings(of: [Secret(leaked)])
  }

  @Test func `pods that were made before the Secret was changed hold the old value, and are named`()
    async throws
  {
    putSecret("another")
    pod("before", isNew: false, made: "2026-11-30T07:59:59Z")
    pod("after", isNew: false, made: "2026-11-30T08:00:01Z")
    pod("sub", isNew: false, Self.mounted("app", subPath: true), made: "2026-11-30T07:00:00Z")
    pod("stranger", isNew: false, app: "other", made: "2026-11-30T07:00:00Z")
    let found = try await holdings()
    #expect(
      found.holding == [
        "pod before (main: KEY, environment)", "pod sub (main: v, subPath mount, never refreshed)",
      ])
    #expect(found.moved == ["pod after"])
    #expect(found.unread.isEmpty, "\(found.unread)")
  }

  @Test func `a Secret that still has the old value is held by whatever reads that key`() async throws {
    putSecret("url://u:\(leaked)@h")
    pod("after", isNew: false, made: "2026-11-30T08:30:00Z")
    pod("file", isNew: false, Self.mounted("app"), made: "2026-11-30T08:30:00Z")
    pod("other", isNew: false, Self.environment("unrelated"), made: "2026-11-30T08:30:00Z")
    let found = try await holdings()
    #expect(
      found.holding == [
        "pod after (main: KEY, environment)", "pod file (main: v, mounted file, refreshed by the kubelet)",
      ])
    #expect(found.moved == ["pod other"])
    #expect(found.unread == ["what its pods read from Secret unrelated"])
  }

  /// Our own clock stands at 00:53 of that day.
  @Test func `a mounted file has moved when the kubelet has had its time`() async throws {
    putSecret("another", changed: "2026-11-30T00:30:00Z")
    pod("file", isNew: false, Self.mounted("app"), made: "2026-11-29T08:00:00Z")
    #expect(try await holdings() == ConsumerHoldings(moved: ["pod file"]))
    putSecret("another", changed: "2026-11-30T00:52:00Z")
    let found = try await holdings()
    #expect(found.holding.isEmpty && found.moved.isEmpty)
    #expect(found.unread.first?.contains("the kubelet may not have refreshed it yet") == true)
  }

  @Test func `a container that was restarted in place since has read the new value`() async throws {
    putSecret("another")
    for (name, started) in [("restarted", "2026-11-30T08:10:00Z"), ("near", "2026-11-30T08:00:30Z")] {
      pod(name, isNew: false, made: "2026-11-30T07:00:00Z")
      cluster.change(
        "\(pods)/\(name)",
        [
          "status": [
            "containerStatuses": [["name": "main", "state": ["running": ["startedAt": .string(started)]]]]
          ]
        ])
    }
    let found = try await holdings()
    #expect(found.moved == ["pod restarted"] && found.holding.isEmpty)
    // A node's clock may be half a minute away from the server's.
    #expect(found.unread == ["pod near, main: KEY: it started when Secret app was changed"])
  }

  @Test func `of an immutable Secret a pod holds what its generation has`() async throws {
    putSecret(leaked, isImmutable: true)
    putSecret("another", "app-g2", changed: nil, isImmutable: true)
    pod("old", isNew: false, made: "2026-11-30T08:30:00Z")
    pod("new", isNew: false, Self.environment("app-g2"), made: "2026-11-30T07:00:00Z")
    let found = try await holdings()
    #expect(found == ConsumerHoldings(holding: ["pod old (main: KEY, environment)"], moved: ["pod new"]))
  }

  @Test func `a value that is written in a pod's own spec is held, and never shown`() async throws {
    putSecret("another")
    var spec = try #require(Self.environment("app").object)
    spec["containers"] = [
      [
        "name": "main", "args": [.string("--key=\(leaked)")],
        "env": [["name": "TOKEN", "value": .string("Bearer \(leaked)")]],
      ]
    ]
    pod("literal", isNew: false, .object(spec), made: "2026-11-30T08:30:00Z")
    let found = try await holdings(["secret": .null])
    #expect(
      found.holding == [
        "pod literal (main: TOKEN, written in its template; main: args, written in its template)"
      ])
    #expect(!"\(found)".contains(leaked))
  }

  @Test func `what cannot be seen is unknown, with the reason, and never moved`() async throws {
    pod("one", isNew: false, made: "2026-11-30T07:00:00Z")
    let gone = try await holdings()
    #expect(
      gone.moved.isEmpty
        && gone.unread == ["pod one, main: KEY: Secret app is gone: what it held is not known"])
    putSecret("another", changed: nil)
    let untold = try await holdings()
    #expect(untold.moved.isEmpty && untold.unread.first?.contains("does not say when") == true)
    cluster.deny("get secrets")
    let refused = try await holdings()
    #expect(refused.moved.isEmpty && refused.holding.isEmpty && refused.unread.count == 1)
    cluster.remove("\(pods)/one")
    #expect(try await holdings().unread == ["no pod of deployment prod/api runs"])
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
