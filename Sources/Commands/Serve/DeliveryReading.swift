import Foundation
import Incidents
import Inbox
import ScannerReports
import Secrets

/// A delivery's body as incidents.
struct DeliveryReading {
  let key: FingerprintKey

  /// What a delivery brought.
  struct Result {
    let incidents: [Incident]
    let findings: Int
    /// Records that could not be read: named in the delivery's outcome, never silent.
    let unread: [UnreadRecord]
  }

  /// The format that a route's kind implies; nil: recognised by the content.
  private static func format(of source: String) -> String? {
    switch source {
    case "github": "github"
    default: nil  // a report, or an envelope around one
    }
  }

  /// - Throws: ``ReportError`` when the body is no report at all.
  func read(_ delivery: Delivery) throws(ReportError) -> Result {
    var options = ReportOptions(
      sourceName: "\(delivery.route) \(delivery.id)", format: Self.format(of: delivery.source),
      keepGoing: true, observedAt: delivery.receivedAt)
    options.deliveryID = delivery.id
    var reading = ReportReading(options)
    var items = try reading.feed(ArraySlice(delivery.body.exposeAsBytes()))
    items += try reading.finish()
    var grouping = IncidentGrouping(key: key)
    var findings = 0
    var unread: [UnreadRecord] = []
    for item in items {
      switch item {
      case .finding(var finding):
        findings += 1
        finding.location = finding.location.map(reading.settled)
        grouping.add(finding)
      case .malformed(let record): unread.append(record)
      case .setAside: continue  // the report itself says that it is nothing
      }
    }
    return Result(
      incidents: grouping.incidents(now: delivery.receivedAt), findings: findings, unread: unread)
  }
}
