import Foundation
import Incidents
import ScannerReports
import Secrets
import Subprocess
import TestSupport
import Testing

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// The real Kingfisher, gitleaks and detect-secrets (PyPI) on a planted repository. `make test` installs them.
@Suite struct RealScannerTests {
  /// Whether a scanner is on the search path; the notice is the reason that the test report shows.
  static func isInstalled(_ program: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
    }
  }

  /// Kingfisher ends with 200 when it finds something, gitleaks with 1, detect-secrets with 0.
  private func scan(_ arguments: [String], in directory: String) async throws -> [UInt8] {
    let result = try await Subprocess.run(
      .name(arguments[0]), arguments: Arguments(Array(arguments.dropFirst())),
      workingDirectory: FilePath(directory), output: .bytes(limit: 64 << 20), error: .string(limit: 1 << 20))
    switch result.terminationStatus {
    case .exited(0), .exited(200), .exited(205): return result.standardOutput
    case .exited(1) where arguments[0] == "gitleaks": return result.standardOutput
    default: throw Program.Failure.scanner(arguments, result.standardError)
    }
  }

  private func kingfisher(_ format: String, _ extra: String..., in directory: TemporaryDirectory) async throws
    -> ScannerReport
  {
    let bytes = try await scan(
      [
        "kingfisher", "scan", "app", "--no-validate", "--no-update-check", "-q", "--no-dedup", "--format",
        format,
      ]
        + extra, in: directory.path)
    return try ScannerReport.parse(
      bytes, ReportOptions(sourceName: "kingfisher", observedAt: Fixture.observedAt))
  }

  private func reread(_ report: ScannerReport, _ repository: LeakyRepository) async -> [Finding] {
    await SecretRecovery.complete(report.findings) { location in
      if let commit = location.commit, let path = location.path {
        do {
          return Secret(try await Program.run(["git", "show", "\(commit):\(path)"], in: repository.path))
        } catch {
          return nil  // not in that commit: the finding stays without a value and the test sees it
        }
      }
      let file = FileManager.default.contents(atPath: repository.path + "/" + (location.path ?? ""))
      return file.map { Secret(SecretBytes(copying: $0)) }
    }.findings
  }

  private func group(_ findings: [Finding]) -> [Incident] {
    IncidentGrouping.group(findings, key: Fixture.key, now: Fixture.observedAt)
  }

  private func fingerprint(_ value: String) -> Fingerprint {
    Fixture.key.fingerprint(of: CanonicalSecret.of(Secret(value)))
  }

  @Test(
    .enabled(if: isInstalled("kingfisher"), "kingfisher is not installed; run: make test"),
    arguments: [("json", "kingfisher"), ("jsonl", "kingfisher-jsonl"), ("sarif", "sarif")])
  func kingfisherFindsWhatWasPlanted(format: String, name: String) async throws {
    let directory = try TemporaryDirectory()
    let repository = try await LeakyRepository(named: "app", in: directory)
    let report = try await kingfisher(format, in: directory)
    #expect(report.format == name)
    let incidents = group(await reread(report, repository))
    for planted in repository.planted {
      let incident = incidents.first { $0.fingerprint == fingerprint(planted.value) }
      // Kingfisher's SARIF leaves out the secret of a pair: the id alone names the incident.
      if planted.kind == "aws_access_key", format == "sarif", incident == nil {
        #expect(incidents.contains { $0.handle == FakeSecrets.value("aws_access_key_id", "planted") })
        continue
      }
      #expect(incident?.kind.rawValue == planted.kind, "\(planted.path):\(planted.line)")
      #expect(incident?.repositories == ["app"])
      #expect(incident?.occurrences.contains { $0.location.path == planted.path } == true)
    }
  }

  @Test(.enabled(if: isInstalled("kingfisher"), "kingfisher is not installed; run: make test"))
  func aRedactedReportGivesTheSameIncidentsOnceItsPlacesAreRead() async throws {
    let directory = try TemporaryDirectory()
    let repository = try await LeakyRepository(named: "app", in: directory)
    let hidden = try await kingfisher("json", "--redact", in: directory)
    #expect(hidden.findings.allSatisfy { $0.secret == nil })
    let before = group(hidden.findings)
    #expect(before.allSatisfy { $0.restraint != nil && $0.next != nil })
    let incidents = group(await reread(hidden, repository))
    let expected = group(await reread(try await kingfisher("json", in: directory), repository))
    let known = Set(incidents.compactMap(\.fingerprint))
    // A base64 value stands decoded in the report and encoded on the line: only its place is known.
    let plain = expected.filter { $0.occurrences.allSatisfy { $0.location.encoding == .plain } }
    #expect(plain.count > 15)
    for incident in plain where incident.kind != "aws_access_key" {
      #expect(incident.fingerprint.map(known.contains) == true, "\(incident.kind)")
    }
  }

  /// `kingfisher scan . --format jsonl | staunch respond -`, the help's own example, with few findings: the summary at the
  /// end stands within what a format is recognised by.
  @Test(.enabled(if: isInstalled("kingfisher"), "kingfisher is not installed; run: make test"))
  func twoFindingsOnStandardOutputAreTwoFindings() async throws {
    let directory = try TemporaryDirectory()
    let values = ["one", "two"].map { FakeSecrets.value("github_pat_classic", $0) }
    try FileManager.default.createDirectory(
      atPath: directory.path + "/app", withIntermediateDirectories: true)
    try values.map { "GITHUB_TOKEN=\($0)\n" }.joined().write(
      toFile: directory.path + "/app/ci.env", atomically: true, encoding: .utf8)
    for format in ["jsonl", "json"] {
      let report = try await kingfisher(format, in: directory)
      #expect(Set(report.findings.compactMap { $0.secret?.exposeAsText() }) == Set(values), "\(format)")
      #expect(report.skipped.isEmpty)
    }
  }

  @Test(
    .enabled(if: isInstalled("gitleaks"), "gitleaks is not installed; run: make test"),
    arguments: [
      ("json", "gitleaks"), ("csv", "gitleaks-csv"), ("junit", "gitleaks-junit"), ("sarif", "sarif"),
    ])
  func gitleaksFindsTheSameInEveryFormat(format: String, name: String) async throws {
    let directory = try TemporaryDirectory()
    let repository = try await LeakyRepository(named: "app", in: directory)
    func report(_ format: String) async throws -> ScannerReport {
      try ScannerReport.parse(
        try await scan(
          ["gitleaks", "git", ".", "--no-banner", "--no-color", "-f", format, "-r", "-"], in: repository.path),
        ReportOptions(
          sourceName: "gitleaks", observedAt: Fixture.observedAt, repository: RepositoryRef(name: "app")))
    }
    let found = try await report(format)
    #expect(found.format == name)
    #expect(found.skipped.isEmpty)
    #expect(found.findings.allSatisfy { $0.location?.commit?.count == 40 && $0.source == .gitleaks })
    let values = Set(found.findings.compactMap { $0.secret?.exposeAsText() })
    #expect(values.count > 10)
    #expect(values == Set(try await report("json").findings.compactMap { $0.secret?.exposeAsText() }))
    let planted = repository.planted.filter { $0.kind == "github_pat_classic" && $0.path == ".github/ci.env" }
    #expect(planted.allSatisfy { values.contains($0.value) })
  }

  /// What a scanner writes when it found nothing, and that gitleaks' CSV is then empty, as after a failure.
  @Test(
    .enabled(if: isInstalled("gitleaks"), "gitleaks is not installed; run: make test"),
    arguments: [("json", true), ("junit", true), ("sarif", true), ("csv", false)])
  func gitleaksThatFoundNothingIsReadWhereItSaysSo(format: String, saysSo: Bool) async throws {
    let directory = try TemporaryDirectory()
    try "hello\n".write(toFile: directory.path("a.txt"), atomically: true, encoding: .utf8)
    let bytes = try await scan(
      ["gitleaks", "dir", ".", "--no-banner", "--no-color", "-l", "error", "-f", format, "-r", "-"],
      in: directory.path)
    let options = ReportOptions(sourceName: "gitleaks", observedAt: Fixture.observedAt)
    if saysSo {
      #expect(try ScannerReport.parse(bytes, options).findings.isEmpty)
    } else {
      #expect(throws: ReportError.self) { try ScannerReport.parse(bytes, options) }
    }
  }

  @Test(
    .enabled(if: isInstalled("kingfisher"), "kingfisher is not installed; run: make test"),
    arguments: ["json", "jsonl", "sarif"])
  func kingfisherThatFoundNothingIsReadAndOneThatCouldNotFetchIsNot(format: String) async throws {
    let directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory.path("app"), withIntermediateDirectories: true)
    try "hello\n".write(toFile: directory.path("app/a.txt"), atomically: true, encoding: .utf8)
    let clean = try await kingfisher(format, in: directory)
    #expect(clean.findings.isEmpty && clean.skipped.isEmpty)
    let server = try LoopbackServer { _ in .hangUp }
    server.stop()  // whoever connects is refused
    let bytes = try await scan(
      [
        "kingfisher", "scan", "--git-url", "https://127.0.0.1:\(server.port)/x.git", "--no-validate",
        "--no-update-check", "-q", "--format", format,
      ], in: directory.path)
    #expect(throws: ReportError.self) {
      try ScannerReport.parse(
        bytes, ReportOptions(sourceName: "kingfisher", observedAt: Fixture.observedAt))
    }
  }

  @Test(.enabled(if: isInstalled("detect-secrets"), "detect-secrets is not installed; run: make test"))
  func detectSecretsValuesAreReadAgainFromTheirLines() async throws {
    let directory = try TemporaryDirectory()
    let repository = try await LeakyRepository(named: "app", in: directory)
    let bytes = try await scan(
      ["detect-secrets", "scan", "--no-verify", "--all-files", "."], in: repository.path)
    let report = try ScannerReport.parse(
      bytes,
      ReportOptions(
        sourceName: "baseline", observedAt: Fixture.observedAt, repository: RepositoryRef(name: "app")))
    #expect(report.format == "detect-secrets")
    #expect(report.findings.allSatisfy { $0.secret == nil })
    let incidents = group(await reread(report, repository))
    let known = Dictionary(incidents.compactMap { one in one.fingerprint.map { ($0, one) } }) { first, _ in
      first
    }
    // What detect-secrets 1.5 sees at all (measured); it keeps one entry for all tokens of GitHub or GitLab in a file.
    for path in [
      ".github/ci.env:1", ".github/ci.env:3", "config/db.yaml:1", "config/db.yaml:2", "src/notify.ts:1",
      "src/notify.ts:3", ".npmrc:1", "keys/gcp-sa.json:5", "keys/server.pem:1",
    ] {
      let planted = try #require(repository.planted.first { "\($0.path):\($0.line)" == path })
      let incident = known[fingerprint(planted.value)]
      #expect(incident?.kind.rawValue == planted.kind, "\(path)")
    }
  }
}

extension Program.Failure {
  static func scanner(_ arguments: [String], _ errors: String) -> Program.Failure {
    Program.Failure(description: "\(arguments.joined(separator: " ")): \(errors)")
  }
}
