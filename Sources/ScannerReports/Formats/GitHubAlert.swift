import Foundation
import Incidents
import JSON

/// GitHub secret scanning: webhook bodies (`secret_scanning_alert`, `secret_scanning_alert_location`; JSON or form) and
/// alerts of the REST API, alone or as a list.
///
/// Every member of an alert is optional in GitHub's schema. A webhook never holds the secret: the incident is provisional
/// until the alert is fetched. Addresses in the payload are shown, never followed.
/// Source: docs.github.com, webhook events and payloads; REST secret scanning.
enum GitHubAlert: ReportFormat {
  static let name = "github"
  static let summary = "GitHub secret_scanning_alert webhook body, or alerts of the REST API"

  static func recognizes(_ opening: ReportOpening) -> Bool {
    if opening.firstLine.hasPrefix("payload=%7B") { return true }
    let paths = opening.paths
    return (paths.contains("alert") && (paths.contains("action") || paths.contains("repository")))
      || opening.members.isSuperset(of: ["secret_type", "number"])
  }

  static func reader(_ context: ReportContext) -> any ReportReader {
    WholeBodyReader(context: context) { body throws(RecordProblem) in
      try items(body, context)
    }
  }

  private static func items(_ body: JSONValue, _ context: ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    let fields = try RecordFields(body, "")
    if let alert = try fields.object("alert") {
      return [.finding(try finding(alert, event: fields, context))]
    }
    return [.finding(try finding(fields, event: nil, context))]
  }

  private static func finding(_ alert: RecordFields, event: RecordFields?, _ context: ReportContext)
    throws(RecordProblem) -> Finding
  {
    guard let number = try alert.integer("number") else { throw RecordProblem("alert.number is missing") }
    let repository = try repository((event ?? alert).object("repository"), context)
    let type = try alert.text("secret_type") ?? KindTable.unknownKind.rawValue
    let secret = try alert.text("secret")
    var finding = context.finding(
      .github, detector: Detector(rule: type, name: try alert.text("secret_type_display_name")),
      kinds: context.kinds(type, .github), value: secret.flatMap { Redaction.isRedacted($0) ? nil : $0 })
    finding.confidence = .high
    if let identity = repository?.id ?? repository?.name {
      finding.providerKey = "github:\(identity):\(number)"
    }
    finding.providerURL = try alert.text("html_url")
    finding.action = try action(event, alert)
    switch finding.action {
    case .resolved:
      let legacy = try event?.text("action") == "revoked" ? "revoked" : nil
      finding.platformWord = PlatformWord.of("resolved", as: try alert.text("resolution") ?? legacy)
    case .reopened: finding.platformWord = PlatformWord.of("reopened")
    case .opened, .leakedPublicly, .validated, .newLocation, .assigned, .other: break
    }
    finding.validity = try validity(alert)
    finding.exposure = Exposure(
      isPubliclyLeaked: try alert.boolean("publicly_leaked"),
      isInSeveralRepositories: try alert.boolean("multi_repo"),
      isPushProtectionBypassed: try alert.boolean("push_protection_bypassed"))
    if let location = try event?.object("location") {
      finding.location = try GitHubLocation.location(location, repository)
    } else {
      finding.location = try GitHubLocation.firstLocation(alert, repository)
    }
    return finding
  }

  private static func repository(_ fields: RecordFields?, _ context: ReportContext) throws(RecordProblem)
    -> RepositoryRef?
  {
    guard let fields else { return context.options.repository }
    let address = try fields.text("html_url").map { RepositoryRef(address: $0) }
    return RepositoryRef(
      host: address?.host ?? "github.com", id: try fields.integer("id").map(String.init),
      name: try fields.text("full_name") ?? address?.name)
  }

  private static func action(_ event: RecordFields?, _ alert: RecordFields) throws(RecordProblem)
    -> FindingAction
  {
    if event?.has("location") == true { return .newLocation }
    switch try event?.text("action") {
    case nil: return try alert.text("state") == "resolved" ? .resolved : .opened
    case "created": return .opened
    case "reopened": return .reopened
    case "resolved", "revoked": return .resolved
    case "publicly_leaked": return .leakedPublicly
    case "validated": return .validated
    case "assigned", "unassigned": return .assigned
    default: return .other
    }
  }

  private static func validity(_ alert: RecordFields) throws(RecordProblem) -> Validity {
    switch try alert.text("validity") {
    case "active": .active
    case "inactive": .inactive
    case "unknown": .unknown
    default: .notChecked
    }
  }
}
