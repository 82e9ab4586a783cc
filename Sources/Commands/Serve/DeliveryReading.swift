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

  /// Findings that wait for the report's end; beyond, a report is too long for memory and what it said so far must do.
  private static let heldFindings = 20_000
  private static let piece = 1 << 20

  /// The format that a route's kind implies; nil: recognised by the content.
  private static func format(of source: String) -> String? {
    switch source {
    case "github": "github"
    default: nil  // a report, or an envelope around one
    }
  }

  /// - Throws: ``ReportError`` when the body is no report at all.
  func read(_ delivery: Delivery) throws(ReportError) -> Result {
    try read(
      delivery.body, name: "\(delivery.route) \(delivery.id)", source: delivery.source, id: delivery.id,
      at: delivery.receivedAt)
  }

  /// - Parameters:
  ///   - name: how messages call the body.
  ///   - source: the kind of the route that it came by.
  ///   - id: the sender's id for it.
  /// - Throws: ``ReportError`` when the body is no report at all.
  func read(_ body: Secret, name: String, source: String, id: String?, at received: Date) throws(ReportError)
    -> Result
  {
    var options = ReportOptions(
      sourceName: name, format: Self.format(of: source), keepGoing: true, observedAt: received)
    options.deliveryID = id
    var reading = ReportReading(options)
    var grouping = IncidentGrouping(key: key)
    var findings = 0
    var unread: [UnreadRecord] = []
    var pending: [Finding] = []
    func add(_ finding: Finding) {
      var finding = finding
      // Some reports say only at their end which directory was scanned.
      finding.location = finding.location.map(reading.settled)
      grouping.add(finding)
    }
    func take(_ items: [ReportItem]) {
      for item in items {
        switch item {
        case .finding(let finding):
          findings += 1
          if pending.count < Self.heldFindings { pending.append(finding) } else { add(finding) }
        case .malformed(let record): unread.append(record)
        case .setAside: continue  // the report itself says that it is nothing
        }
      }
    }
    let bytes = body.exposeAsBytes()
    for start in stride(from: 0, to: bytes.count, by: Self.piece) {
      take(try reading.feed(bytes[start..<min(start + Self.piece, bytes.count)]))
    }
    take(try reading.finish())
    for finding in pending { add(finding) }
    return Result(
      incidents: grouping.incidents(now: received), findings: findings, unread: unread)
  }
}
