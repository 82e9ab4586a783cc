import Foundation
import Incidents
import JSON

/// CloudEvents 1.0, structured or batched, whose data is a finding of a known shape.
/// Source: CloudEvents JSON format §3, §4; the identity of an event is `source` with `id`.
enum CloudEvent: ReportFormat {
  static let name = "cloudevents"
  static let summary = "CloudEvents 1.0 (structured or batch) with findings as data"

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.paths.contains("specversion") || opening.paths.contains("[].specversion")
  }

  static func reader(_ context: ReportContext) -> any ReportReader {
    WholeBodyReader(context: context) { body throws(RecordProblem) in
      try items(RecordFields(body, ""), context)
    }
  }

  private static func items(_ event: RecordFields, _ context: ReportContext) throws(RecordProblem)
    -> [RecordItem]
  {
    guard try event.requiredText("specversion") == "1.0" else {
      throw RecordProblem("specversion must be 1.0")
    }
    let id = "\(try event.requiredText("source"))#\(try event.requiredText("id"))"
    _ = try event.requiredText("type")
    var context = context
    let items = try EmbeddedRecord.items(try data(event, context), &context)
    return items.map { item in
      guard case .finding(var finding) = item else { return item }
      finding.deliveryID = context.options.deliveryID ?? id
      return .finding(finding)
    }
  }

  private static func data(_ event: RecordFields, _ context: ReportContext) throws(RecordProblem) -> JSONValue
  {
    if let data = event["data"] { return data }
    guard let encoded = try event.text("data_base64"), let data = Data(base64Encoded: encoded) else {
      throw RecordProblem("data is missing")
    }
    do throws(JSONError) {
      return try JSONValue(parsing: data, limits: context.options.limits)
    } catch {
      throw RecordProblem("data_base64 holds no JSON: \(error.because)")
    }
  }
}
