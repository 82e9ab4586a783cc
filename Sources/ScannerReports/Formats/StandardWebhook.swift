import Incidents
import JSON

/// The body that Standard Webhooks recommends, `{"type": …, "timestamp": …, "data": …}`, with findings as data.
/// Source: standard-webhooks spec, "Payload structure".
enum StandardWebhook: ReportFormat {
  static let name = "standard-webhook"
  static let summary = "Standard Webhooks body (type, timestamp, data) with findings as data"

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.shape == .object && opening.paths.isSuperset(of: ["type", "timestamp", "data"])
      && !opening.paths.contains("specversion")
  }

  static func reader(_ context: ReportContext) -> any ReportReader {
    WholeBodyReader(context: context) { body throws(RecordProblem) in
      let event = try RecordFields(body, "")
      _ = try event.requiredText("type")
      guard let data = event["data"] else { throw RecordProblem("data is missing") }
      var context = context
      return try EmbeddedRecord.items(data, &context)
    }
  }
}
