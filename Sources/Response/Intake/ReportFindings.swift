package import Foundation
package import Incidents
package import ScannerReports
package import Secrets

/// What a report has brought so far. Findings wait in a batch, because some reports say only at their end which directory was
/// scanned; a longer report is grouped batch by batch, with what it has said by then, so that it needs no more memory.
package struct ReportFindings {
  private static let batch = 20_000

  package private(set) var count = 0
  /// Records that could not be read.
  package var skipped: [UnreadRecord] = []
  /// Records that the report itself sets aside.
  package private(set) var setAside: [UnreadRecord] = []
  package private(set) var waiting: [Finding] = []
  private var grouping: IncidentGrouping

  package init(key: FingerprintKey, limits: GroupingLimits = GroupingLimits()) {
    grouping = IncidentGrouping(key: key, limits: limits)
  }

  package mutating func take(_ items: [ReportItem]) {
    for item in items {
      switch item {
      case .finding(let finding):
        count += 1
        waiting.append(finding)
      case .malformed(let record): skipped.append(record)
      case .setAside(let record): setAside.append(record)
      }
    }
  }

  /// The batch is full: group it before more is read.
  package var isFull: Bool { waiting.count >= Self.batch }

  /// Groups the batch, or what became of it.
  package mutating func group(_ findings: [Finding]? = nil, in reading: ReportReading) {
    for var finding in findings ?? waiting {
      finding.location = finding.location.map(reading.settled)
      grouping.add(finding)
    }
    waiting = []
  }

  /// Findings of further secrets than one report may bring: they are in no incident.
  package var leftOut: Int { grouping.droppedFindings }

  package func incidents(now: Date) -> [Incident] { grouping.incidents(now: now) }
}
