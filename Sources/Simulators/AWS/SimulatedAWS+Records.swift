import Foundation
import JSON
import Synchronization

// CloudTrail, and the control plane of Redshift.
extension SimulatedAWS {
  /// A management event.
  struct Event: Sendable {
    let name: String
    let at: Date
    let by: Caller
    let request: JSONValue
    let response: JSONValue
  }

  func note(
    _ name: String, _ caller: Caller, _ request: JSONValue, _ response: JSONValue, _ state: inout State
  ) {
    state.events.append(Event(name: name, at: now(), by: caller, request: request, response: response))
  }

  /// What was done with one key, in the region that is asked.
  /// Source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
  func trail(_ body: JSONValue, _ caller: Caller, _ style: Style, _ state: State) -> SimulatedReply {
    let attribute = body["LookupAttributes"]?.array?.first
    guard attribute?["AttributeKey"] == "AccessKeyId", let id = attribute?["AttributeValue"]?.string,
      let start = body["StartTime"]?.integer, let end = body["EndTime"]?.integer
    else { return style.refusal("InvalidLookupAttributesException", "It is no question.") }
    let delivered = now().addingTimeInterval(-Self.delivery)
    let events = state.events.filter { event in
      let seconds = event.at.timeIntervalSince1970
      return event.by.id == id && event.by.region == caller.region && event.at <= delivered
        && seconds >= Double(start) && seconds <= Double(end)
    }
    return .json(
      200, ["Events": .array(events.sorted { $0.at > $1.at }.map(Self.listed))])
  }

  private static func listed(_ event: Event) -> JSONValue {
    var identity: [String: JSONValue] = ["accessKeyId": .string(event.by.id)]
    switch event.by.holder {
    case .user(let name): identity["userName"] = .string(name)
    case .role(let name):
      identity["sessionContext"] = ["sessionIssuer": ["type": "Role", "userName": .string(name)]]
    }
    let record: JSONValue = [
      "eventName": .string(event.name), "eventTime": .string(text(event.at)),
      "sourceIPAddress": "203.0.113.9", "userIdentity": .object(identity),
      "requestParameters": event.request, "responseElements": event.response,
    ]
    return [
      "EventName": .string(event.name), "EventTime": .number(event.at.timeIntervalSince1970),
      "CloudTrailEvent": .string(record.canonicalText),
    ]
  }

  // MARK: Redshift

  /// A cluster whose admin password AWS sets.
  struct Cluster: Sendable {
    let name: String
    let user: String
    let port: Int
    /// Sets the password at the server. - Returns: false: it was not done.
    let set: @Sendable (String) async -> Bool
  }

  /// A cluster that is there already.
  /// - Parameter set: sets the password of `user` at the server; false: it could not.
  public func makeCluster(
    _ name: String, user: String, port: Int, set: @escaping @Sendable (String) async -> Bool
  ) {
    state.withLock { $0.cluster = Cluster(name: name, user: user, port: port, set: set) }
  }

  private static let strange = ("ClusterNotFound", "There is no cluster of this name.")

  func clusters(_ action: String, _ form: [String: String], _ style: Style, _ state: State) -> SimulatedReply
  {
    guard action == "DescribeClusters" else {
      return style.refusal("InvalidAction", "Could not find operation \(action).", status: 400)
    }
    guard let cluster = state.cluster, form["ClusterIdentifier"] == cluster.name else {
      return style.refusal(Self.strange.0, Self.strange.1, status: 404)
    }
    return Self.result(action, "<Clusters>\(Self.described(cluster))</Clusters>")
  }

  private static func described(_ cluster: Cluster) -> String {
    "<Cluster>" + tag("ClusterIdentifier", cluster.name) + tag("MasterUsername", cluster.user)
      + tag("ClusterStatus", "available") + "<PendingModifiedValues/>" + "<Endpoint>"
      + tag("Address", "127.0.0.1") + tag("Port", "\(cluster.port)") + "</Endpoint>"
      + tag("ClusterNamespaceArn", "\(partition):redshift:eu-central-1:\(account):namespace:\(cluster.name)")
      + "</Cluster>"
  }

  /// - Returns: the answer, and the password that is to be set before it is given.
  func modifyCluster(_ form: [String: String], _ style: Style, _ state: State) -> (
    reply: SimulatedReply, password: String?
  ) {
    guard let cluster = state.cluster, form["ClusterIdentifier"] == cluster.name else {
      return (style.refusal(Self.strange.0, Self.strange.1, status: 404), nil)
    }
    guard let password = form["MasterUserPassword"], (8...64).contains(password.count) else {
      return (style.refusal("InvalidParameterValue", "The password is none.", status: 400), nil)
    }
    return (Self.result("ModifyCluster", Self.described(cluster)), password)
  }
}
