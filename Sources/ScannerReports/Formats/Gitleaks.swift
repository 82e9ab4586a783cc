import Incidents
import JSON

/// gitleaks v8 JSON: a list of findings; `[]` or `null` when there are none.
///
/// `Fingerprint` names an occurrence and may hold `:` in the path, so the fields are taken instead. With `--redact` the
/// value is replaced and must be read again from its place. Source: gitleaks report/json.go.
enum Gitleaks: JSONReportFormat {
  static let name = "gitleaks"
  static let summary = "gitleaks v8 JSON (`gitleaks git -f json`)"
  static let framing = JSONFraming.list

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.isEmptyList || opening.members.isSuperset(of: ["RuleID", "File"])
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    [.finding(try finding(RecordFields(record.value, ""), source: .gitleaks, context: context))]
  }

  /// One finding; Betterleaks, the JUnit form and CloudEvents carry the same object.
  static func finding(_ fields: RecordFields, source: FindingSource, context: ReportContext)
    throws(RecordProblem) -> Finding
  {
    let rule = try fields.requiredText("RuleID")
    let path = try fields.requiredText("File")
    let value = try fields.text("Secret")
    let isRedacted = value.map(Redaction.isRedacted) ?? true
    var finding = context.finding(
      source, detector: Detector(rule: rule, name: try fields.text("Description")),
      kinds: context.kinds(rule, .gitleaks, .kingfisher), value: isRedacted ? nil : value)
    let commit = try fields.text("Commit").flatMap { $0.allSatisfy { $0 == "0" } ? nil : $0 }
    finding.location = Location(
      commit == nil ? .file : .commit, commit: commit, path: path, startLine: try fields.line("StartLine"),
      endLine: try fields.line("EndLine"), startColumn: try fields.line("StartColumn"),
      endColumn: try fields.line("EndColumn"), url: try fields.text("Link"))
    finding.committedAt = try fields.text("Date").flatMap(ReportedDate.date)
    if isRedacted, let match = try fields.text("Match"), let value {
      finding.redactedMatch = Redaction.match(match, redacted: value)
    }
    return finding
  }
}
