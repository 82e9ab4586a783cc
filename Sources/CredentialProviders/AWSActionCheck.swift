import Capabilities
import JSON
import RESTClient
import Secrets

/// An action by which a session shows whether it still may do anything. It only reads, and its answer is not looked at.
///
/// `GetCallerIdentity` answers also where everything is denied, so only an action that the session really had shows its end.
struct AWSActionCheck: Sendable {
  /// Without a resource, or with one: a secret, a parameter, `BUCKET` or `BUCKET/PREFIX`.
  static let all = [
    "secretsmanager:ListSecrets", "secretsmanager:DescribeSecret", "ssm:DescribeParameters",
    "ssm:GetParameter", "ecs:ListClusters", "s3:ListBucket",
  ]

  let action: String
  let resource: String?

  /// Nil for what cannot be tried.
  init?(_ action: String, _ resource: String?) {
    guard Self.all.contains(action) else { return nil }
    let isOnOneThing = !["secretsmanager:ListSecrets", "ssm:DescribeParameters", "ecs:ListClusters"].contains(
      action)
    guard isOnOneThing == (resource?.isEmpty == false) else { return nil }
    self.action = action
    self.resource = resource
  }

  /// True also where none is wanted.
  static func isTriable(_ action: String?, _ resource: String?) -> Bool {
    guard let action else { return true }
    return AWSActionCheck(action, resource) != nil
  }

  private var bucket: (name: String, prefix: String) {
    let parts = (resource ?? "").split(separator: "/", maxSplits: 1).map { String($0) }
    return (parts.first ?? "", parts.dropFirst().first ?? "")
  }

  private var service: AWSClient.Service {
    switch action.prefix(while: { $0 != ":" }) {
    case "secretsmanager": .secretsManager
    case "ssm": .ssm
    case "ecs": .ecs
    default: .s3
    }
  }

  /// Where it is asked.
  func base(over client: AWSClient) -> String { client.place(of: service).url }

  func request(as keys: AWSKeys, over client: AWSClient) -> SafeRequest {
    let name = JSONValue.string(resource ?? "")
    let body: JSONValue
    switch action {
    case "s3:ListBucket": return client.bucketQuestion(bucket.name, prefix: bucket.prefix, as: keys)
    case "secretsmanager:DescribeSecret": body = ["SecretId": name]
    // Not decrypted: whether it may be read is all that is asked.
    case "ssm:GetParameter": body = ["Name": name]
    case "ecs:ListClusters": body = ["maxResults": 1]
    default: body = ["MaxResults": 1]
    }
    return client.question(service, String(action.drop { $0 != ":" }.dropFirst()), body, as: keys)
  }

  /// As a policy names it.
  func arn(_ client: AWSClient, account: String) -> String {
    guard let resource else { return "*" }
    if resource.hasPrefix("arn:") { return resource }
    let place = "arn:\(client.partition):\(service.name):\(client.settings.region):\(account):"
    switch service.name {
    case "s3": return "arn:\(client.partition):s3:::\(bucket.name)"
    case "ssm": return place + "parameter/" + resource.drop { $0 == "/" }
    default: return place + "secret:\(resource)-??????"
    }
  }
}
