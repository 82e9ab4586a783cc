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

  // MARK: nothing in it

  private static let log = #"{"level":"info-0","ts":"2026-01-01T00:00:00Z","logger":"trufflehog","#

  /// Reports in which nothing stands, and nothing shows that anything was scanned to the end.
  private static let unproven: [(format: String?, text: String)] = [
    (nil, #"{"version":"2.1.0","$schema":"https://x/sarif-2.1.0.json","runs":[]}"#),
    (nil, #"{"version":"2.1.0","$schema":"https://x/sarif-2.1.0.json","runs":null}"#),
    (nil, #"{"version":"2.1.0","$schema":"https://x/sarif-2.1.0.json"}"#),
    (nil, #"{"version":"2.1.0","runs":[null]}"#), ("sarif", #"[{"version":"2.1.0","runs":[]}]"#),
    (nil, #"{"version":"2.1.0","runs":[{\#(driver),"results":[null]}]}"#),
    (nil, "null"), ("kingfisher", "null"), ("trufflehog", "null"), ("gitleaks", "[null]"),
    ("gitleaks-csv", ""), (nil, "RuleID,Commit,File,SymlinkFile,Secret,Match,StartLine,EndLine\n"),
    (nil, "<?xml version=\"1.0\"?><testsuites></testsuites>"),
    (nil, #"<testsuites><testsuite failures="3" name="gitleaks" tests="3"></testsuite></testsuites>"#),
    ("trufflehog", ""), ("trufflehog", "[]"), ("trufflehog", "no JSON\n"),
    (nil, #"\#(log)"msg":"running source"}"#),
    (nil, #"\#(log)"msg":"finished scanning","chunks":4,"verified_secrets":2,"unverified_secrets":0}"#),
    (
      nil,
      #"""
      {"level":"error","ts":"2026-01-01T00:00:00Z","logger":"trufflehog","msg":"error scanning","error":"x"}
      \#(log)"msg":"finished scanning","chunks":0,"verified_secrets":0,"unverified_secrets":0}
      """#
    ),
    (nil, #"{"version":"1.5.0","plugins_used":[],"results":null,"generated_at":"2026-01-01T00:00:00Z"}"#),
    (nil, #"{"version":"1.5.0","plugins_used":[],"results":[],"generated_at":"2026-01-01T00:00:00Z"}"#),
    (nil, #"{"version":"1.5.0","plugins_used":[],"generated_at":"2026-01-01T00:00:00Z"}"#),
    ("kingfisher", #"{"findings":null,"metadata":{"target":"/src/app"}}"#),
    ("kingfisher-jsonl", ""), ("kingfisher-jsonl", "[]"), ("noseyparker-jsonl", ""),
    ("noseyparker-jsonl", "[]"),
    ("gitlab", #"{"version":"15.0.7","scan":{"status":"success"},"vulnerabilities":null}"#),
    (
      nil,
      #"{"version":"15.0.7","scan":{"status":"failure","type":"secret_detection"},"vulnerabilities":[]}"#
    ),
    (nil, #"{"id":"x","type":"path_scan","total_incidents":2,"secrets_engine_version":"2.1"}"#),
    ("ggshield", #"{"id":"x","type":"path_scan","entities_with_incidents":null}"#),
    (nil, #"{"schema":"staunch.findings/1","findings":null}"#),
  ]

  @Test(arguments: unproven.indices)
  func `0 findings of a report that shows no finished scan`(number: Int) throws {
    let (format, text) = Self.unproven[number]
    #expect(throws: ReportError.self, "\(format ?? "") \(text)") { try Fixture.parse(text, format: format) }
    do {
      let report = try Fixture.parse(text, format: format, keepGoing: true)
      #expect(report.findings.isEmpty && !report.skipped.isEmpty, "\(format ?? "") \(text)")
    } catch {
      #expect(error.code == .unknownFormat || error.code == .empty, "\(format ?? "") \(text)")
    }
  }

  /// What scanners write when they have scanned everything and found nothing.
  private static let proven: [(format: String?, text: String)] = [
    (nil, #"{"version":"2.1.0","runs":[{\#(driver),"results":[]}]}"#), (nil, "[]"), ("gitleaks", "null"),
    (
      nil,
      #"<?xml version="1.0" encoding="UTF-8"?><testsuites><testsuite failures="0" name="gitleaks" tests="0" time=""></testsuite></testsuites>"#
    ),
    (nil, #"\#(log)"msg":"finished scanning","chunks":4,"verified_secrets":0,"unverified_secrets":0}"#),
    (
      "trufflehog",
      """
      🐷🔑🐷  TruffleHog. Unearth your secrets. 🐷🔑🐷

      2026-01-01T00:00:00Z\tinfo-0\ttrufflehog\tfinished scanning\t{"chunks": 4, "bytes": 9, "verified_secrets": 0, "unverified_secrets": 0}
      """
    ),
    (nil, #"{"version":"1.5.0","plugins_used":[],"results":{},"generated_at":"2026-01-01T00:00:00Z"}"#),
    (
      nil,
      #"{"version":"15.0.7","scan":{"status":"success","type":"secret_detection"},"vulnerabilities":[]}"#
    ),
    (nil, #"{"id":"x","type":"path_scan","total_incidents":0,"secrets_engine_version":"2.1"}"#),
    (nil, #"{"schema":"staunch.findings/1","findings":[]}"#), ("noseyparker", "[]"),
  ]

  @Test(arguments: proven.indices)
  func `a whole scan that found nothing is an error`(number: Int) throws {
    let (format, text) = Self.proven[number]
    let report = try Fixture.parse(text, format: format)
    #expect(report.findings.isEmpty && report.skipped.isEmpty, "\(format ?? "") \(text)")
  }

  @Test func `null between the findings of two reports costs them`() throws {
    let finding = #"{"RuleID":"r","File":"a.py","StartLine":1,"Secret":"v"}"#
    let report = try Fixture.parse("[[\(finding)],null]")
    #expect(report.findings.count == 1 && report.setAside.count == 1)
  }
}
