public import Capabilities
import JSON
import RESTClient
public import Secrets

/// A service of Amazon ECS: new tasks get the secrets of the moment when they start, running ones never do.
///
/// A roll-out is a new deployment of the task definition that the service has (`forceNewDeployment`). It is over when the
/// service has one deployment, it is `COMPLETED`, and no task that was made before it runs: also one outside of the service, of
/// the same family (`RunTask`, a schedule), which no deployment replaces. Each is named; which of them hold an old value is told by
/// ``TaskHoldings``.
///
/// What the holder of a leaked key may have prepared: another task definition in the service, whose tasks would get the new
/// secret. It stands in the plan, and a run stops when it is another one than was planned.
/// Tested on MiniStack, which ends a deployment at once; one that takes its time is written from the documentation.
/// Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ (UpdateService, DescribeServices, API_Deployment, ListTasks,
/// DescribeTasks)
public struct ECSService: Consumer {
  struct Settings: AdapterSettings {
    let aws: AWSClient.Settings
    let cluster: String
    let service: String

    init(from read: inout SettingsReader) throws(CapabilityError) {
      cluster = try read.text("cluster", default: "default", "the cluster's name")
      service = try read.text(
        "service",
        "the service's name; the runner needs ecs:UpdateService and DescribeServices on it, ListTasks, DescribeTasks and DescribeTaskDefinition"
      )
      try read.check(
        Self.isName(cluster) && Self.isName(service), "cluster or service is no name",
        fix: "write the names as ECS shows them, without ARN")
      aws = try AWSClient.Settings(from: &read)
    }

    private static func isName(_ text: String) -> Bool {
      (1...255).contains(text.utf8.count)
        && text.utf8.allSatisfy { byte in
          (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == 0x5F || byte == 0x2D
        }
    }
  }

  public static let kind = "ecs-service"
  public static let summary = "A service of Amazon ECS, whose tasks are replaced by a new deployment."
  public static let profile: AdapterProfile? = AdapterProfile(
    .emulator,
    privilege:
      "ecs:DescribeServices, UpdateService, ListTasks, DescribeTasks, DescribeTaskDefinition; to see what tasks "
      + "hold, secretsmanager:GetSecretValue and DescribeSecret or ssm:GetParameter on what they name",
    survives: "tasks of the same family outside of the service: they are named",
    can: [.older, .holdings])
  public static let settings = Settings.declarations

  private let settings: Settings
  private let client: AWSClient
  /// ListTasks gives a hundred at most.
  private static let mostPages = 50

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    client = AWSClient(settings.aws, in: environment)
  }

  private var name: String { "\(settings.cluster)/\(settings.service)" }

  private struct Deployment {
    let status: String
    let rollout: String?
    let created: Double
    let running: Int
    let desired: Int
  }

  private struct Service {
    let arn: String
    let definition: String
    let controller: String
    let desired: Int
    let deployments: [Deployment]
    var primary: Deployment? { deployments.first { $0.status == "PRIMARY" } }
    /// `arn:aws:ecs:…:task-definition/FAMILY:3`
    var family: String? {
      definition.split(separator: "/").last?.split(separator: ":").first.map { String($0) }
    }
  }

  /// Seconds since 1970, whole or not.
  static func seconds(_ json: JSONValue?) -> Double? {
    switch json {
    case .number(let number)?: number
    case .integer(let number)?: Double(number)
    default: nil
    }
  }

