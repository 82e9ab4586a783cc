import Foundation
import JSON
import Synchronization

// Secrets Manager: versions and their labels.
// Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/
extension SimulatedAWS {
  struct SecretVersion: Sendable {
    let id: String
    let text: String
    var labels: Set<String>
    let created: Date
  }

  private static let current = "AWSCURRENT"
  private static let previous = "AWSPREVIOUS"

  /// A secret that is there already.
  public func makeSecret(_ name: String, _ text: String) {
    let version = SecretVersion(
      id: UUID().uuidString.lowercased(), text: text, labels: [Self.current], created: now())
    state.withLock {
      $0.secrets[name] = [version]
      $0.changed[name] = version.created
    }
  }

  private func arn(_ name: String) -> String {
    "\(Self.partition):secretsmanager:\(region):\(Self.account):secret:\(name)-aBcDeF"
  }

  /// What a task definition says of a member of a secret.
  func valueFrom(_ name: String, _ member: String) -> String { "\(arn(name)):\(member)::" }

  /// The members of its current version; empty: there is none, or it is no JSON object of texts.
  public func secret(_ name: String) -> [String: String] {
    state.withLock { Self.document(name, $0) }
  }

  static func document(_ name: String, _ state: State) -> [String: String] {
    let text = state.secrets[name]?.first { $0.labels.contains(current) }?.text ?? ""
    let document = try? JSONValue(parsing: text)  // no JSON: it holds nothing that a program could read
    return (document?.object ?? [:]).compactMapValues(\.string)
  }

  func secrets(_ action: String, _ body: JSONValue, _ style: Style, _ state: inout State) -> SimulatedReply {
    // By its name, or by its ARN.
    let named = body["SecretId"]?.string ?? ""
    let known = state.secrets.keys.first { $0 == named || arn($0) == named }
    guard let name = known, var versions = state.secrets[name] else {
      return style.refusal(
        "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    }
    let whole = JSONValue.string(arn(name))
    func labels(_ version: SecretVersion) -> JSONValue { .array(version.labels.sorted().map { .string($0) }) }
    switch action {
    case "DescribeSecret":
      let labelled = versions.filter { !$0.labels.isEmpty }.map { ($0.id, labels($0)) }
      return .json(
        200,
        [
          "ARN": whole, "Name": .string(name),
          "VersionIdsToStages": .object(Dictionary(labelled) { _, last in last }),
          "LastChangedDate": .number(state.changed[name]?.timeIntervalSince1970 ?? 0),
        ])
    case "GetSecretValue":
      let label = body["VersionStage"]?.string
      let id = body["VersionId"]?.string
      guard
        let found = versions.first(where: { version in
          id.map { $0 == version.id } ?? version.labels.contains(label ?? Self.current)
        })
      else {
        return style.refusal(
          "ResourceNotFoundException", "Secrets Manager can't find the specified secret value.")
      }
      return .json(
        200,
        [
          "ARN": whole, "Name": .string(name), "VersionId": .string(found.id),
          "SecretString": .string(found.text), "VersionStages": labels(found),
          "CreatedDate": .number(found.created.timeIntervalSince1970),
        ])
    case "ListSecretVersionIds":
      let all = versions.map { version -> JSONValue in
        [
          "VersionId": .string(version.id), "VersionStages": labels(version),
          "CreatedDate": .number(version.created.timeIntervalSince1970),
        ]
      }
      return .json(200, ["ARN": whole, "Name": .string(name), "Versions": .array(all)])
    case "PutSecretValue":
      guard let id = body["ClientRequestToken"]?.string, let text = body["SecretString"]?.string else {
        return style.refusal("InvalidParameterException", "A value and its token are needed.")
      }
      guard !versions.contains(where: { $0.id == id }) else {
        return style.refusal("ResourceExistsException", "There is a version of this token already.")
      }
      let wanted = Set((body["VersionStages"]?.array ?? []).compactMap(\.string))
      for index in versions.indices { versions[index].labels.subtract(wanted) }
      versions.append(
        SecretVersion(
          id: id, text: text, labels: wanted.isEmpty ? [Self.current] : wanted, created: now()))
      state.secrets[name] = versions
      state.changed[name] = now()
      return .json(200, ["ARN": whole, "Name": .string(name), "VersionId": .string(id)])
    case "UpdateSecretVersionStage":
      guard let moved = Self.moved(versions, body) else {
        return style.refusal(
          "InvalidParameterException", "The label is not attached to the version that it is to leave.")
      }
      state.secrets[name] = moved
      state.changed[name] = now()
      return .json(200, ["ARN": whole, "Name": .string(name)])
    default: return style.refusal("InvalidAction", "Could not find operation \(action).")
    }
  }

  /// A label moved, or taken off; nil: it stands elsewhere. Whoever loses AWSCURRENT gets AWSPREVIOUS.
  private static func moved(_ versions: [SecretVersion], _ body: JSONValue) -> [SecretVersion]? {
    var versions = versions
    guard let label = body["VersionStage"]?.string else { return nil }
    let holder = versions.firstIndex { $0.labels.contains(label) }
    if let from = body["RemoveFromVersionId"]?.string {
      guard let holder, versions[holder].id == from else { return nil }
    } else if holder != nil, body["MoveToVersionId"] != nil {
      return nil
    }
    var target: Int?
    if let to = body["MoveToVersionId"]?.string {
      guard let index = versions.firstIndex(where: { $0.id == to }) else { return nil }
      target = index
    }
    if let holder {
      versions[holder].labels.remove(label)
      if label == current {
        for index in versions.indices { versions[index].labels.remove(previous) }
        versions[holder].labels.insert(previous)
      }
    }
    if let target { versions[target].labels.insert(label) }
    return versions
  }
}
