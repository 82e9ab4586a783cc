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
    /// Findings of further secrets than one report may bring; named in the outcome too.
    let leftOut: Int
  }

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
    var findings = ReportFindings(key: key)
    let bytes = body.exposeAsBytes()
    for start in stride(from: 0, to: bytes.count, by: Self.piece) {
      findings.take(try reading.feed(bytes[start..<min(start + Self.piece, bytes.count)]))
      if findings.isFull { findings.group(in: reading) }
    }
    findings.take(try reading.finish())
    findings.group(in: reading)
    return Result(
      incidents: findings.incidents(now: received), findings: findings.count, unread: findings.skipped,
      leftOut: findings.leftOut)
  }
}
