import Incidents
import JSON

/// A finding inside somebody else's envelope (CloudEvents, Standard Webhooks): told by its members.
enum EmbeddedRecord {
  static func items(_ value: JSONValue, _ context: inout ReportContext) throws(RecordProblem) -> [RecordItem]
  {
    if let list = value.array {
      // Findings of one envelope do not depend on one another.
      let context = context
      return RecordItem.each(list) { element throws(RecordProblem) in
        var context = context
        return try items(element, &context)
      }
    }
    let record = JSONRecord(steps: [], value: value, position: JSONPosition(line: 1, column: 1, offset: 0))
    let fields = try RecordFields(value, "data")
    if fields.has("findings") {
      return try self.items(.array(try fields.array("findings")), &context)
    }
    if fields.has("RuleID") {
      let format: any JSONReportFormat.Type =
        fields.has("ValidationStatus") ? Betterleaks.self : Gitleaks.self
      return try format.items(in: record, context: &context)
    }
    if fields.has("SourceMetadata") { return try TruffleHog.items(in: record, context: &context) }
    if fields.has("rule"), fields.has("finding") {
      return try KingfisherLines.items(in: record, context: &context)
    }
    if fields.has("matches"), fields.has("rule_name") {
      return try NoseyParker.items(in: record, context: &context)
    }
    if fields.has("detail"), fields.has("detail-type") { return try AWSHealth.items(value, context) }
    if fields.has("kind") {
      return [.finding(try PlainFindings.finding(RecordFields(value, "data"), context))]
    }
    throw RecordProblem("data is no finding of a known shape (see docs/REPORTS.md)")
  }
}
