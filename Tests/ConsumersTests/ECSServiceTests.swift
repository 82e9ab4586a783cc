import Capabilities
import Consumers
import Foundation
import HTTP
import JSON
import RESTClient
import Secrets
import TestSupport
import Testing

/// On MiniStack, over libcurl, each test with a cluster of its own. Deployments that take their time are written from
/// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html.
@Suite struct ECSServiceTests {
  private let server: MiniStackServer
  private let cluster = MiniStackServer.name("cluster")
  private let family = MiniStackServer.name("model")

  init() async throws {
    server = try MiniStackServer.shared()
    try await call("CreateCluster", ["clusterName": .string(cluster)])
    try await call(
      "RegisterTaskDefinition",
      ["family": .string(family), "containerDefinitions": [["name": "a", "image": "none", "memory": 16]]])
    try await call(
      "CreateService",
      [
        "cluster": .string(cluster), "serviceName": "model", "taskDefinition": .string(family),
        "desiredCount": 2,
      ])
  }

  @discardableResult
  private func call(_ action: String, _ body: JSONValue) async throws -> JSONValue {
    try await server.call("ecs", "AmazonEC2ContainerServiceV20141113.\(action)", body)
  }

  private func consumer(
    _ more: [String: JSONValue] = [:], as keys: AWSKeys? = nil, over http: any HTTPTransport = CurlTransport()
  ) throws -> any Consumer {
    let keys = keys ?? server.root
    let settings: [String: JSONValue] = [
      "base_url": .string(server.url), "region": "us-east-1", "access_key_id": "env:ID",
      "secret_access_key": "env:SECRET", "cluster": .string(cluster), "service": "model",
    ]
    return try ConsumerRegistry.make(
      TargetConfiguration(
        name: "model", kind: ECSService.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: http, secrets: ["env:ID": Secret(keys.accessKeyID), "env:SECRET": keys.secretAccessKey]))
  }

  private func tasks() async throws -> Set<String> {
    let told = try await call("ListTasks", ["cluster": .string(cluster), "serviceName": "model"])
    return Set(told["taskArns"]?.array?.compactMap(\.string) ?? [])
  }

  @Test func `every task is another one afterwards`() async throws {
    let before = try await tasks()
    let consumer = try consumer()
    let plan = try await consumer.plan()
    #expect(plan.preconditions["task_definition"]?.string?.contains("\(family):1") == true)
    try await consumer.rollOut(marker: "m", under: .forTests())
    #expect(try await tasks().isDisjoint(with: before))
    #expect(try await tasks().count == 2)
    #expect(try await consumer.health().state == .healthy)
  }

  @Test func `another task definition than was planned is drift`() async throws {
    let consumer = try consumer()
    let planned = try await consumer.plan().preconditions
    try await call(
      "RegisterTaskDefinition",
      ["family": .string(family), "containerDefinitions": [["name": "a", "image": "theirs", "memory": 16]]])
    try await call(
      "UpdateService",
      ["cluster": .string(cluster), "service": "model", "taskDefinition": .string(family + ":2")])
    let now = try await consumer.plan()
    #expect(now.preconditions != planned)
    #expect(now.constants == ["task_definition"])
  }

  /// One deployment with its tasks, as the documentation writes them.
  private func told(_ deployments: JSONValue, _ tasks: [JSONValue]) -> ToldTransport {
    ToldTransport([
      "DescribeServices": [
        "services": [
          [
            "status": "ACTIVE", "serviceArn": "arn:aws:ecs:us-east-1:1:service/c/model",
            "taskDefinition": "arn:aws:ecs:us-east-1:1:task-definition/model:7", "desiredCount": 2,
            "deployments": deployments,
          ]
        ]
      ],
      "ListTasks": ["taskArns": .array(tasks.compactMap { $0["taskArn"] })],
      "DescribeTasks": ["tasks": .array(tasks)],
    ])
  }

  private func task(_ id: String, made: JSONValue, group: String = "service:model") -> JSONValue {
    [
      "taskArn": .string("arn:aws:ecs:us-east-1:1:task/c/\(id)"), "createdAt": made, "lastStatus": "RUNNING",
      "group": .string(group),
    ]
  }

  private func deployment(
    _ status: String, _ rollout: String, made: JSONValue, running: Int, desired: Int = 2
  ) -> JSONValue {
    [
      "status": .string(status), "rolloutState": .string(rollout), "createdAt": made,
      "runningCount": .integer(running), "desiredCount": .integer(desired),
    ]
  }

  @Test func `while the deployment goes on nothing is said of its health, and an older task is named`()
    async throws
  {
    let http = told(
      [
        deployment("PRIMARY", "IN_PROGRESS", made: 1_796_040_000, running: 1),
        deployment("ACTIVE", "COMPLETED", made: 1_795_000_000, running: 1, desired: 0),
      ], [task("new1", made: 1_796_040_010), task("old1", made: 1_795_000_005)])
    let health = try await consumer(over: http).health()
    #expect(health.state == .unknown)
    #expect(health.evidence.hasSuffix("made before the deployment and still running: old1"))
  }

  @Test func `a task outside of the service, which no deployment replaces, is named`() async throws {
    let http = told(
      [deployment("PRIMARY", "COMPLETED", made: 1_796_040_000, running: 2)],
      [
        task("new1", made: 1_796_040_010), task("new2", made: 1_796_040_011),
        task("batch", made: 1_795_000_005, group: "family:model"),
      ])
    let health = try await consumer(over: http).health()
    #expect(health.state == .unhealthy)
    #expect(health.evidence.contains("batch (outside of the service)"))
  }

  @Test func `a deployment that failed is no healthy one`() async throws {
    let http = told([deployment("PRIMARY", "FAILED", made: 1_796_040_000, running: 0)], [])
    #expect(try await consumer(over: http).health().state == .unhealthy)
  }

  @Test func `a service that is not there is said before anything is sent`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await consumer(["service": "other"]).rollOut(marker: "m", under: .forTests())
    }
    #expect(error?.class == .notFound)
  }

  @Test func `each right is asked for`() async throws {
    let runner = try await server.makeUser(
      MiniStackServer.name("runner"),
      policy: """
        {"Version":"2012-10-17","Statement":[
          {"Effect":"Allow","Action":["ecs:DescribeServices","ecs:ListTasks"],"Resource":"*"},
          {"Effect":"Allow","Action":"iam:SimulatePrincipalPolicy","Resource":"*"}]}
        """)
    let missing = try await consumer(as: runner).readiness().filter {
      if case .missing = $0.verdict { true } else { false }
    }
    #expect(missing.map(\.what) == ["ecs:UpdateService", "ecs:DescribeTasks"])
  }
}

/// Answers each call by its name.
private struct ToldTransport: HTTPTransport {
  let answers: [String: JSONValue]
  init(_ answers: [String: JSONValue]) { self.answers = answers }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    for header in request.request.headers where header.name == "X-Amz-Target" {
      guard case .text(let target) = header.value, let action = target.split(separator: ".").last,
        let answer = answers[String(action)]
      else { continue }
      return HTTPResponse(status: 200, headers: [:], body: Data(answer.canonicalBytes))
    }
    throw CapabilityError(.invalid, "test", because: "nothing is told for this call")
  }
  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  { throw CapabilityError(.invalid, "test", because: "nothing is changed here") }
}
