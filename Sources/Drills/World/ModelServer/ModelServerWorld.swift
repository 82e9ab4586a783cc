import Foundation
import JSON
import Secrets
import Simulators

/// A model server (FastAPI in Kubernetes) whose registry token and key of S3 leaked from one manifest.
///
/// Its pods take both from a Secret when they start, and never again: the token for its image, the key for the models. An old
/// pod may take its time to end (`straggling_part`): it holds the old values until it is gone.
final class ModelServerWorld: SandboxWorld {
  private let files: SandboxFiles
  private let aws: SandboxAWS
  private let registry: SimulatedDockerHub
  private let registryServer: LoopbackServer
  private let cluster: SimulatedKubernetes
  private let clusterServer: LoopbackServer
  private let deployment: SimulatedDeployment
  private let parts: Stragglers
  private let token = DecoySecret.dockerHubToken()
  private let tokenID: String
  private let runnerToken = DecoySecret.dockerHubToken()
  private let unrelatedToken = DecoySecret.dockerHubToken()

  private static let namespace = "models"
  private static let name = "model-server"
  private static let secretPath = "/api/v1/namespaces/models/secrets/model-server"
  static let tokenKey = "DOCKERHUB_TOKEN"
  static let idKey = "AWS_ACCESS_KEY_ID"
  static let secretKey = "AWS_SECRET_ACCESS_KEY"

  init(_ files: SandboxFiles, _ faults: FaultBoard) throws(DrillError) {
    self.files = files
    let parts = Stragglers(faults)
    self.parts = parts
    aws = try SandboxAWS(
      user: Self.name, rights: ["s3:ListBucket", "sts:GetSessionToken"], role: nil, faults)
    let registry = SimulatedDockerHub(username: "acme", now: { faults.now })
    registry.makeToken("staunch", runnerToken)
    registry.makeToken("ci", unrelatedToken)
    tokenID = registry.makeToken(Self.name, token)
    self.registry = registry
    registryServer = try LoopbackServer { request in
      if faults.strikes(.rateLimit) { return .answer(429, headers: ["retry-after": "1"]) }
      if faults.strikes(.serverError) { return .answer(503) }
      let reply = registry.answer(request)
      let makes = request.method == "POST" && request.path == ["v2", "access-tokens"]
      return makes && faults.strikes(.lostReply) ? .hangUp : reply
    }
    let cluster = SimulatedKubernetes(now: { faults.now })
    let values = [
      Self.tokenKey: token, Self.idKey: aws.leakedID, Self.secretKey: aws.leakedSecret,
    ]
    cluster.put(
      Self.secretPath,
      [
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "data": .object(values.mapValues { .string(Data($0.utf8).base64EncodedString()) }),
      ])
    let deployment = SimulatedDeployment(
      Self.name, in: Self.namespace, of: cluster, secret: Self.name, keys: values.keys.sorted(), replicas: 2,
      start: 0, end: 0,
      now: { faults.now }, lingers: { parts.isDue })
    self.cluster = cluster
    self.deployment = deployment
    clusterServer = try LoopbackServer { request in
      deployment.pass()
      let reply = cluster.answer(request)
      if let straggler = deployment.straggler, Self.isEndOfPods(request, reply) { parts.show(straggler) }
      return reply
    }
  }

  /// The last page of the list of pods: whoever reads it has seen them all.
  private static func isEndOfPods(_ request: SimulatedRequest, _ reply: SimulatedReply) -> Bool {
    guard request.method == "GET", request.path.last == "pods", case .answer(200, _, let body) = reply else {
      return false
    }
    // The simulation's own answer is JSON.
    let list = try? JSONValue(parsing: body)
    return list?["metadata"]?["continue"] == ""
  }

  var leaks: [SandboxLeak] {
    let (registry, token) = (registry, token)
    return [
      SandboxLeak(
        kind: "dockerhub_token", value: token, handle: nil, isAccepted: { registry.accepts(token) },
        isSessionOpen: nil), aws.leak,
    ]
  }

