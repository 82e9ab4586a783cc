import Incidents
import JSON

/// GitLab's secret detection report, schemas 14 and 15. Source: gitlab-org/security-products/security-report-schemas.
///
/// `cve` is `file:SHA-256(secret):rule` (measured): it helps to recognise a value that the report leaves out.
enum GitLabReport: JSONReportFormat {
  static let name = "gitlab"
  static let summary = "GitLab secret detection report (gl-secret-detection-report.json)"
  static let framing = JSONFraming.paths([
    JSONPath(.member("vulnerabilities"), .anyElement), JSONPath(.member("scan"), .member("status")),
  ])

  static func recognizes(_ opening: ReportOpening) -> Bool {
    guard opening.shape == .object, opening.paths.contains("vulnerabilities") else { return false }
    return opening.texts["scan.type"].map { $0 == "secret_detection" }
      ?? (opening.paths.contains("vulnerabilities[].raw_source_code_extract")
        || opening.texts["vulnerabilities[].category"] == "secret_detection")
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    if record.steps.last == .member("status") {
      guard let status = record.value.string, status != "success" else { return [] }
      return [.incomplete("the scan's status is \(status): its findings are not all")]
    }
    let fields = try RecordFields(record.value, "")
    if let category = try fields.text("category"), category != "secret_detection" {
      return [.setAside("it is no secret but \(category)")]
    }
    var rule = try fields.text("name") ?? KindTable.unknownKind.rawValue
    for identifier in try fields.objects("identifiers") {
      if try identifier.text("type") == "gitleaks_rule_id" { rule = try identifier.text("value") ?? rule }
    }
    let place = try fields.requiredObject("location")
    let value = try fields.text("raw_source_code_extract").flatMap { Redaction.isRedacted($0) ? nil : $0 }
    var finding = context.finding(
      .gitlab, detector: Detector(rule: rule, name: try fields.text("name")),
      kinds: context.kinds(rule, .gitlab, .gitleaks), value: value)
    finding.confidence =
      try fields.text("confidence").flatMap { Confidence(rawValue: $0.lowercased()) } ?? .unknown
    let commit = try place.object("commit")
    let sha = try commit?.text("sha").flatMap { $0.allSatisfy { $0 == "0" } ? nil : $0 }
    finding.location = Location(
      sha == nil ? .file : .commit, commit: sha, path: try place.requiredText("file"),
      startLine: try place.line("start_line"), endLine: try place.line("end_line"))
    finding.committedAt = sha == nil ? nil : try commit?.text("date").flatMap(ReportedDate.date)
    if value == nil, let parts = try fields.text("cve")?.split(separator: ":"), parts.count >= 3 {
      finding.weakHashes.sha256 = String(parts[parts.count - 2]).lowercased()
    }
    return [.finding(finding)]
  }
}
