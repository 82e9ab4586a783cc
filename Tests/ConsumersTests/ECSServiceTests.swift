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
  private func told(
    _ deployments: JSONValue, _ tasks: [JSONValue], _ more: [String: JSONValue] = [:]
  ) -> ToldTransport {
    let answers: [String: JSONValue] = [
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
    ]
    return ToldTransport(answers.merging(more) { _, new in new })
  }

  private func task(
    _ id: String, made: JSONValue, started: JSONValue? = nil, group: String = "service:model"
  ) -> JSONValue {
    [
      "taskArn": .string("arn:aws:ecs:us-east-1:1:task/c/\(id)"), "createdAt": made, "lastStatus": "RUNNING",
      "startedAt": started ?? .null, "group": .string(group),
      "taskDefinitionArn": "arn:aws:ecs:us-east-1:1:task-definition/model:7",
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

  // MARK: who holds the value

  private let leaked = "leaked-value-" + "4711-abcdef"

  /// A definition that has a member of a secret injected, as the documentation writes it.
  private func definition(_ from: String) -> JSONValue {
    [
      "taskDefinition": [
        "containerDefinitions": [
          ["name": "app", "secrets": [["name": "DB_PASSWORD", "valueFrom": .string(from)]]]
        ]
      ]
    ]
  }

  private let secretARN = "arn:aws:secretsmanager:us-east-1:1:secret:db-AbCdEf"

  private func holdings(
    from: String, _ answers: [String: JSONValue], _ tasks: [JSONValue]
  ) async throws -> ConsumerHoldings {
    let http = told(
      [deployment("PRIMARY", "COMPLETED", made: 1_796_040_000, running: 2)], tasks,
      answers.merging(["DescribeTaskDefinition": definition(from)]) { _, new in new })
    return try await consumer(over: http).holdings(of: [Secret(leaked)])
  }

  @Test func `a task that started before its secret was changed holds the old value, by revision`()
    async throws
  {
    let found = try await holdings(
      from: secretARN + ":password::",
      [
        "GetSecretValue": [
          "SecretString": #"{"user":"app","password":"another"}"#, "CreatedDate": 1_796_039_000,
        ],
        "DescribeSecret": ["LastChangedDate": .number(1_796_040_000.5)],
      ],
      [
        task("old", made: 1_795_000_000, started: 1_795_000_030),
        task("starting", made: 1_796_039_990, started: 1_796_040_020),
        task("new", made: 1_796_040_010, started: 1_796_040_040),
        task("batch", made: 1_795_000_000, started: 1_795_000_040, group: "family:model"),
      ])
    #expect(
      found.holding == [
        "task old (model:7: app: DB_PASSWORD, started before it was changed)",
        "task batch (outside of the service) (model:7: app: DB_PASSWORD, started before it was changed)",
      ])
    #expect(found.moved == ["task new (model:7)"])
    #expect(found.unread == ["task starting, app: DB_PASSWORD: the task was starting when it was changed"])
  }

  @Test func `a secret that still has the old value is held by every task, a version that is named for ever`()
    async throws
  {
    let still = try await holdings(
      from: secretARN, ["GetSecretValue": ["SecretString": .string(leaked), "CreatedDate": 1_795_000_000]],
      [task("new", made: 1_796_040_010)])
    #expect(still.holding == ["task new (model:7: app: DB_PASSWORD)"])
    let fixed = try await holdings(
      from: secretARN + ":::0a1b", ["GetSecretValue": ["SecretString": "another"]],
      [task("old", made: 1_795_000_000)])
    #expect(fixed == ConsumerHoldings(moved: ["task old (model:7)"]))
  }

  @Test func `a parameter is asked like a secret, and what may not be read is unknown with its right`()
    async throws
  {
    let found = try await holdings(
      from: "arn:aws:ssm:us-east-1:1:parameter/db",
      ["GetParameter": ["Parameter": ["Value": "another", "LastModifiedDate": 1_796_040_000]]],
      [task("old", made: 1_795_000_000, started: 1_795_000_030), task("new", made: 1_796_040_001)])
    #expect(found.holding.count == 1 && found.moved == ["task new (model:7)"])
    let refused = try await holdings(from: secretARN, [:], [task("new", made: 1_796_040_001)])
    #expect(refused.holding.isEmpty && refused.moved.isEmpty)
    #expect(refused.unread.first?.hasPrefix("task new, app: DB_PASSWORD: ") == true, "\(refused.unread)")
  }

  @Test func `on MiniStack: a value in a definition is held by the tasks of that revision alone`()
    async throws
  {
    try await call(
      "RegisterTaskDefinition",
      [
        "family": .string(family),
        "containerDefinitions": [
          [
            "name": "a", "image": "none", "memory": 16,
            "environment": [["name": "KEY", "value": .string(leaked)]],
          ]
        ],
      ])
    let consumer = try consumer()
    #expect(try await consumer.holdings(of: [Secret(leaked)]).moved.count == 2)
    try await call(
      "UpdateService",
      ["cluster": .string(cluster), "service": "model", "taskDefinition": .string(family + ":2")])
    try await consumer.rollOut(marker: "m", under: .forTests())
    let found = try await consumer.holdings(of: [Secret(leaked)])
    #expect(found.holding.count == 2 && found.moved.isEmpty, "\(found)")
    #expect(found.holding.allSatisfy { $0.hasSuffix("(\(family):2: a: KEY, written in it)") })
    #expect(!"\(found)".contains(leaked))
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
    #expect(missing.map(\.what) == ["ecs:UpdateService", "ecs:DescribeTasks", "ecs:DescribeTaskDefinition"])
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
