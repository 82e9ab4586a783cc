import Foundation
import Incidents
import ScannerReports
import Secrets
import Testing

@Suite struct KingfisherTests {
  @Test(arguments: ["kingfisher.leaky-app.json", "kingfisher.leaky-app.jsonl"])
  func everyFindingOfARealReportBecomesAFinding(name: String) throws {
    let report = try Fixture.report(name)
    #expect(report.format == (name.hasSuffix("l") ? "kingfisher-jsonl" : "kingfisher"))
    #expect(report.findings.count == 36)
    #expect(report.skipped.isEmpty)
    #expect(!report.findings.contains { $0.kind == "unknown" })
  }

  @Test func aCleanReportHasNoFindings() throws {
    #expect(try Fixture.report("kingfisher.clean.json").findings.isEmpty)
  }

  @Test func twoDocumentsOneAfterTheOtherAreOneReport() throws {
    let text =
      try Fixture.text("kingfisher.leaky-app.json") + "\n" + (try Fixture.text("kingfisher.clean.json"))
    #expect(try Fixture.parse(text).findings.count == 36)
  }

  @Test func theScannedDirectoryIsTakenOffPathsOfTheWorkTree() throws {
    let report = try Fixture.report("kingfisher.leaky-app.json")
    let paths = Set(report.findings.compactMap { $0.location?.path })
    #expect(paths.contains(".github/ci.env"))
    #expect(!paths.contains { $0.hasPrefix("leaky-app/") })
    #expect(report.findings.allSatisfy { $0.location?.repository?.name == "leaky-app" })
  }

  @Test func anAccessKeyIDAndItsSecretAreOneCredential() throws {
    let report = try Fixture.report("kingfisher.leaky-app.json")
    let finding = try #require(report.findings.first { $0.kind == "aws_access_key" })
    #expect(finding.handle == Fixture.values["aws_access_token"])
    #expect(finding.secret?.exposeAsText() == Fixture.values["aws_secret"])
  }

  @Test(
    arguments: [
      ("deploy/sa-token.txt", 1, "k8s_service_account_token"), ("src/auth.go", 3, "jwt"),
      ("keys/id_ed25519", 1, "ssh_private_key"), ("keys/server.pem", 1, "private_key"),
      ("k8s/secret.yaml", 8, "generic_password"), ("k8s/secret.yaml", 9, "github_pat_classic"),
      ("config/db.yaml", 4, "mongodb_uri"), (".github/ci.env", 2, "github_pat_fine_grained"),
    ])
  func theValueDecidesTheKind(path: String, line: Int, kind: String) throws {
    let report = try Fixture.report("kingfisher.leaky-app.json")
    let finding = try #require(
      report.findings.first { $0.location?.path == path && $0.location?.startLine == line })
    #expect(finding.kind.rawValue == kind)
  }

  @Test func aBarePasswordOfAURIIsReadAgainFromItsLine() throws {
    let report = try Fixture.report("kingfisher.leaky-app.json")
    let finding = try #require(report.findings.first { $0.location?.path == "config/db.yaml" })
    #expect(finding.secret != nil)
    #expect(finding.alternatives.contains("postgres_uri"))
    #expect(finding.needsSource)
  }

  @Test func theSameReportTwiceNamesTheSameIncidents() throws {
    let once = IncidentGrouping.group(
      try Fixture.report("kingfisher.leaky-app.json").findings, key: Fixture.key, now: Fixture.observedAt)
    let lines = IncidentGrouping.group(
      try Fixture.report("kingfisher.leaky-app.jsonl").findings, key: Fixture.key, now: Fixture.observedAt)
    #expect(once.count == 36)
    #expect(Set(once.map(\.id)) == Set(lines.map(\.id)))
  }
}
