import Foundation
import Incidents
import JSON
import ScannerReports
import Secrets
import TestSupport
import Testing

/// Reports as people hand them on: captured from a terminal, written by PowerShell, put through jq.
@Suite struct HandedOnReportTests {
  private static func truffleHog(_ number: Int) -> String {
    let record: JSONValue = [
      "SourceMetadata": ["Data": ["Git": ["commit": "abc", "file": "a.py", "line": .integer(number)]]],
      "DetectorName": "Github", "Verified": false,
      "Raw": .string(FakeSecrets.value("github_pat_classic", "terminal \(number)")),
    ]
    return record.canonicalText
  }
  private static let log =
    #"{"level":"info-0","ts":"2026-11-30T00:00:00Z","logger":"trufflehog","msg":"scanning"}"#

  @Test func aReportCapturedFromATerminalIsRead() throws {
    let text =
      "\u{1B}]11;?\u{1B}\\\u{1B}[6n\(Self.log)\r\n\u{1B}[32m\(Self.truffleHog(1))\u{1B}[0m\r\n\(Self.log)\r\n"
      + Self.truffleHog(2) + "\r\n"
    let report = try Fixture.parse(text)
    #expect(report.format == "trufflehog")
    #expect(report.findings.count == 2)
    #expect(report.setAside.first?.because.contains("2 lines hold a program's text") == true)
  }

  @Test func aBannerBeforeTheFirstRecordIsNamed() throws {
    let report = try Fixture.parse(
      "🐷🔑🐷  TruffleHog. Unearth your secrets. 🐷🔑🐷\r\n\r\n\(Self.truffleHog(1))\n")
    #expect(report.findings.count == 1)
    #expect(report.setAside.map(\.line) == [1])
  }

  @Test func aLogsTimeBeforeEachRecordIsNoObstacle() throws {
    let text = (1...2).map { "2026-11-30T00:00:0\($0)Z stdout F \(Self.truffleHog($0))" }.joined(
      separator: "\n")
    #expect(try Fixture.parse(text).findings.count == 2)
  }

  @Test(arguments: [String.Encoding.utf16LittleEndian, .utf16BigEndian])
  func whatPowerShellWritesIsRead(encoding: String.Encoding) throws {
    let text = try Fixture.text("detect-secrets.baseline.json").replacing("\n", with: "\r\n")
    let body = try #require(text.data(using: encoding))
    for mark: [UInt8] in [encoding == .utf16LittleEndian ? [0xFF, 0xFE] : [0xFE, 0xFF], []] {
      var reading = ReportReading(ReportOptions(sourceName: "r", observedAt: Fixture.observedAt))
      var items: [ReportItem] = []
      for byte in mark + Array(body) { items += try reading.feed([byte]) }
      items += try reading.finish()
      #expect(items.count == 50)
    }
  }

