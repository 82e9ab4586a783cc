import Foundation
import JSON
import Synchronization

// ECS: one service, whose tasks read a secret and take a role when they start, and never again.
// Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/
extension SimulatedAWS {
  /// What a task took with it when it started.
  public struct Loaded: Sendable {
    /// The members of the secret.
    public let secret: [String: String]
    /// Of the role; nil: the key of the secret was refused.
    public let session: Session?
  }

  struct Task: Sendable {
    let arn: String
    let created: Date
    let starts: Date
    var loaded: Loaded?
    var started: Date?
    /// When a newer deployment ends it; nil: none has replaced it.
    var ends: Date?
  }

  struct Service: Sendable {
    let cluster: String
    let name: String
    let family: String
    let desired: Int
    let secret: String
    let role: String
    /// The member that holds the id of the key with which a task takes its role.
    let keyMember: String
    var tasks: [Task] = []
    var deployed: Date
    /// The deployment before, while it still has tasks.
    var former: Date?
  }

  /// How long a task takes to start, an old one to end, a deployment to be over.
  private static let start: TimeInterval = 1.5
  private static let end: TimeInterval = 2.5

  /// A service whose tasks run already.
  /// - Parameters:
  ///   - secret: its tasks read it.
  ///   - role: its tasks take it, with the key whose id is the secret's member `keyMember`.
  public func makeService(
    _ name: String, cluster: String, tasks: Int, secret: String, role: String, keyMember: String
  ) {
    let made = now().addingTimeInterval(-3600)
    state.withLock { state in
      var service = Service(
        cluster: cluster, name: name, family: name, desired: tasks, secret: secret, role: role,
        keyMember: keyMember, deployed: made)
      service.tasks = (0..<tasks).map { _ in task(of: service, made: made, starts: made) }
      state.service = service
      Self.advance(&state, now(), lingers)
    }
  }

  private func task(of service: Service, made: Date, starts: Date) -> Task {
    let id = UUID().uuidString.lowercased().replacing("-", with: "")
    return Task(
      arn: "\(place):task/\(service.cluster)/\(id)", created: made,
      starts: starts)
  }

  /// What the running tasks hold.
  public var tasks: [Loaded] {
    state.withLock { state in
      Self.advance(&state, now(), lingers)
      return (state.service?.tasks ?? []).compactMap(\.loaded)
    }
  }

  /// Lets time pass: tasks start and end.
  static func advance(_ state: inout State, _ now: Date, _ lingers: (String?) -> Bool) {
    guard var service = state.service else { return }
    for index in service.tasks.indices
    where service.tasks[index].loaded == nil && service.tasks[index].starts <= now {
      let secret = document(service.secret, state)
      let key = state.keys.first { $0.id == secret[service.keyMember] && $0.isActive }
      let session = key.map { key in
        draw(
          Caller(id: key.id, holder: .user(key.user), session: nil, region: "eu-central-1"),
          role: service.role, at: now, &state)
      }
      service.tasks[index].loaded = Loaded(secret: secret, session: session)
      service.tasks[index].started = now
    }
    let ended = service.tasks.filter { $0.ends.map { $0 <= now } ?? false }
    // One of them may take longer than its deployment.
    let kept = lingers(nil) ? ended.first?.arn : nil
    service.tasks.removeAll { task in (task.ends.map { $0 <= now } ?? false) && task.arn != kept }
    if !service.tasks.contains(where: { $0.ends.map { $0 > now } ?? false }) { service.former = nil }
    state.service = service
  }

