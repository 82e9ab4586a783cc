import Incidents
import JSON

/// GitLab's Vulnerability Hook (only of secret detection) and the token revocation API, which posts leaked tokens.
/// Source: docs.gitlab.com, webhook events; token revocation API.
enum GitLabHook: ReportFormat {
  static let name = "gitlab-hook"
  static let summary = "GitLab Vulnerability Hook, or tokens posted to the token revocation API"

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.texts["object_kind"] == "vulnerability"
      || opening.paths.isSuperset(of: ["[].token", "[].type", "[].location"])
  }

  static func reader(_ context: ReportContext) -> any ReportReader {
    WholeBodyReader(context: context) { body throws(RecordProblem) in
      let fields = try RecordFields(body, "")
      if fields.has("token") { return [.finding(try revocation(fields, context))] }
      return [try vulnerability(fields.requiredObject("object_attributes"), context)]
    }
  }

  private static func vulnerability(_ fields: RecordFields, _ context: ReportContext) throws(RecordProblem)
    -> RecordItem
  {
    let type = try fields.requiredText("report_type")
    guard type == "secret_detection" else { return .setAside("the vulnerability is no secret but \(type)") }
    guard let project = try fields.integer("project_id") else { throw RecordProblem("project_id is missing") }
    let url = try fields.requiredText("url")
    var rule = try fields.text("title") ?? KindTable.unknownKind.rawValue
    for identifier in try fields.objects("identifiers") {
      if try identifier.text("external_type") == "gitleaks_rule_id" {
        rule = try identifier.text("external_id") ?? rule
      }
    }
    var finding = context.finding(
      .gitlab, detector: Detector(rule: rule, name: try fields.text("title")),
      kinds: context.kinds(rule, .gitlab, .gitleaks), value: nil)
    finding.providerKey = url.split(separator: "/").last.map { "gitlab:\(project):\($0)" }
    finding.providerURL = url
    switch try fields.text("state") {
    case "resolved", "dismissed":
      finding.action = .resolved
      finding.platformWord = PlatformWord.of(try fields.text("state") ?? "resolved")
    case "confirmed": finding.action = .validated
    default: finding.action = .opened
    }
    let address = RepositoryRef(address: url)
    let name = address.name.flatMap { name in
      name.firstRange(of: "/-/").map { String(name[..<$0.lowerBound]) } ?? name
    }
    let repository = RepositoryRef(host: address.host, id: String(project), name: name)
    let place = try fields.object("location")
    let sha = try place?.object("commit")?.text("sha").flatMap { $0.allSatisfy { $0 == "0" } ? nil : $0 }
    finding.location = Location(
      sha == nil ? .file : .commit, repository: repository, commit: sha, path: try place?.text("file"),
      startLine: try place?.line("start_line"), endLine: try place?.line("end_line"), url: url)
    return .finding(finding)
  }

  private static func revocation(_ fields: RecordFields, _ context: ReportContext) throws(RecordProblem)
    -> Finding
  {
    let type = try fields.requiredText("type")
    let rule = type.hasPrefix("gitleaks_rule_id_") ? String(type.dropFirst(17)) : type
    var finding = context.finding(
      .gitlabRevocation, detector: Detector(rule: type), kinds: context.kinds(rule, .gitlab, .gitleaks),
      value: try fields.requiredText("token"))
    finding.confidence = .high
    finding.exposure.isPubliclyLeaked = true  // GitLab revokes what stands in public projects
    finding.location = Location(.other, url: try fields.text("location"))
    return finding
  }
}