  @Test(arguments: [([UInt8](arrayLiteral: 0x1F, 0x8B, 8, 0), "gunzip"), ([0x50, 0x4B, 3, 4], "unzip")])
  func aPackedReportSaysHowToUnpackIt(bytes: [UInt8], command: String) throws {
    let error = #expect(throws: ReportError.self) {
      try ScannerReport.parse(bytes, ReportOptions(sourceName: "r", observedAt: Fixture.observedAt))
    }
    #expect(error?.fix.contains(command) == true)
  }

  @Test func everyShapeOfJqIsTheSameReport() throws {
    let lines = (1...2).map(Self.truffleHog)
    let pretty = try lines.map { line in
      let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
      let data = try JSONSerialization.data(withJSONObject: value, options: .prettyPrinted)
      return String(decoding: data, as: UTF8.self)
    }
    for text in [
      lines.joined(separator: "\n"), "[\(lines.joined(separator: ","))]", pretty.joined(separator: "\n"),
      "[\(lines[0])]\n[\(lines[1])]\nnull\n", "[[\(lines[0])],[\(lines[1])]]",
    ] {
      let report = try Fixture.parse(text)
      #expect(report.format == "trufflehog")
      #expect(report.findings.compactMap { $0.location?.startLine } == [1, 2])
    }
    let gitleaks = try Fixture.text("gitleaks.json_simple.json")
    let records = try #require(try JSONValue(parsing: gitleaks).array)
    let asLines = records.map(\.canonicalText).joined(separator: "\n")
    #expect(try Fixture.parse(asLines).findings.count == records.count)
    #expect(try Fixture.parse(gitleaks + gitleaks).findings.count == 2 * records.count)
    let kingfisher = try Fixture.text("kingfisher.leaky-app.json")
    #expect(try Fixture.parse("[\(kingfisher)]").findings.count == 36)
  }

  /// The last line on standard output is a summary in which `findings` is a number: short reports were taken for the
  /// other form of Kingfisher, and every finding was lost.
  @Test func kingfishersSummaryDoesNotHideItsFindings() throws {
    let lines = try Fixture.text("kingfisher.leaky-app.jsonl").split(separator: "\n")
    let summary = #"{"findings":2,"successful_validations":0,"kingfisher":{"version_used":"2.14.0"}}"#
    let text = (lines.prefix(2) + lines.suffix(1)).joined(separator: "\n") + "\n\(summary)\n"
    let report = try Fixture.parse(text)
    #expect(report.format == "kingfisher-jsonl")
    #expect(report.findings.count == 2)
  }

  @Test func textForPeopleNamesTheCommandForAReport() {
    let error = #expect(throws: ReportError.self) {
      try Fixture.parse("AWS-ACCESS-TOKEN\n |Finding.........: x\n |Path............: a\n")
    }
    #expect(error?.because.contains("Kingfisher") == true)
    #expect(error?.fix.contains("--format jsonl") == true)
  }

  @Test func textAloneIsNeverACleanReport() {
    #expect(throws: ReportError.self) { try Fixture.parse("nothing to see\n", format: "trufflehog") }
    #expect(throws: ReportError.self) { try Fixture.parse("RuleID,Commit\nx,y\n", format: "gitleaks") }
  }
}

/// What is in a record, as older and other programs write it.
@Suite struct RecordContentTests {
  @Test func aTextWithNULKeepsItsFindingAndDamagesNoOther() throws {
    func row(_ number: Int, _ match: String) -> String {
      #"{"RuleID":"github-pat","File":"bin/\#(number)","Match":"\#(match)","StartLine":\#(number),"Secret":"\#(FakeSecrets.value("github_pat_classic", "\(number)"))"}"#
    }
    let report = try Fixture.parse("[\(row(1, "t")),\(row(2, "t\\u0000\\ud800")),\(row(3, "t"))]")
    #expect(report.findings.count == 3)
    #expect(report.findings.allSatisfy { $0.secret != nil })
  }

  @Test func aValueThatIsNoTextIsNoValue() throws {
    let report = try Fixture.parse(
      "[{\"RuleID\":\"generic-api-key\",\"File\":\"a\",\"StartLine\":1,\"Secret\":\"ab\\u0000cdefgh\"}]")
    let finding = try #require(report.findings.first)
    #expect(finding.secret == nil)
    #expect(finding.needsSource)
  }

  @Test(arguments: ["colon", "none", "named", "json"])
  func theSecretHalfOfATwoPartCredentialIsKept(form: String) throws {
    let id = FakeSecrets.value("aws_access_key_id", "pair")
    let secret = FakeSecrets.value("aws_secret", "pair")
    var record: [String: JSONValue] = [
      "SourceMetadata": ["Data": ["Git": ["file": "keys", "line": 4]]], "DetectorName": "AWS",
      "Raw": .string(id),
    ]
    switch form {
    case "colon": record["RawV2"] = .string("\(id):\(secret)")
    case "none": record["RawV2"] = .string(id + secret)
    case "named": record["SecretParts"] = ["key": .string(id), "secret": .string(secret)]
    default:
      let both: JSONValue = ["id": .string(id), "secret_key": .string(secret)]
      record["RawV2"] = .string(both.canonicalText)
    }
    let finding = try #require(try Fixture.parse(JSONValue.object(record).canonicalText).findings.first)
    #expect(finding.kind == "aws_access_key")
    #expect(finding.handle == id)
    #expect(finding.secret?.exposeAsText() == secret)
  }

