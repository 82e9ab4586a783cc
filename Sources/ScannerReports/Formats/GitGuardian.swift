import Foundation
import Incidents
import JSON

/// GitGuardian's custom webhook: one incident is one secret of the workspace. It is posted once and never again.
/// Source: docs.gitguardian.com, custom webhooks.
enum GitGuardian: ReportFormat {
  static let name = "gitguardian"
  static let summary = "GitGuardian custom webhook (incident and occurrence events)"

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.texts["source"] == "GitGuardian"
      || (opening.paths.contains("incident") && opening.paths.contains("incident.gitguardian_url"))
  }

  static func reader(_ context: ReportContext) -> any ReportReader {
    WholeBodyReader(context: context) { body throws(RecordProblem) in
      [try item(RecordFields(body, ""), context)]
    }
  }

  private static func item(_ event: RecordFields, _ context: ReportContext) throws(RecordProblem)
    -> RecordItem
  {
    guard let incident = try event.object("incident") else {
      guard event.has("action") || event.has("source") else { throw RecordProblem("incident is missing") }
      return .setAside("the message is about no incident")
    }
    guard let id = try incident.integer("id") else { throw RecordProblem("incident.id is missing") }
    let detector = try incident.object("detector")
    let rule = try detector?.text("name") ?? KindTable.unknownKind.rawValue
    var finding = context.finding(
      .gitguardian, detector: Detector(rule: rule, name: try detector?.text("display_name")),
      kinds: context.kinds(rule, .gitguardian), value: nil)
    finding.providerKey = "gg:\(id)"
    finding.providerURL = try incident.text("gitguardian_url")
    finding.action = action(try event.text("action"))
    switch try event.text("action") {
    case "incident_resolved":
      let isRevoked = try incident.boolean("secret_revoked") == true
      finding.platformWord = PlatformWord.of("resolved", as: isRevoked ? "revoked" : nil)
    case "incident_ignored":
      finding.platformWord = PlatformWord.of("ignored", as: try incident.text("ignore_reason"))
    case "incident_reopened": finding.platformWord = PlatformWord.of("reopened")
    case "incident_regression": finding.platformWord = PlatformWord.of("found again after it was resolved")
    default: break  // says nothing about the end of it
    }
    finding.validity = validity(try incident.text("validity"))
    if let occurrence = try event.object("occurrence") {
      let source = try occurrence.object("source")
      let commit = try occurrence.text("sha")
      var repository = try source?.text("url").map { RepositoryRef(address: $0) }
      if let name = try source?.text("full_name") {
        repository = RepositoryRef(host: repository?.host, name: name)
      }
      finding.location = Location(
        commit == nil ? .other : .commit, repository: repository, commit: commit,
        path: try occurrence.text("filepath"), url: try occurrence.text("url"))
      if try source?.text("visibility") == "public" { finding.exposure.isPubliclyLeaked = true }
    }
    return .finding(finding)
  }

  private static func action(_ word: String?) -> FindingAction {
    switch word {
    case "incident_triggered": .opened
    case "new_occurrence": .newLocation
    case "incident_resolved", "incident_ignored": .resolved
    case "incident_reopened", "incident_regression": .reopened
    case "incident_validity_changed": .validated
    case "incident_shared_publicly": .other
    case "incident_assigned", "incident_reassigned", "incident_unassigned": .assigned
    default: .other
    }
  }

  /// GitGuardian's words, also ggshield's.
  static func validity(_ word: String?) -> Validity {
    switch word {
    case "valid": .active
    case "invalid": .inactive
    case "no_checker", "not_checked", nil: .notChecked
    default: .unknown
    }
  }
}
