import Incidents
import JSON

/// Betterleaks JSON: gitleaks' shape with a validation of its own. Source: betterleaks report/json.go.
enum Betterleaks: JSONReportFormat {
  static let name = "betterleaks"
  static let summary = "Betterleaks 1 JSON (`betterleaks git -f json`)"
  static let framing = JSONFraming.list

  static func recognizes(_ opening: ReportOpening) -> Bool {
    let members = opening.members
    return members.contains("RuleID")
      && ["ValidationStatus", "Attributes", "CaptureGroups", "RequiredSets"].contains(where: members.contains)
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    let fields = try RecordFields(record.value, "")
    var finding = try Gitleaks.finding(fields, source: .betterleaks, context: context)
    finding.validity = validity(try fields.text("ValidationStatus"))
    return [.finding(finding)]
  }

  private static func validity(_ status: String?) -> Validity {
    switch status {
    case "valid": .active
    case "invalid", "revoked": .inactive
    case "needs_validation", nil: .notChecked
    default: .unknown
    }
  }
}