  @Test(
    arguments: [
      ("tokenvalue12345", "tokenvalue12345", "tokenvalue12345"),
      ("shorttoken", "shorttoken.example.org", "shorttoken"),
      ("client-id-1", "client-id-1" + "S3cretHalfThatIsMuchLonger", "S3cretHalfThatIsMuchLonger"),
      ("S3cretOfAzure", "S3cretOfAzure" + "11111111-2222-3333-4444-555555555555", "S3cretOfAzure"),
      ("tok3nOfDocker", "somebody:tok3nOfDocker", "tok3nOfDocker"),
    ])
  func ofOtherPairsTheHalfThatIsNoNameIsTheSecret(raw: String, both: String, secret: String) throws {
    let record: JSONValue = [
      "SourceMetadata": ["Data": ["Git": ["file": "keys", "line": 4]]], "DetectorName": "Somebody",
      "Raw": .string(raw), "RawV2": .string(both),
    ]
    #expect(try Fixture.parse(record.canonicalText).findings.first?.secret?.exposeAsText() == secret)
  }

  @Test(
    arguments: [
      ("Privacy%20Policy.md", "Privacy Policy.md"), ("100%.tf", "100%.tf"), ("caf%C3%A9.txt", "café.txt"),
      ("100%25%20a.tf", "100% a.tf"), ("file:///D:/srv/app/a.json", "D:/srv/app/a.json"),
      ("file:///srv/a%20b.json", "/srv/a b.json"), ("src\\a.cs", "src/a.cs"), ("a%00b", "a%00b"),
    ])
  func sarifsAddressesBecomePaths(address: String, path: String) throws {
    let report = try Fixture.parse(
      #"{"version":"2.1.0","runs":[{"results":[{"ruleId":"r","locations":[{"physicalLocation":{"artifactLocation":{"uri":\#(JSONValue.quoted(address))},"region":{"startLine":-1}}}]}]}]}"#
    )
    #expect(report.findings.first?.location?.path == path)
    #expect(report.findings.first?.location?.startLine == nil)
  }

  @Test func aSarifResultMayNameItsRuleByNumber() throws {
    func run(_ tool: String, _ results: String, rulesFirst: Bool) -> String {
      let rules = #""tool":{"driver":{"name":"\#(tool)","rules":[{"id":"a"},{"id":"github-pat"}]}}"#
      return rulesFirst ? "{\(rules),\(results)}" : "{\(results),\(rules)}"
    }
    let results =
      #""results":[{"ruleIndex":1,"message":{"text":"x"}},{"rule":{"index":1}},{"message":{"text":"x"}}]"#
    let report = try Fixture.parse(
      #"{"version":"2.1.0","runs":[\#(run("x", results, rulesFirst: true)),\#(run("y", results, rulesFirst: false))]}"#
    )
    #expect(
      report.findings.map(\.detector.rule) == [
        "github-pat", "github-pat", "unknown", "rule 1", "rule 1", "unknown",
      ])
  }

  @Test func aBaselineBeforeDetectSecrets1NamesTheFileByItsKey() throws {
    let text =
      #"{"version":"0.13.1+ibm.61.dss","plugins_used":[],"results":{"docs/keys.md":[{"hashed_secret":"a","line_number":3,"type":"Secret Keyword","verified_result":true}]}}"#
    let finding = try #require(try Fixture.parse(text).findings.first)
    #expect(finding.location?.text == "docs/keys.md:3")
    #expect(finding.validity == .active)
  }

  @Test func aNoseyParkerMatchWithoutProvenanceIsAFinding() throws {
    let value = FakeSecrets.value("github_pat_classic")
    let group = JSONValue.array([.string(Data(value.utf8).base64EncodedString())])
    let report = try Fixture.parse(
      JSONValue.array([
        [
          "rule_name": "GitHub", "groups": group, "num_matches": 3,
          "matches": [["blob_id": "abc", "provenance": []], [:]],
        ],
        ["rule_name": "GitHub", "groups": group, "matches": []],
      ]).canonicalText)
    #expect(report.findings.count == 3)
    #expect(report.findings.allSatisfy { $0.secret?.exposeAsText() == value })
    #expect(report.setAside.first?.because.contains("2 of the finding's 3 places") == true)
  }

  /// One bad part of a record costs no other.
  @Test func aBadAlertCostsNoOther() throws {
    let alerts =
      #"[{"number":1,"secret_type":"x"},{"number":"two","secret_type":"x"},{"number":3,"secret_type":"x"}]"#
    let report = try Fixture.parse(alerts + alerts, format: "github", keepGoing: true)
    #expect(report.findings.count == 4)
    #expect(report.skipped.count == 2)
    let nosey =
      #"[{"rule_name":"r","matches":[{"provenance":[{"path":7},{"path":"b"}]},7,{"provenance":[{"path":"c"}]}]}]"#
    #expect(try Fixture.parse(nosey, keepGoing: true).findings.isEmpty == false)
  }

  @Test func aValueInBase64IsKeptByteForByte() throws {
    let bytes: [UInt8] = [0xFF, 0xFE, 0x00, 0x41, 0x42]
    let text =
      #"{"schema":"staunch.findings/1","findings":[{"kind":"generic_password","value_base64":"\#(Data(bytes).base64EncodedString())"}]}"#
    #expect(try Fixture.parse(text).findings.first?.secret?.exposeAsBytes() == bytes)
  }
}