  private func service() async throws(CapabilityError) -> Service {
    let operation = "ecs:DescribeServices"
    let told = try await client.get(
      .ecs, "DescribeServices",
      ["cluster": .string(settings.cluster), "services": [.string(settings.service)]] as JSONValue)
    guard let service = told["services"]?.array?.first, service["status"]?.string == "ACTIVE" else {
      throw CapabilityError(
        .notFound, operation, because: "there is no active service \(name)",
        fix: "correct cluster, service and region in staunch.yaml")
    }
    guard let arn = service["serviceArn"]?.string, let definition = service["taskDefinition"]?.string,
      let desired = service["desiredCount"]?.integer, let list = service["deployments"]?.array
    else {
      throw CapabilityError(.invalid, operation, because: "the answer is no whole service")
    }
    var deployments: [Deployment] = []
    for one in list {
      guard let status = one["status"]?.string, let created = Self.seconds(one["createdAt"]),
        let running = one["runningCount"]?.integer, let desired = one["desiredCount"]?.integer
      else {
        throw CapabilityError(.invalid, operation, because: "the answer has a deployment without its state")
      }
      deployments.append(
        Deployment(
          status: status, rollout: one["rolloutState"]?.string, created: created, running: running,
          desired: desired))
    }
    return Service(
      arn: arn, definition: definition,
      controller: service["deploymentController"]?["type"]?.string ?? "ECS", desired: desired,
      deployments: deployments)
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let service = try await service()
      var found = [try Self.rolling(service, name)]
      found += await AWSRights(client: client).readiness(
        [
          .init(service.arn, "ecs:DescribeServices", "ecs:UpdateService"),
          .init("*", "ecs:ListTasks", "ecs:DescribeTasks", "ecs:DescribeTaskDefinition"),
        ], excess: ["ecs:RegisterTaskDefinition", "ecs:RunTask", "iam:PassRole"])
      return found
    } catch { return [Readiness("service", error)] }
  }

  /// - Throws: `.unsupported` where something else than ECS deploys.
  private static func rolling(_ service: Service, _ name: String) throws(CapabilityError) -> Readiness {
    guard service.controller == "ECS" else {
      throw CapabilityError(
        .unsupported, "ecs:UpdateService",
        because: "\(name) is deployed by \(service.controller), not by ECS",
        fix: "start its deployment there: make it a consumer of kind command")
    }
    return Readiness("service", .ready("\(service.definition), \(service.desired) wanted"))
  }

  public func plan() async throws(CapabilityError) -> PlannedEffect {
    let service = try await service()
    _ = try Self.rolling(service, name)
    return PlannedEffect(
      will: "replace every task of \(name) by a new deployment of \(service.definition)", target: name,
      preconditions: ["task_definition": .string(service.definition)], constants: ["task_definition"],
      reversible: true, affected: [name],
      cannotPredict: ["how long the tasks take to start, and whether they do"])
  }

  /// Starts a deployment. Repeating it starts another one, which does no harm.
  public func rollOut(marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let before = try await service()
    _ = try Self.rolling(before, name)
    do throws(CapabilityError) {
      try await client.change(
        .ecs, "UpdateService",
        [
          "cluster": .string(settings.cluster), "service": .string(settings.service),
          "forceNewDeployment": true,
        ] as JSONValue, under: authority)
    } catch {
      guard error.class == .unknownOutcome else { throw error }
      let now = try await service()
      guard let primary = now.primary, primary.created > before.primary?.created ?? 0 else { throw error }
    }
  }

  /// Healthy: one deployment, completed, and no older task runs.
  public func health() async throws(CapabilityError) -> ConsumerHealth {
    let service = try await service()
    guard let primary = service.primary else {
      return ConsumerHealth(.unknown, evidence: "\(name) names no primary deployment")
    }
    let old = try await tasks(of: service, before: primary.created)
    let named =
      old.isEmpty ? "" : "; made before the deployment and still running: \(old.joined(separator: ", "))"
    guard primary.rollout != "FAILED" else {
      return ConsumerHealth(.unhealthy, evidence: "the deployment of \(name) failed" + named)
    }
    let isOver =
      service.deployments.count == 1 && (primary.rollout ?? "COMPLETED") == "COMPLETED"
      && primary.running == primary.desired
    guard isOver else {
      return ConsumerHealth(
        .unknown,
        evidence: "\(primary.running) of \(primary.desired) tasks of the deployment run, "
          + "\(service.deployments.count - 1) older deployments are left" + named)
    }
    guard old.isEmpty else {
      return ConsumerHealth(.unhealthy, evidence: "the deployment is completed" + named)
    }
    return ConsumerHealth(
      .healthy, evidence: "\(primary.running) tasks of one completed deployment run, and no older one")
  }

  /// Tasks of the service, and of its family outside of it, that were made before `moment`: `TASK (outside of the service)`.
  private func tasks(of service: Service, before moment: Double) async throws(CapabilityError) -> [String] {
    var old: [String] = []
    for (id, task) in try await tasks(of: service) {
      guard let created = Self.seconds(task["createdAt"]) else {
        throw CapabilityError(
          .invalid, "ecs:DescribeTasks", because: "the answer has a task without its age")
      }
      if created < moment { old.append(id) }
    }
    return old.sorted()
  }

  /// Tasks that have not stopped, of the service and of its family outside of it.
  private func tasks(of service: Service) async throws(CapabilityError) -> [(id: String, task: JSONValue)] {
    var arns = try await list(["serviceName": .string(settings.service)])
    if let family = service.family {
      arns += try await list(["family": .string(family)]).filter { !arns.contains($0) }
    }
    var found: [(id: String, task: JSONValue)] = []
    for start in stride(from: 0, to: arns.count, by: 100) {
      let some = arns[start..<min(start + 100, arns.count)]
      let told = try await client.get(
        .ecs, "DescribeTasks",
        ["cluster": .string(settings.cluster), "tasks": .array(some.map { .string($0) })] as JSONValue)
      guard let tasks = told["tasks"]?.array else {
        throw CapabilityError(.invalid, "ecs:DescribeTasks", because: "the answer is no list of tasks")
      }
      for task in tasks where task["lastStatus"]?.string != "STOPPED" {
        guard let id = task["taskArn"]?.string?.split(separator: "/").last else {
          throw CapabilityError(
            .invalid, "ecs:DescribeTasks", because: "the answer has a task without its name")
        }
        let isOwn = task["group"]?.string == "service:\(settings.service)"
        found.append(("\(id)\(isOwn ? "" : " (outside of the service)")", task))
      }
    }
    return found
  }

  // MARK: who holds the value

  public func holdings(of secrets: [Secret]) async throws(CapabilityError) -> ConsumerHoldings {
    let tasks = try await tasks(of: try await service())
    guard !tasks.isEmpty else { return ConsumerHoldings(unread: ["no task of \(name) runs"]) }
    var holdings = TaskHoldings(client, held: HeldValues(secrets))
    for (id, task) in tasks { await holdings.look(at: task, id) }
    return holdings.found
  }

  private func list(_ filter: [String: JSONValue]) async throws(CapabilityError) -> [String] {
    var found: [String] = []
    var token: String?
    var pages = 0
    repeat {
      var body = filter
      body["cluster"] = .string(settings.cluster)
      body["nextToken"] = token.map { .string($0) }
      let page = try await client.get(.ecs, "ListTasks", .object(body))
      guard let arns = page["taskArns"]?.array, pages < Self.mostPages else {
        throw CapabilityError(.invalid, "ecs:ListTasks", because: "the list cannot be read to its end")
      }
      found += arns.compactMap(\.string)
      token = page["nextToken"]?.string
      pages += 1
    } while token != nil
    return found
  }
}
