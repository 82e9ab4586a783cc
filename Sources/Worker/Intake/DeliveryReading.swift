import Chronicle
import Foundation
import Incidents
import Inbox
import Response
import ScannerReports
import Secrets

/// A delivery's body as incidents.
struct DeliveryReading {
  let key: FingerprintKey

  /// What a delivery brought.
  struct Result {
    let incidents: [Incident]
    /// Alerts that their platform has ended or opened again, apart: they add no place.
    let words: [Word]
    let findings: Int
    /// Records whose action asks for nothing.
    let ignored: Int
    /// Records that could not be read: named in the delivery's outcome, never silent.
    let unread: [UnreadRecord]
    /// Findings of further secrets than one report may bring; named in the outcome too.
    let leftOut: Int

    /// What became of the delivery, in one line.
    func outcome(incidents: Int, new: Int) -> String {
      if findings == 0, ignored > 0, unread.isEmpty { return "ignored: an action that asks for nothing" }
      let unread = unread.isEmpty ? "" : ", \(self.unread.count) unreadable records"
      let leftOut =
        leftOut == 0 ? "" : ", \(self.leftOut) findings left out: more secrets than one report may bring"
      return "\(findings) findings, \(incidents) incidents (\(new) new)\(unread)\(leftOut)"
        + words.map { ", \($0.said)" }.joined()
    }
  }

  /// What a platform says became of one of its alerts.
  struct Word {
    /// The platform's key of the alert.
    let key: IncidentKey
    let source: FindingSource
    /// For example `resolved as revoked`.
    let text: String
    let isOpenAgain: Bool
    var said: String { "\(JournalEvent.platformName(source.rawValue)) says: \(text)" }
    /// The alert, for when nobody knows it yet.
    let incident: Incident
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
    var words: [Word] = []
    var ignored = 0
    func take(_ items: [ReportItem]) {
      findings.take(
        items.filter { item in
          guard case .finding(let finding) = item else { return true }
          // An action that we do not know is no reason to do anything.
          guard finding.action != .other else {
            ignored += 1
            return false
          }
          guard let word = word(of: finding, at: received) else { return true }
          words.append(word)
          return false
        })
    }
    let bytes = body.exposeAsBytes()
    for start in stride(from: 0, to: bytes.count, by: Self.piece) {
      take(try reading.feed(bytes[start..<min(start + Self.piece, bytes.count)]))
      if findings.isFull { findings.group(in: reading) }
    }
    take(try reading.finish())
    findings.group(in: reading)
    return Result(
      incidents: findings.incidents(now: received), words: words, findings: findings.count + words.count,
      ignored: ignored, unread: findings.skipped, leftOut: findings.leftOut)
  }

  private func word(of finding: Finding, at received: Date) -> Word? {
    guard let text = finding.platformWord, let key = finding.providerKey,
      let incident = IncidentGrouping.group([finding], key: self.key, now: received).first
    else { return nil }
    return Word(
      key: IncidentKey(rawValue: "p:\(key)"), source: finding.source, text: text,
      isOpenAgain: finding.action == .reopened, incident: incident)
  }
}
