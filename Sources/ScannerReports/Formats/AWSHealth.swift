import Foundation
import Incidents
import JSON

/// AWS Health `AWS_RISK_CREDENTIALS_EXPOSED`: an EventBridge event, alone or as the message of an SNS delivery.
///
/// It names the access key id, never the secret; AWS sends it when the key stands in public.
/// Source: AWS Health user guide; SNS developer guide, "Message and JSON formats".
enum AWSHealth: ReportFormat {
  static let name = "aws-health"
  static let summary = "AWS Health AWS_RISK_CREDENTIALS_EXPOSED (EventBridge event or SNS message)"

  static func recognizes(_ opening: ReportOpening) -> Bool {
    opening.paths.isSuperset(of: ["detail-type", "detail"])
      || opening.paths.isSuperset(of: ["TopicArn", "MessageId", "Type"])
  }

  static func reader(_ context: ReportContext) -> any ReportReader {
    WholeBodyReader(context: context) { body throws(RecordProblem) in
      let envelope = try RecordFields(body, "")
      guard envelope.has("TopicArn") else { return try items(body, context) }
      let type = try envelope.requiredText("Type")
      guard type == "Notification" else { return [.setAside("an SNS \(type) is no finding")] }
      let message = try envelope.requiredText("Message")
      let event: JSONValue
      do throws(JSONError) {
        event = try JSONValue(parsing: message, limits: context.options.limits)
      } catch {
        throw RecordProblem("Message holds no JSON: \(error.because)")
      }
      return try items(event, context)
    }
  }

  /// The findings of one EventBridge event.
  static func items(_ event: JSONValue, _ context: ReportContext) throws(RecordProblem) -> [RecordItem] {
    let fields = try RecordFields(event, "")
    let detail = try fields.requiredObject("detail")
    let code = try detail.text("eventTypeCode") ?? ""
    guard try fields.text("source") == "aws.health", code.hasPrefix("AWS_RISK_CREDENTIALS_EXPOSED") else {
      return [.setAside("the event is not AWS_RISK_CREDENTIALS_EXPOSED")]
    }
    let arn = try detail.requiredText("eventArn")
    var items: [RecordItem] = []
    items += try RecordItem.each("affectedEntities", of: detail) { entity throws(RecordProblem) in
      let id = try entity.requiredText("entityValue")
      var finding = context.finding(
        .awsHealth, detector: Detector(rule: code), kinds: ["aws_access_key"], value: nil)
      if id.hasPrefix("ASIA") { finding.kind = "aws_session_token" }
      finding.handle = id
      finding.confidence = .high
      finding.providerKey = "awshealth:\(arn):\(id)"
      finding.exposure.isPubliclyLeaked = true
      finding.validity = .notChecked
      return [.finding(finding)]
    }
    guard !items.isEmpty else { throw RecordProblem("detail.affectedEntities names no access key") }
    return items
  }
}
