import Incidents
import ScannerReports

/// A report that was read as a whole. For reports larger than memory use ``ReportReading``.
struct ScannerReport: Sendable {
  /// The format's name.
  let format: String
  let findings: [Finding]
  /// Records that could not be read; empty unless `keepGoing`.
  let skipped: [UnreadRecord]
  /// Findings that the report itself marks as settled (false positive, suppressed, gone).
  let setAside: [UnreadRecord]

  /// Reads the whole report.
  /// - Throws: ``ReportError`` naming the place; with `keepGoing` only when the format is unknown or nothing is there.
  static func parse(_ bytes: some Collection<UInt8>, _ options: ReportOptions) throws(ReportError)
    -> ScannerReport
  {
    var reading = ReportReading(options)
    var items = try reading.feed(ArraySlice(Array(bytes)))
    items += try reading.finish()
    var findings: [Finding] = []
    var skipped: [UnreadRecord] = []
    var setAside: [UnreadRecord] = []
    for item in items {
      switch item {
      case .finding(var finding):
        finding.location = finding.location.map(reading.settled)
        findings.append(finding)
      case .malformed(let record): skipped.append(record)
      case .setAside(let record): setAside.append(record)
      }
    }
    return ScannerReport(
      format: reading.format ?? "", findings: findings, skipped: skipped, setAside: setAside)
  }
}