/// The other syntaxes: a malformed row or element costs no other.
@Suite struct NeighbourTests {
  private static let head = "RuleID,Commit,File,SymlinkFile,Secret,Match,StartLine,EndLine"
  private static func row(_ number: Int, secret: String = "value") -> String {
    "rule,,a.py,,\(secret)\(number),m,\(number),1"
  }

  @Test(
    arguments: [
      "rule,,a.py,,\"never closed,m,2,1", "rule,,a\"b.py,,v,m,2,1", "rule,,\"a\"b,,v,m,2,1", "rule,,a.py",
    ], [1, 9, 4096])
  func aMalformedRowCostsNoOther(bad: String, size: Int) throws {
    let text = [Self.head, Self.row(1), bad, Self.row(3), Self.row(4)].joined(separator: "\n") + "\n"
    var reading = ReportReading(
      ReportOptions(sourceName: "r", keepGoing: true, observedAt: Fixture.observedAt))
    var items: [ReportItem] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      items += try reading.feed(bytes[start..<min(start + size, bytes.count)])
    }
    items += try reading.finish()
    var lines: [Int] = []
    var skipped: [Int] = []
    for item in items {
      switch item {
      case .finding(let finding): lines.append(finding.location?.startLine ?? 0)
      case .malformed(let record): skipped.append(record.line)
      case .setAside: break
      }
    }
    #expect(lines == [1, 3, 4])
    #expect(skipped == [3])
  }

  @Test func aRowOfABinaryFileKeepsItsFinding() throws {
    let bytes =
      Array("\(Self.head)\nrule,,bin/a,,".utf8) + [0x61, 0x00, 0xFF] + Array(",m,1,1\n\(Self.row(2))\n".utf8)
    let report = try ScannerReport.parse(
      bytes, ReportOptions(sourceName: "r", observedAt: Fixture.observedAt))
    #expect(report.findings.map { $0.secret == nil } == [true, false])
  }

  @Test func aMalformedElementCostsNoOther() throws {
    func failure(_ text: String) -> String { "<testcase><failure>\(text)</failure></testcase>" }
    func row(_ number: Int) -> String { #"{"RuleID":"r","File":"a.py","StartLine":\#(number),"Secret":"v"}"# }
    let text =
      "<testsuites>\n\(failure(row(1)))\n\(failure("&nope;"))\n\(failure("R & D"))\n\(failure("{"))\n\(failure(row(5)))\n</testsuites>"
    let report = try Fixture.parse(text, keepGoing: true)
    #expect(report.findings.compactMap { $0.location?.startLine } == [1, 5])
    #expect(report.skipped.map(\.line) == [3, 4, 5])
  }
}
