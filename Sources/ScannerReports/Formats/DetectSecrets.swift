import Incidents
import JSON

/// A detect-secrets baseline: file, line and an unsalted SHA-1, no value. Before 1.0, and in IBM's fork, an entry does not
/// repeat its file's name, which is the key of its list.
///
/// The hash is no identity: every `ghp_` token hashes to sha1("ghp"), private keys to their first line (measured). The
/// value must be read again from file and line. Source: detect-secrets docs/design.md.
enum DetectSecrets: JSONReportFormat {
  static let name = "detect-secrets"
  static let summary = "detect-secrets baseline (`detect-secrets scan`), also of IBM's fork"
  static let framing = JSONFraming.paths([JSONPath(.member("results"), .anyMember, .anyElement)])

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .object && opening.paths.contains("plugins_used")
  }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    let fields = try RecordFields(record.value, "")
    let type = try fields.requiredText("type")
    var name = try fields.text("filename")
    if name == nil, case .member(let key)? = record.steps.dropFirst().first { name = key }
    guard let name, !name.isEmpty else { throw RecordProblem("filename is missing") }
    let path = ReportedPath.file(name)
    guard let line = try fields.line("line_number") else { throw RecordProblem("line_number is missing") }
    if try fields.boolean("is_secret") == false {
      return [.setAside("\(path):\(line) was marked as no secret in the baseline (is_secret: false)")]
    }
    var finding = context.finding(
      .detectSecrets, detector: Detector(rule: type), kinds: context.kinds(type, .detectSecrets), value: nil)
    finding.weakHashes.sha1 = try fields.text("hashed_secret")?.lowercased()
    let verdicts = [try fields.boolean("is_verified"), try fields.boolean("verified_result")]
    finding.validity = verdicts.contains(true) ? .active : .notChecked
    finding.location = Location(.file, path: path, startLine: line)
    return [.finding(finding)]
  }
}
