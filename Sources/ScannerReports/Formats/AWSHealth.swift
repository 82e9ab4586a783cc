import Foundation
import Incidents
import JSON

/// Risks that AWS Health tells of (`AWS_RISK_…`): an EventBridge event, alone or as the message of an SNS delivery.
///
/// It names the access key id, never the secret. `…_CREDENTIALS_EXPOSED`: the key stands in public;
/// `…_CREDENTIALS_EXPOSURE_SUSPECTED`: it may; `…_CREDENTIALS_COMPROMISED` and `…_COMPROMISE_SUSPECTED`: somebody used it, or seems
/// to; `AWS_RISK_IAM_QUARANTINE`: AWS has put a quarantine policy on whoever holds it; `AWS_RISK_ACCOUNT_CONSOLE_COMPROMISE`: a
/// sign-in to the console. What names no access key is a person's, under the name that AWS gives.
/// Source: AWS Health user guide; SNS developer guide, "Message and JSON formats".
enum AWSHealth: ReportFormat {
  static let name = "aws-health"
  static let summary = "AWS Health, every AWS_RISK_… (EventBridge event or SNS message)"

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
    guard try fields.text("source") == "aws.health", code.hasPrefix("AWS_RISK_") else {
      return [.setAside("the event is no AWS_RISK_…")]
    }
    let isOfCredential = code.hasPrefix("AWS_RISK_CREDENTIALS_")
    let isSuspected = code.hasSuffix("_SUSPECTED")
    let arn = try detail.requiredText("eventArn")
    var items: [RecordItem] = []
    items += try RecordItem.each("affectedEntities", of: detail) { entity throws(RecordProblem) in
      let id = try entity.requiredText("entityValue")
      let isKey = isOfCredential || id.hasPrefix("AKIA") || id.hasPrefix("ASIA")
      var finding = context.finding(
        .awsHealth, detector: Detector(rule: code), kinds: isKey ? ["aws_access_key"] : [], value: nil)
      if id.hasPrefix("ASIA") { finding.kind = "aws_session_token" }
      finding.handle = id
      finding.confidence = isSuspected ? .medium : .high
      finding.providerKey = "awshealth:\(arn):\(id)"
      if code.hasPrefix("AWS_RISK_CREDENTIALS_EXPOSED") { finding.exposure.isPubliclyLeaked = true }
      // AWS has seen a stranger use it.
      finding.validity = code.hasPrefix("AWS_RISK_CREDENTIALS_COMPROMISED") ? .active : .notChecked
      return [.finding(finding)]
    }
    guard !items.isEmpty else { throw RecordProblem("detail.affectedEntities names nothing") }
    return items
  }
}
