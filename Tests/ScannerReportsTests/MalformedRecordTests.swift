import Foundation
import Incidents
import ScannerReports
import Secrets
import TestSupport
import Testing

/// Malformed records are named by place, stop the report, and are left out only on request.
@Suite struct MalformedRecordTests {
  static let good = #"{"RuleID":"test-rule","File":"a.py","Secret":"a secret","StartLine":3}"#

  @Test(
    arguments: [
      (#"{"File":"a.py"}"#, "RuleID is missing"), (#"{"RuleID":7,"File":"a.py"}"#, "RuleID must be text"),
      (#"{"RuleID":"r","File":"a.py","StartLine":"3"}"#, "StartLine must be a whole number"),
      (#"{"RuleID":"r","File":"a.py","StartLine":-3}"#, "StartLine must not be negative"),
      ("7", "must be an object"),
    ])
  func aMalformedRecordStopsTheReportAndIsNamed(record: String, because: String) throws {
    let text = "[\(Self.good),\n  \(record),\n\(Self.good)]"
    let error = #expect(throws: ReportError.self) {
      try Fixture.parse(text, name: "leaks.json", format: "gitleaks")
    }
    #expect(error?.place == "leaks.json:2:3")
    #expect(error?.because.contains(because) == true)
    #expect(error?.fix.contains("--keep-going") == true)
  }

  @Test func withKeepGoingTheOthersAreReadAndTheSkippedNamed() throws {
    let text = "[\(Self.good),\n{\"File\":1},\n\(Self.good)]"
    let report = try Fixture.parse(text, format: "gitleaks", keepGoing: true)
    #expect(report.findings.count == 2)
    #expect(report.skipped == [UnreadRecord(line: 2, column: 1, because: "RuleID is missing")])
  }

  @Test func aBrokenLineOfJSONLinesIsOneSkippedRecord() throws {
    let good = try Fixture.text("trufflehog.git.jsonl").trimmingCharacters(in: .newlines)
    let text = good + "\n" + good.dropLast(40) + "\n" + good + "\n"
    let error = #expect(throws: ReportError.self) { try Fixture.parse(text, name: "t.jsonl") }
    #expect(error?.place.hasPrefix("t.jsonl:2:") == true)
    let report = try Fixture.parse(text, keepGoing: true)
    #expect(report.findings.count == 2)
    #expect(report.skipped.map(\.line) == [2])
  }

  @Test func theRestAfterBrokenJSONIsNamedAsUnread() throws {
    let report = try Fixture.parse(
      "[\(Self.good),\n\(Self.good),\n{\"RuleID\" oops", format: "gitleaks", keepGoing: true)
    #expect(report.findings.count == 2)
    #expect(report.skipped.count == 1)
    #expect(report.skipped.first?.line == 3)
    #expect(report.skipped.first?.because.contains("nothing after this place was read") == true)
  }

  /// Every format, with its values made malformed in turn: an error never quotes what stood there.
  @Test(arguments: ["kingfisher.leaky-app.json", "kingfisher.leaky-app.jsonl", "kingfisher.leaky-app.sarif"])
  func anErrorNeverQuotesTheReport(file: String) throws {
    let text = try Fixture.text(file)
    for (from, to) in [
      ("\"snippet\"", "\"snippet\":1,\"x\""), ("\"line\":", "\"line\":\"x\",\"y\":"),
      ("\"uri\":", "\"uri\":7,\"x\":"),
    ]
    where text.contains(from) {
      let broken = text.replacing(from, with: to)
      let error = #expect(throws: ReportError.self) { try Fixture.parse(broken) }
      for (name, value) in Fixture.values {
        #expect(error?.description.contains(value) != true, "\(name) stands in the error")
      }
    }
  }

  @Test func aCSVRowWithTooFewFieldsIsNamedByItsLine() throws {
    let text = try Fixture.text("gitleaks.csv_simple.csv") + "rule,abc\n"
    let report = try Fixture.parse(text, keepGoing: true)
    #expect(report.findings.count == 1)
    #expect(report.skipped == [UnreadRecord(line: 3, because: "2 fields instead of 16")])
  }

  @Test func aQuotedCSVFieldMayHoldCommasQuotesAndLines() throws {
    let text = try Fixture.text("gitleaks.csv_simple.csv")
      .replacing("a secret,", with: "\"a \"\"secret\"\", of\ntwo lines\",")
    let finding = try #require(try Fixture.parse(text).findings.first)
    #expect(finding.secret?.exposeAsText() == "a \"secret\", of\ntwo lines")
    #expect(finding.location?.startLine == 1)
  }

  @Test(
    arguments: [
      "<!DOCTYPE x [<!ENTITY a \"b\">]><testsuites/>",
      "<testsuites><testcase><failure>&x;</failure></testcase></testsuites>",
      "<testsuites><testcase><failure>{</testcase></testsuites>", "<testsuites><testcase><failure>{}",
      "<html><failure>{}</failure></html>",
    ])
  func markupThatAttacksReadersIsRefused(text: String) {
    #expect(throws: ReportError.self) { try Fixture.parse(text, format: "gitleaks-junit") }
  }

  @Test func aFindingThatThePersonsMarkedAsSettledIsSetAsideAndNamed() throws {
    let baseline = try Fixture.text("detect-secrets.baseline.json")
      .replacing(#""is_verified": false,"#, with: #""is_verified": false, "is_secret": false,"#)
    let report = try Fixture.parse(baseline)
    #expect(report.findings.isEmpty)
    #expect(report.setAside.count == 50)
    let sarif = try Fixture.text("gitleaks.sarif_simple.sarif")
      .replacing("\"ruleId\"", with: "\"suppressions\": [{\"kind\": \"external\"}], \"ruleId\"")
    #expect(try Fixture.parse(sarif).setAside.count == 1)
  }
}
