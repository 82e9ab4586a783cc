import Incidents
import JSON

/// A detect-secrets 1.5 baseline: file, line and an unsalted SHA-1, no value.
///
/// The hash is no identity: every `ghp_` token hashes to sha1("ghp"), private keys to their first line (measured). The
/// value must be read again from file and line. Source: detect-secrets docs/design.md.
enum DetectSecrets: JSONReportFormat {
  static let name = "detect-secrets"
  static let summary = "detect-secrets 1.5 baseline (`detect-secrets scan`)"
  static let framing = JSONFraming.paths([JSONPath(.member("results"), .anyMember, .anyElement)])

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .object && opening.paths.contains("plugins_used")
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    let fields = try RecordFields(record.value, "")
    let type = try fields.requiredText("type")
    let path = try fields.requiredText("filename")
    guard let line = try fields.line("line_number") else { throw RecordProblem("line_number is missing") }
    if try fields.boolean("is_secret") == false {
      return [.setAside("\(path):\(line) was marked as no secret in the baseline (is_secret: false)")]
    }
    var finding = context.finding(
      .detectSecrets, detector: Detector(rule: type), kinds: context.kinds(type, .detectSecrets), value: nil)
    finding.weakHashes.sha1 = try fields.text("hashed_secret")?.lowercased()
    finding.validity = try fields.boolean("is_verified") == true ? .active : .notChecked
    finding.location = Location(.file, path: path, startLine: line)
    return [.finding(finding)]
  }
}