  func containers(_ action: String, _ body: JSONValue, _ style: Style, _ state: inout State) -> SimulatedReply
  {
    guard var service = state.service,
      action == "DescribeTaskDefinition" || body["cluster"]?.string == service.cluster
    else {
      return style.refusal("ClusterNotFoundException", "Cluster not found.")
    }
    switch action {
    case "DescribeServices":
      guard body["services"]?.array == [.string(service.name)] else {
        return .json(200, ["services": [], "failures": [["reason": "MISSING"]]])
      }
      return .json(200, ["services": [described(service)], "failures": []])
    case "UpdateService":
      guard body["service"]?.string == service.name else {
        return style.refusal("ServiceNotFoundException", "Service not found.")
      }
      if body["forceNewDeployment"]?.boolean == true {
        let moment = now()
        for index in service.tasks.indices where service.tasks[index].ends == nil {
          service.tasks[index].ends = moment.addingTimeInterval(Self.end)
        }
        service.former = service.deployed
        service.deployed = moment
        service.tasks += (0..<service.desired).map { _ in
          task(of: service, made: moment, starts: moment.addingTimeInterval(Self.start))
        }
        state.service = service
      }
      return .json(200, ["service": described(service)])
    case "DescribeTaskDefinition": return .json(200, ["taskDefinition": definition(service, state)])
    case "ListTasks":
      let isMeant =
        body["serviceName"].map { $0.string == service.name }
        ?? body["family"].map { $0.string == service.family } ?? true
      return .json(
        200, ["taskArns": .array(isMeant ? service.tasks.map { .string($0.arn) } : [])])
    case "DescribeTasks":
      let wanted = Set((body["tasks"]?.array ?? []).compactMap(\.string))
      let shown = service.tasks.filter { wanted.contains($0.arn) }
      // Used up by the answer that shows it after its deployment was over.
      for task in shown where task.ends.map({ $0 <= now() }) ?? false {
        _ = lingers(String(task.arn.split(separator: "/").last ?? ""))
      }
      return .json(200, ["tasks": .array(shown.map { described($0, service) }), "failures": []])
    default: return style.refusal("InvalidAction", "Could not find operation \(action).")
    }
  }

  private func described(_ task: Task, _ service: Service) -> JSONValue {
    var told: [String: JSONValue] = [
      "taskArn": .string(task.arn), "lastStatus": task.loaded == nil ? "PENDING" : "RUNNING",
      "group": .string("service:\(service.name)"), "createdAt": .number(task.created.timeIntervalSince1970),
      "taskDefinitionArn": .string(definitionARN(service)),
    ]
    told["startedAt"] = task.started.map { .number($0.timeIntervalSince1970) }
    return .object(told)
  }

  private var place: String { "\(Self.partition):ecs:\(region):\(Self.account)" }

  private func definitionARN(_ service: Service) -> String { "\(place):task-definition/\(service.family):3" }

  /// Its one container is given every member of the secret.
  private func definition(_ service: Service, _ state: State) -> JSONValue {
    let members = Self.document(service.secret, state).keys.sorted()
    let secrets = members.map { member -> JSONValue in
      ["name": .string(member), "valueFrom": .string(valueFrom(service.secret, member))]
    }
    return [
      "family": .string(service.family), "taskDefinitionArn": .string(definitionARN(service)),
      "containerDefinitions": [["name": .string(service.name), "secrets": .array(secrets)]],
    ]
  }

  private func described(_ service: Service) -> JSONValue {
    func deployment(_ created: Date, _ status: String, _ running: Int, _ rollout: String) -> JSONValue {
      [
        "status": .string(status), "rolloutState": .string(rollout),
        "createdAt": .number(created.timeIntervalSince1970), "runningCount": .integer(running),
        "desiredCount": .integer(status == "PRIMARY" ? service.desired : 0),
      ]
    }
    let own = service.tasks.filter { $0.created >= service.deployed }
    let running = own.count { $0.loaded != nil }
    let isOver = service.former == nil && running == service.desired
    var deployments = [deployment(service.deployed, "PRIMARY", running, isOver ? "COMPLETED" : "IN_PROGRESS")]
    if let former = service.former {
      deployments.append(deployment(former, "ACTIVE", service.tasks.count - own.count, "COMPLETED"))
    }
    return [
      "serviceArn": .string("\(place):service/\(service.cluster)/\(service.name)"),
      "serviceName": .string(service.name), "status": "ACTIVE",
      "taskDefinition": .string(definitionARN(service)),
      "desiredCount": .integer(service.desired), "deploymentController": ["type": "ECS"],
      "deployments": .array(deployments),
    ]
  }
}
