import Cryptography
import Foundation
import Incidents
import ScannerReports
import Secrets
import TestSupport
import Testing

@Suite struct SecretRecoveryTests {
  private func finding(
    _ kind: CredentialKind, line: Int = 1, source: FindingSource = .detectSecrets, path: String = "a.env",
    _ change: (inout Finding) -> Void = { _ in }
  ) -> Finding {
    var finding = Finding(
      source: source, kind: kind, detector: Detector(rule: "rule"), observedAt: Fixture.observedAt)
    finding.location = Location(.file, path: path, startLine: line)
    change(&finding)
    return finding
  }

  private func recovered(_ finding: Finding, _ text: String) throws -> [Finding] {
    switch SecretRecovery.recover(finding, from: Secret(text)) {
    case .found(let findings): return findings
    case .notFound(_, let because): throw Program.Failure(description: because)
    }
  }

  private func sha1(_ text: String) -> String { Hex.text(Insecure.SHA1.hash(data: Array(text.utf8))) }

  @Test(
    arguments: [
      "PASSWORD=hunter22", "password = 'hunter22'", "password: \"hunter22\",",
      "db: mysql://root:hunter22@host/db",
      "call(user, `hunter22`)", "  hunter22  ", "export A=1 B=hunter22; true",
    ])
  func theHashPicksTheValueOutOfTheLine(line: String) throws {
    let hash = sha1("hunter22")
    let found = try recovered(
      finding("generic_password", line: 2) { $0.weakHashes.sha1 = hash }, "first\r\n\(line)\r\nthird")
    #expect(found.map { $0.secret?.exposeAsText() } == ["hunter22"])
  }

  /// detect-secrets hashes every such token to sha1("ghp") and keeps one entry for a file (measured).
  @Test func oneEntryForSeveralTokensGivesThemAll() throws {
    let one = FakeSecrets.value("github_pat_classic", "1")
    let two = FakeSecrets.value("github_app_token", "2")
    let hash = sha1("ghp")
    let entry = finding("github_pat_classic", line: 1) {
      $0.alternatives = ["github_app_token"]
      $0.weakHashes.sha1 = hash
    }
    let found = try recovered(entry, "A=\(one)\nB=1\nC=\(two)\n")
    #expect(found.map { $0.secret?.exposeAsText() } == [one, two])
    #expect(found.map(\.kind) == ["github_pat_classic", "github_app_token"])
    #expect(found.map { $0.location?.startLine } == [1, 3])
  }

  @Test func aLineThatHasChangedGivesNothing() {
    let hash = sha1("hunter22")
    let entry = finding("generic_password") { $0.weakHashes.sha1 = hash }
    for text in ["PASSWORD=other", ""] {
      guard case .notFound = SecretRecovery.recover(entry, from: Secret(text)) else {
        Issue.record("a value was made up")
        return
      }
    }
    guard case .notFound = SecretRecovery.recover(finding("npm_token", line: 9), from: Secret("one line"))
    else {
      Issue.record("a line was made up")
      return
    }
  }

  @Test func whatARedactionLeftFindsTheValue() throws {
    let entry = finding("generic_api_key", source: .gitleaks) {
      $0.redactedMatch = RedactedMatch(before: "api_key = \"", after: "\"")
    }
    #expect(
      try recovered(entry, "api_key = \"the value\" # note").first?.secret?.exposeAsText() == "the value")
  }

  @Test func theLineTellsWhichDatabaseAPasswordOpens() throws {
    let entry = finding("basic_auth_url", source: .kingfisher) {
      $0.secret = Secret("hunter22")
      $0.alternatives = ["postgres_uri", "mysql_uri"]
    }
    let found = try recovered(entry, "url=postgres://app:hunter22@db:5432/orders other=mysql://root:x@h/d")
    #expect(found.first?.kind == "postgres_uri")
    #expect(found.first?.handle == "app@db:5432/orders")
    #expect(found.first?.alternatives.isEmpty == true)
  }

  @Test func `a mask where the password should be is told, and no value`() async {
    let result = await SecretRecovery.complete([finding("postgres_uri")]) { _ in
      Secret("url=postgres://app:****@db:5432/orders")
    }
    #expect(result.findings.first?.secret == nil)
    #expect(result.findings.first?.handle == "app@db:5432/orders")
    #expect(result.unresolved.first?.because.contains("a mask") == true)
  }

  @Test(
    arguments: [
      "host=db port=5433 dbname=orders user=app password='hunter 22'",
      "DSN=\"host=db user=app password=hunter-22\"", "dsn: host=db user=app password=hunter-22",
      "<add name=\"x\" connectionString=\"Server=db;User Id=app;Password=hunter-22;\" />",
    ])
  func `recovery by line finds URIs only`(line: String) throws {
    let found = try recovered(finding("postgres_uri", source: .manual), line)
    #expect(found.count == 1)
    #expect(found.first?.secret?.exposeAsText().hasPrefix("hunter") == true)
    #expect(found.first?.handle?.hasPrefix("app@db") == true)
  }

  @Test func `a mask with its ends left visible finds nothing on its line`() throws {
    let value = FakeSecrets.value("aws_secret")
    let mask = value.prefix(7) + String(repeating: "*", count: value.count - 14) + value.suffix(7)
    let entry = finding("aws_access_key", source: .ggshield) {
      $0.redactedMatch = RedactedMatch(before: "", after: "", mask: String(mask))
    }
    #expect(try recovered(entry, "secret = \"\(value)\"  # other").first?.secret?.exposeAsText() == value)
    guard case .notFound(_, let because) = SecretRecovery.recover(entry, from: Secret("secret = \"changed\""))
    else {
      Issue.record("a value was made up")
      return
    }
    #expect(because.contains("has changed"))
  }

  @Test func `the file is said to have changed, where the report never said which part is the value`() {
    let entry = finding("generic_password", source: .manual)
    guard case .notFound(_, let because) = SecretRecovery.recover(entry, from: Secret("password = load()"))
    else {
      Issue.record("a value was made up")
      return
    }
    #expect(because.contains("names only the line"))
  }

  @Test func anAccessKeyIDFindsItsSecretNearby() throws {
    let id = FakeSecrets.value("aws_access_key_id")
    let secret = FakeSecrets.value("aws_secret")
    let entry = finding("aws_access_key", source: .gitleaks) { $0.handle = id }
    let text = "AWS_ACCESS_KEY_ID=\(id)\nAWS_SECRET_ACCESS_KEY=\(secret)\n"
    #expect(try recovered(entry, text).first?.secret?.exposeAsText() == secret)
    let two = text + "OTHER=\(FakeSecrets.value("aws_secret", "2"))\n"
    #expect(try recovered(entry, two).first?.secret == nil)
  }

  @Test func aPathThatLeadsOutIsNeverRead() async {
    let entries = [finding("npm_token", path: "../outside"), finding("npm_token", path: "/etc/passwd")]
    let result = await SecretRecovery.complete(entries) { location in
      Issue.record("\(location.text) was read")
      return nil
    }
    #expect(result.unresolved.count == 2)
    #expect(result.findings.count == 2)
  }
}
