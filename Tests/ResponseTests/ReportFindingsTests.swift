import Foundation
import Incidents
import JSON
import ScannerReports
import Secrets
import ResponseSupport
import TestSupport
import Testing

@testable import Response

/// Reports that are longer than what is kept of them.
@Suite struct ReportFindingsTests {
  private func findings(_ names: [String], limits: GroupingLimits) throws -> ReportFindings {
    let report = WorkerRig.report(names.map { (FakeSecrets.value("openai_api_key", $0), "\($0).py") })
    var reading = ReportReading(ReportOptions(sourceName: "r", observedAt: Date()))
    var findings = ReportFindings(
      key: FingerprintKey(SecretBytes(copying: [UInt8](repeating: 1, count: 32))), limits: limits)
    findings.take(try reading.feed(report.canonicalBytes[...]))
    findings.take(try reading.finish())
    findings.group(in: reading)
    return findings
  }

  @Test
  func `findings of more secrets than a report may bring are counted, and those that came first are kept`()
    throws
  {
    let limits = GroupingLimits(incidents: 2)
    let cut = try findings(["one", "two", "three", "one", "four"], limits: limits)
    #expect(cut.count == 5)
    #expect(cut.leftOut == 2)
    let paths = cut.incidents(now: Date()).map { $0.occurrences.compactMap { $0.location.path } }
    #expect(paths == [["one.py"], ["two.py"]])
    #expect(try findings(["one", "two"], limits: limits).leftOut == 0)
  }
}