  /// Another token of the account, and another user's key.
  var bystanders: (values: [String], areAccepted: @Sendable () async -> Bool) {
    let (registry, token, key) = (registry, unrelatedToken, aws.bystander)
    return (
      [token, key.value],
      {
        guard registry.accepts(token) else { return false }
        return await key.isAccepted()
      }
    )
  }

  var runnerSecrets: [String: String] {
    aws.runnerSecrets.merging([
      "registry": runnerToken, "kubernetes": cluster.admin.exposeAsText(),
    ]) { own, _ in own }
  }
  var publicKeys: [String: String] { aws.publicKeys }
  var issuedValues: [String] { registry.issued + aws.issuedValues }
  var publicParts: [String] { aws.publicParts }
  var stragglers: [String] { parts.names }
  var replacementKeys: Int { max(registry.issued.count, aws.replacementKeys) }
  var endpoints: [SandboxEndpoint] {
    [registryServer.endpoint, clusterServer.endpoint, aws.endpoint]
  }
  var notice: String? { "simulations play Docker Hub, Kubernetes and AWS" }

  var stored: [String: String] {
    (cluster.object(Self.secretPath)?["data"]?.object ?? [:]).compactMapValues { value in
      value.string.flatMap { Data(base64Encoded: $0) }.map { String(decoding: $0, as: UTF8.self) }
    }
  }

  /// Names of what does not work of the values that a program holds.
  private func refused(_ values: [String: String]) -> [String] {
    var refused: [String] = []
    if !registry.accepts(values[Self.tokenKey] ?? "") { refused.append(Self.tokenKey) }
    if !aws.account.accepts(values[Self.idKey] ?? "", values[Self.secretKey] ?? "") {
      refused.append(Self.secretKey)
    }
    return refused
  }

  func brokenReplacements() async -> [String] {
    let stored = stored
    var broken = Set(refused(stored))
    if stored[Self.tokenKey] == token { broken.insert(Self.tokenKey) }
    if stored[Self.secretKey] == aws.leakedSecret { broken.insert(Self.secretKey) }
    return broken.sorted()
  }

  func failingPrograms() async -> [String] {
    let pods = deployment.held
    guard !pods.isEmpty else { return ["no pod runs"] }
    return pods.sorted { $0.key < $1.key }.flatMap { pod, values in refused(values).map { "\(pod): \($0)" } }
  }

  func begin() { aws.account.begin() }

  func stop() async -> [String] {
    registryServer.stop()
    clusterServer.stop()
    aws.stop()
    return []
  }

  var entries: WorldEntries {
    let access = aws.access(files)
    let api = """
          server: \(clusterServer.endpoint.url)
          token: \(files.key("kubernetes"))
          namespace: \(Self.namespace)
      """
    return WorldEntries(
      credentials: """
          registry-token:
            kind: dockerhub
            base_url: \(registryServer.endpoint.url)
            username: \(registry.username)
            admin_token: \(files.key("registry"))
            scope: repo:read
            id: \(tokenID)
            propagation_seconds: 1
            store: server-secret
            key: \(Self.tokenKey)
            consumers: [model-server]
          models-key:
            kind: aws_iam
            user: \(aws.user)
        \(access)
            propagation_seconds: 2
            store: server-secret
            keys: {access_key_id: \(Self.idKey), secret_access_key: \(Self.secretKey)}
            consumers: [model-server]
        """,
      stores: """
          server-secret:
            kind: kubernetes-secret
            secret: \(Self.name)
        \(api)
        """,
      consumers: """
          model-server:
            kind: kubernetes-workload
            name: \(Self.name)
            secret: \(Self.name)
        \(api)
        """,
      routes: [
        ("dockerhub_token", "rotate-leaked-credential", "registry-token"),
        ("aws_access_key", "aws-access-key", "models-key"),
      ])
  }

  var contents: LeakyContents {
    .modelServer(token: token, id: aws.leakedID, secret: aws.leakedSecret)
  }
}
