import Foundation
import Incidents
import JSON
import Secrets

/// staunch's own plain findings, for scanners and people that have no format of their own:
///
/// `{"schema": "staunch.findings/1", "findings": [{"kind": "openai_api_key", "value": "…", "repository": "acme/app",
/// "commit": "…", "path": "src/a.py", "line": 3, "validity": "active", "handle": "…", "url": "…", "rule": "…"}]}`
///
/// Every member but `kind` may be absent; `value_base64` stands for values that are no text.
enum PlainFindings: JSONReportFormat {
  static let name = "staunch"
  static let summary = "plain findings of staunch's own (docs/REPORTS.md)"
  static let schema = "staunch.findings/1"
  static let framing = JSONFraming.paths([JSONPath(.member("findings"), .anyElement)])

  static func recognizes(_ opening: ReportOpening) -> Bool { opening.texts["schema"] == schema }

  static func items(in record: JSONRecord, context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    [.finding(try finding(RecordFields(record.value, ""), context))]
  }

  static func finding(_ fields: RecordFields, _ context: ReportContext) throws(RecordProblem) -> Finding {
    let kind = CredentialKind(try fields.requiredText("kind"))
    guard context.options.table.row(of: kind) != nil else {
      // The word itself is a report's, and may be anything.
      let stem = kind.rawValue.lowercased().prefix { $0.isLetter || $0.isNumber }
      let near = context.options.table.rows.map(\.kind.rawValue).filter {
        !stem.isEmpty && $0.hasPrefix(stem)
      }
      throw RecordProblem(
        "kind is no word of the table of kinds"
          + (near.isEmpty
            ? ": docs/REPORTS.md names it; where none fits: unknown"
            : ": did you mean \(near.prefix(5).joined(separator: " or "))?"))
    }
    var value = try fields.text("value").map { Secret($0) }
    if value == nil, let encoded = try fields.text("value_base64") {
      guard let data = Data(base64Encoded: encoded) else { throw RecordProblem("value_base64 is no base64") }
      value = data.isEmpty ? nil : Secret(SecretBytes(copying: Array(data)))
    }
    var finding = context.finding(
      .manual, detector: Detector(rule: try fields.text("rule") ?? kind.rawValue), kinds: [kind],
      secret: value
    )
    // Whoever writes plain findings knows the kind.
    finding.kind = kind
    finding.alternatives = []
    if let handle = try fields.text("handle") { finding.handle = handle }
    if let word = try fields.text("validity") {
      guard let validity = Validity(rawValue: word) else {
        let words = Validity.allCases.map(\.rawValue).joined(separator: ", ")
        throw RecordProblem("validity must be one of: \(words)")
      }
      finding.validity = validity
    }
    finding.providerURL = try fields.text("url")
    finding.exposure.isPubliclyLeaked = try fields.boolean("publicly_leaked")
    let path = try fields.text("path")
    let commit = try fields.text("commit")
    let repository = try fields.text("repository").map { RepositoryRef(address: $0) }
    if path != nil || repository != nil || finding.providerURL != nil {
      finding.location = Location(
        commit != nil ? .commit : path != nil ? .file : .other, repository: repository, commit: commit,
        path: path,
        startLine: try fields.line("line"), endLine: try fields.line("end_line"), url: finding.providerURL)
    }
    return finding
  }
}
