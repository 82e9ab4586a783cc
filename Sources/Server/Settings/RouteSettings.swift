import JSON

/// Who sends to a route, and how it proves it.
public enum RouteKind: String, Sendable, Hashable, CaseIterable {
  case github
  case githubPartner = "github-partner"
  case gitlab
  case gitlabRevocation = "gitlab-revocation"
  case gitguardian
  case awsSNS = "aws-sns"
  case standardWebhooks = "standard-webhooks"
  case cloudEvents = "cloudevents"
  case pagerduty, slack, alertmanager, report

  /// The members that mean something to it, besides `path` and `kind`.
  var members: [String] {
    switch self {
    case .github, .pagerduty, .slack: ["keys"]
    case .githubPartner: ["api"]
    case .gitlab: ["tokens", "signing_keys"]
    case .gitlabRevocation: ["tokens", "types"]
    case .gitguardian, .report: ["tokens"]
    case .awsSNS: ["topics"]
    case .standardWebhooks: ["signing_keys", "public_keys"]
    case .cloudEvents: ["tokens", "origins"]
    case .alertmanager: ["tokens", "credentials"]
    }
  }

  /// Of these members at least one must be given.
  var required: [String] {
    switch self {
    case .github, .pagerduty, .slack: ["keys"]
    case .githubPartner: []
    case .gitlab: ["tokens", "signing_keys"]
    case .gitlabRevocation, .gitguardian, .report, .cloudEvents: ["tokens"]
    case .awsSNS: ["topics"]
    case .standardWebhooks: ["signing_keys", "public_keys"]
    case .alertmanager: ["tokens", "credentials"]
    }
  }
}

/// One path and who may post to it.
public struct RouteSettings: Sendable, Hashable {
  /// Exact, for example `/hooks/github`. It holds no secret: paths are logged.
  public var path: String
  public var kind: RouteKind
  /// HMAC keys.
  public var keys: [SecretReference] = []
  /// Shared tokens.
  public var tokens: [SecretReference] = []
  /// `user:password` for Basic authentication.
  public var credentials: [SecretReference] = []
  /// Standard Webhooks secrets (`whsec_…`).
  public var signingKeys: [SecretReference] = []
  /// Standard Webhooks public keys (`whpk_…`).
  public var publicKeys: [String] = []
  /// The only SNS topics.
  public var topics: [String] = []
  /// Senders that may ask for deliveries (CloudEvents' handshake).
  public var origins: [String] = []
  /// Token types that GitLab may send for revocation.
  public var types: [String] = []
  /// GitHub's API, for the partner program's key list.
  public var api: String?

  /// Every secret that the route needs.
  var references: [SecretReference] { keys + tokens + credentials + signingKeys }

  public init(path: String, kind: RouteKind) {
    self.path = path
    self.kind = kind
  }

  init(_ value: JSONValue, at place: String) throws(SettingsError) {
    guard let word = value["kind"]?.string, let kind = RouteKind(rawValue: word) else {
      throw SettingsError(
        "\(place).kind", because: "no such kind of sender",
        fix: "one of: " + RouteKind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let reader = try SettingsReader(value, at: place, members: ["path", "kind"] + kind.members)
    guard let path = try reader.text("path"), path.hasPrefix("/"), path.count > 1, !path.hasSuffix("/"),
      path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3F && $0 != 0x23 && $0 != 0x25 })
    else {
      throw SettingsError("\(place).path", because: "it is no plain path", fix: "path: /hooks/github")
    }
    self.init(path: path, kind: kind)
    keys = try reader.references("keys")
    tokens = try reader.references("tokens")
    credentials = try reader.references("credentials")
    signingKeys = try reader.references("signing_keys")
    publicKeys = try reader.texts("public_keys")
    topics = try reader.texts("topics")
    origins = try reader.texts("origins")
    types = try reader.texts("types")
    api = try reader.text("api")
    guard kind.required.isEmpty || kind.required.contains(where: { (value[$0]?.array?.count ?? 0) > 0 })
    else {
      throw SettingsError(
        place, because: "a route of kind \(kind.rawValue) needs " + kind.required.joined(separator: " or "))
    }
  }
}
