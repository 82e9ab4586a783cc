import Foundation
import Incidents
import ScannerReports
import Testing

/// A scan that failed, or whose list of findings is not whole, is no report of 0 findings.
@Suite struct IncompleteReportTests {
  private static let driver = #""tool":{"driver":{"name":"x"}}"#

  @Test(
    arguments: [
      (#""results":[],"invocations":[{"executionSuccessful":false}]"#, "executionSuccessful"),
      (#""results":null"#, "without a list of results"), (#""properties":{}"#, "without a list of results"),
      (#""results":{}"#, "without a list of results"),
      (
        #""externalPropertyFileReferences":{"results":[{"location":{"uri":"r.sarif"},"itemCount":3}]}"#,
        "in another file"
      ),
      (
        #""invocations":[{"executionSuccessful":true,"toolExecutionNotifications":[{"level":"error"}]}],"results":[]"#,
        "toolExecutionNotifications"
      ),
      (
        #""properties":{"repository_audit":{"summary":{"scan_failed":1}}},"results":[]"#, "scan_failed is 1"
      ),
    ])
  func `0 findings of a SARIF run that failed or holds no results`(members: String, because: String) throws {
    let text = #"{"version":"2.1.0","runs":[{\#(Self.driver),\#(members)}]}"#
    for text in [text, "[\(text)]"] {
      let error = #expect(throws: ReportError.self) { try Fixture.parse(text, format: "sarif") }
      #expect(error?.because.contains(because) == true)
      let report = try Fixture.parse(text, format: "sarif", keepGoing: true)
      #expect(report.findings.isEmpty)
      #expect(report.skipped.count == 1)
    }
  }

  @Test func `a SARIF run that ended well and found nothing is no clean report`() throws {
    let clean =
      #"{\#(Self.driver),"results":[],"invocations":[{"executionSuccessful":true,"toolExecutionNotifications":[{"level":"note"}]}]}"#
    let report = try Fixture.parse(#"{"version":"2.1.0","runs":[\#(clean),\#(clean)]}"#)
    #expect(report.findings.isEmpty && report.skipped.isEmpty && report.setAside.isEmpty)
    // The first of two runs has none.
    let error = #expect(throws: ReportError.self) {
      try Fixture.parse(#"{"version":"2.1.0","runs":[{\#(Self.driver)},\#(clean)]}"#)
    }
    #expect(error?.because.contains("without a list of results") == true)
  }

  @Test(arguments: ["kingfisher.clean.json", "kingfisher.leaky-app.json", "kingfisher.leaky-app.jsonl"])
  func `a Kingfisher scan that failed is read as whole`(name: String) throws {
    let text = try Fixture.text(name)
    for count in ["scan_failed", "scan_partial", "fetch_failed", "pending"] {
      let failed = text.replacing("\"\(count)\":0", with: "\"\(count)\":1")
      #expect(failed != text)
      let error = #expect(throws: ReportError.self) { try Fixture.parse(failed) }
      #expect(error?.because.contains("\(count) is 1") == true)
    }
  }

  @Test func `0 findings of a Kingfisher report whose summary counts some`() throws {
    let lines = try Fixture.text("kingfisher.leaky-app.jsonl").split(separator: "\n")
    let summary = #"{"findings":3,"kingfisher":{"version_used":"2.14.0"}}"#
    let none = "\(lines.suffix(1).joined(separator: ""))\n\(summary)\n"
    let error = #expect(throws: ReportError.self) { try Fixture.parse(none, format: "kingfisher-jsonl") }
    #expect(error?.because.contains("0 of the 3 findings") == true)
    let fewer = (lines.prefix(2) + lines.suffix(1)).joined(separator: "\n") + "\n\(summary)\n"
    let report = try Fixture.parse(fewer)
    #expect(report.findings.count == 2)
    #expect(report.setAside.first?.because.contains("2 of the 3 findings") == true)
    let clean = try Fixture.text("kingfisher.clean.json")
    let emptied = clean.replacing("\"summary\":{\"findings\":0", with: "\"summary\":{\"findings\":4")
    #expect(emptied != clean)
    #expect(throws: ReportError.self) { try Fixture.parse(emptied) }
  }
}
