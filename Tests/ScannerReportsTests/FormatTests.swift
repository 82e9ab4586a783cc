import Foundation
import Incidents
import JSON
import ScannerReports
import Secrets
import Testing

/// What every format must give, one row a fixture: the contract of ``ReportFormat``.
@Suite struct FormatTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let file: String
    let format: String
    let source: FindingSource
    let kind: CredentialKind
    let place: String?
    var count = 1
    var hasValue = true
    var handle: String?
    var key: String?
    var testDescription: String { file }
  }

  static let example = "AK" + "IAIOSFODNN7EXAMPLE"
  static let rows: [Row] = [
    Row(
      file: "gitleaks.json_simple.json", format: "gitleaks", source: .gitleaks, kind: "unknown",
      place: "auth.py:1"),
    Row(
      file: "gitleaks.csv_simple.csv", format: "gitleaks-csv", source: .gitleaks, kind: "unknown",
      place: "auth.py:1"),
    Row(
      file: "gitleaks.junit_simple.xml", format: "gitleaks-junit", source: .gitleaks, kind: "unknown",
      place: "auth.py:1", count: 2),
    Row(
      file: "gitleaks.sarif_simple.sarif", format: "sarif", source: .gitleaks, kind: "unknown",
      place: "auth.py:1"),
    Row(
      file: "kingfisher.leaky-app.sarif", format: "sarif", source: .kingfisher, kind: "github_pat_classic",
      place: "scripts/tmp_release.sh:1 (463b192f1968)", count: 36),
    Row(
      file: "trufflehog.git.jsonl", format: "trufflehog", source: .trufflehog, kind: "aws_access_key",
      place: "keys:4 (fbc14303ffbf)", hasValue: false, handle: Fixture.values["aws_access_token"]),
    Row(
      file: "detect-secrets.baseline.json", format: "detect-secrets", source: .detectSecrets,
      kind: "github_pat_classic", place: ".github/ci.env:1", count: 50, hasValue: false),
    Row(
      file: "gitlab.v15.json", format: "gitlab", source: .gitlab, kind: "aws_access_key",
      place: "README.md:5",
      hasValue: false, handle: example),
    Row(
      file: "ggshield.path.json", format: "ggshield", source: .ggshield, kind: "aws_access_key",
      place: "/srv/ggrepo/conf.ini:2", count: 2, hasValue: false),
    Row(
      file: "github.created.json", format: "github", source: .github, kind: "openai_api_key", place: "other",
      hasValue: false, key: "github:257423561:42"),
    Row(
      file: "github.created.form", format: "github", source: .github, kind: "openai_api_key", place: "other",
      hasValue: false, key: "github:257423561:42"),
    Row(
      file: "github.reopened.json", format: "github", source: .github, kind: "unknown", place: "other",
      hasValue: false, key: "github:257423561:191"),
    Row(
      file: "github.location.created.commit.json", format: "github", source: .github, kind: "openai_api_key",
      place: "src/llm.py:4 (f14d7debf977)", hasValue: false, key: "github:257423561:42"),
    Row(
      file: "github.location.created.issue_comment.json", format: "github", source: .github,
      kind: "openai_api_key",
      place: "https://github.com/Codertocat/Hello-World/issues/7#issuecomment-1081119451", hasValue: false,
      key: "github:257423561:42"),
    Row(
      file: "github-partner.json", format: "github-partner", source: .githubPartner, kind: "unknown",
      place: "foo/bar.txt (12345600b9cb)"),
    Row(
      file: "gitguardian.incident_triggered.json", format: "gitguardian", source: .gitguardian,
      kind: "generic_password", place: nil, hasValue: false, key: "gg:31542"),
    Row(
      file: "aws.eventbridge.json", format: "aws-health", source: .awsHealth, kind: "aws_access_key",
      place: nil,
      hasValue: false, handle: "ACCESS_KEY_ID_HERE",
      key:
        "awshealth:arn:aws:health:us-east-1::event/AWS_RISK_CREDENTIALS_EXPOSED_XXXXXXXXXXXXXXXXX:ACCESS_KEY_ID_HERE"
    ),
    Row(
      file: "cloudevents.structured.json", format: "cloudevents", source: .gitleaks, kind: "aws_access_key",
      place: "config/aws.env:1 (463b192f1968)", hasValue: false, handle: example),
    Row(
      file: "cloudevents.batch.json", format: "cloudevents", source: .gitleaks, kind: "aws_access_key",
      place: "config/aws.env:1 (463b192f1968)", count: 2, hasValue: false, handle: example),
  ]

  @Test(arguments: rows)
  func aRealReportIsRecognisedAndRead(row: Row) throws {
    let report = try Fixture.report(row.file)
    #expect(report.format == row.format)
    #expect(report.skipped.isEmpty)
    #expect(report.findings.count == row.count)
    let finding = try #require(report.findings.first)
    #expect(finding.source == row.source)
    #expect(finding.kind == row.kind || finding.alternatives.contains(row.kind))
    #expect(finding.location?.text == row.place)
    #expect((finding.secret != nil) == row.hasValue)
    #expect(finding.handle == row.handle)
    #expect(finding.providerKey == row.key)
  }

  @Test(arguments: [
    (
      "AWS_RISK_CREDENTIALS_EXPOSED", "AKIA", "aws_access_key", true as Bool?, Validity.notChecked,
      Confidence.high
    ),
    ("AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED", "AKIA", "aws_access_key", nil, .notChecked, .medium),
    ("AWS_RISK_CREDENTIALS_COMPROMISED", "ASIA", "aws_session_token", nil, .active, .high),
    ("AWS_RISK_CREDENTIALS_COMPROMISE_SUSPECTED", "AKIA", "aws_access_key", nil, .notChecked, .medium),
    ("AWS_RISK_IAM_QUARANTINE", "AKIA", "aws_access_key", nil, .notChecked, .high),
    ("AWS_RISK_IAM_QUARANTINE", "arn:aws:iam::123456789012:user/", "unknown", nil, .notChecked, .high),
    ("AWS_RISK_ACCOUNT_CONSOLE_COMPROMISE", "", "unknown", nil, .notChecked, .high),
  ])
  func `every risk that AWS Health tells of is a finding`(
    code: String, prefix: String, kind: String, isPublic: Bool?, validity: Validity, confidence: Confidence
  ) throws {
    let entity = prefix + "123456789012EXAM"
    let report = try Fixture.parse(
      """
      {"version":"0","detail-type":"AWS Health Event","source":"aws.health","detail":{"eventArn":"arn:1",\
      "service":"RISK","eventTypeCode":"\(code)","affectedEntities":[{"entityValue":"\(entity)"}]}}
      """)
    let finding = try #require(report.findings.first)
    #expect(finding.kind.rawValue == kind && finding.handle == entity)
    #expect(finding.exposure.isPubliclyLeaked == isPublic)
    #expect(finding.validity == validity && finding.confidence == confidence)
  }

  @Test(arguments: rows, [1, 777])
  func theSizeOfThePiecesDoesNotMatter(row: Row, size: Int) throws {
    let bytes = Array(try Fixture.text(row.file).utf8)
    var reading = ReportReading(ReportOptions(sourceName: row.file, observedAt: Fixture.observedAt))
    var count = 0
    for start in stride(from: 0, to: bytes.count, by: size) {
      count += try reading.feed(bytes[start..<min(start + size, bytes.count)]).count
    }
    count += try reading.finish().count
    #expect(count == row.count)
  }

  /// A report cut anywhere is never a shorter report: it is refused, or (line by line) one line short.
  @Test(arguments: rows)
  func aReportThatWasCutIsNeverSilentlyShorter(row: Row) throws {
    let bytes = Array(try Fixture.text(row.file).utf8)
    guard !row.file.hasSuffix(".csv") else { return }  // a cut CSV row has fewer fields only inside the row
    for cut in [bytes.count / 3, bytes.count / 2, bytes.count * 9 / 10] {
      #expect(throws: ReportError.self) {
        try Fixture.parse(String(decoding: bytes[..<cut], as: UTF8.self), format: row.format)
      }
    }
  }

  @Test(arguments: rows)
  func noValueOfTheReportStandsInAnyTextForm(row: Row) throws {
    let text = try Fixture.text(row.file)
    let report = try Fixture.parse(text, keepGoing: true)
    var output = "\(report) "
    for finding in report.findings { output += "\(finding) \(String(reflecting: finding)) " }
    for incident in IncidentGrouping.group(report.findings, key: Fixture.key, now: Fixture.observedAt) {
      output += incident.openedBody.canonicalText + "\(incident)"
    }
    for (name, value) in Fixture.values
    where text.contains(value)
      && !["aws_access_token", "aws_example_key_id", "twilio_api_key"].contains(name)
    {
      #expect(!output.contains(value), "\(name) stands in the output")
    }
  }

  @Test func everyFormatHasItsOwnName() {
    let names = Registry.formats.map { $0.name }
    #expect(Set(names).count == names.count)
    #expect(Set(Self.rows.map(\.format)).isSubset(of: Set(names)))
  }

  @Test func `the page of reports names every format as it is`() throws {
    let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: top.appending(path: "docs/REPORTS.md"), encoding: .utf8)
    for format in Registry.formats {
      #expect(page.contains("\n| `\(format.name)` | \(format.summary) |\n"), "\(format.name)")
    }
  }

  @Test(arguments: ["[]", " [ ]\n"])
  func aScannerThatFoundNothingIsNoError(text: String) throws {
    #expect(try Fixture.parse(text).findings.isEmpty)
  }

  @Test func anEmptyReportIsNoReportAlsoWhenTheFormatIsGiven() throws {
    for format in [nil] + Registry.formats.map({ Optional($0.name) }) {
      let error = #expect(throws: ReportError.self, "\(format ?? "")") {
        try Fixture.parse(" \n", format: format)
      }
      #expect(error?.code == .empty || format != nil, "\(format ?? "")")
    }
  }

  @Test(arguments: ["hello", "{\"a\":1}", "[1,2]", "key,value\na,b\n", "42"])
  func anUnknownReportNamesTheFormats(text: String) throws {
    let error = #expect(throws: ReportError.self) { try Fixture.parse(text) }
    #expect(error?.code == .unknownFormat)
    #expect(error?.fix.contains("--format") == true)
  }

  @Test func aFormatThatDoesNotExistNamesThoseThatDo() throws {
    let error = #expect(throws: ReportError.self) { try Fixture.parse("[]", format: "gitleak") }
    #expect(error?.code == .noSuchFormat)
    #expect(error?.fix.contains("gitleaks-csv") == true)
  }

  @Test func aReportReadAsAnotherFormatIsRefusedAndNeverEmpty() throws {
    for format in Registry.formats.map({ $0.name }) where format != "gitleaks" && format != "betterleaks" {
      #expect(throws: ReportError.self, "\(format) took gitleaks' report for one that found nothing") {
        try Fixture.parse(try Fixture.text("gitleaks.json_simple.json"), format: format)
      }
    }
  }
}
