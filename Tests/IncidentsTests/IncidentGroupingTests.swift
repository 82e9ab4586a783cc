import Foundation
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

@Suite struct IncidentGroupingTests {
  static let key = FingerprintKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
  static let now = Date(timeIntervalSince1970: 1_795_000_000)

  static func finding(
    _ kind: CredentialKind, value: String? = nil, handle: String? = nil, source: FindingSource = .gitleaks,
    path: String? = "a.py", line: Int = 1, repository: String? = "acme/app", commit: String? = nil
  ) -> Finding {
    var finding = Finding(source: source, kind: kind, detector: Detector(rule: "rule"), observedAt: now)
    finding.secret = value.map { Secret($0) }
    finding.handle = handle
    if let path {
      finding.location = Location(
        commit == nil ? .file : .commit, repository: repository.map { RepositoryRef(name: $0) },
        commit: commit,
        path: path, startLine: line)
    }
    return finding
  }

  private func group(_ findings: [Finding]) -> [Incident] {
    IncidentGrouping.group(findings, key: Self.key, now: Self.now)
  }

  @Test func oneSecretInManyPlacesUnderManyNamesIsOneIncident() {
    let value = FakeSecrets.value("openai_api_key")
    let incidents = group([
      Self.finding("generic_api_key", value: value, path: "a.py"),
      Self.finding("openai_api_key", value: value, source: .kingfisher, path: "b.py"),
      Self.finding("openai_api_key", value: value, path: "b.py", repository: "acme/other"),
      Self.finding("openai_api_key", value: value, source: .trufflehog, path: "b.py"),
    ])
    #expect(incidents.count == 1)
    #expect(incidents.first?.kind == "openai_api_key")
    #expect(incidents.first?.provider == "openai")
    #expect(incidents.first?.occurrences.count == 3)
    #expect(incidents.first?.repositories == ["acme/app", "acme/other"])
    #expect(incidents.first?.sources == [.gitleaks, .kingfisher, .trufflehog])
  }

  @Test func twoSecretsOnOneLineAreTwoIncidents() {
    let incidents = group([
      Self.finding("openai_api_key", value: "one value"),
      Self.finding("openai_api_key", value: "another value"),
    ])
    #expect(incidents.count == 2)
    #expect(Set(incidents.map(\.id)).count == 2)
  }

  @Test func aPairJoinsItsParts() {
    let id = "AK" + "IA2222333344445555"
    let incidents = group([
      Self.finding("aws_access_key", handle: id, path: "a"),
      Self.finding("generic_password", value: "the secret", path: "b"),
      Self.finding("aws_access_key", value: "the secret", handle: id, path: "c"),
    ])
    #expect(incidents.count == 1)
    #expect(incidents.first?.key.rawValue == "h:aws_access_key:\(id)")
    #expect(incidents.first?.aliases.count == 1)
    #expect(incidents.first?.values.first?.secret.exposeAsText() == "the secret")
    #expect(incidents.first?.occurrences.count == 3)
  }

  @Test func aFindingWithoutAValueJoinsTheOnlySecretAtItsPlace() {
    let hidden = Self.finding("generic_api_key", source: .detectSecrets)
    let joined = group([hidden, Self.finding("openai_api_key", value: "one value")])
    #expect(joined.count == 1)
    #expect(joined.first?.sources == [.gitleaks, .detectSecrets])
    let ambiguous = group([
      hidden, Self.finding("openai_api_key", value: "one value"),
      Self.finding("npm_token", value: "another value"),
    ])
    #expect(ambiguous.count == 3)
  }

  @Test func severalRulesOnOneHiddenValueAreOneIncident() {
    var one = Self.finding("generic_api_key", source: .detectSecrets)
    var two = Self.finding("pypi_token", source: .detectSecrets)
    one.weakHashes.sha1 = "363bec6f"
    two.weakHashes.sha1 = "363bec6f"
    let incidents = group([one, two])
    #expect(incidents.count == 1)
    #expect(incidents.first?.kind == "pypi_token")
    #expect(incidents.first?.restraint == .missingValue)
    #expect(incidents.first?.next?.contains("a.py, line 1") == true)
    two.location?.startLine = 2
    #expect(group([one, two]).count == 2)
  }

  @Test func theSameURIWithTwoPasswordsIsOneDatabaseUser() {
    let incidents = group([
      Self.finding("postgres_uri", value: "old", handle: "app@db:5432/orders", path: "a"),
      Self.finding("postgres_uri", value: "new", handle: "app@db:5432/orders", path: "b"),
      Self.finding("postgres_uri", value: "old", handle: "app@db:5432", path: "c"),
      Self.finding("basic_auth_url", value: "third", handle: "app@db:5432/orders", path: "d"),
    ])
    #expect(incidents.count == 2)
    #expect(incidents.first?.key.rawValue == "h:postgres_uri:app@db:5432/orders")
    #expect(incidents.first?.occurrences.count == 3)
  }

  @Test func idsDependOnTheSecretAndNothingElse() {
    let one = group([Self.finding("openai_api_key", value: "one value", path: "a")])
    let two = group([
      Self.finding("npm_token", value: "other", path: "z"),
      Self.finding("generic_password", value: "one value", path: "b"),
    ])
    #expect(one.first?.id == two.last?.id)
    #expect(one.first?.codename == two.last?.codename)
    #expect(one.first?.id.rawValue.wholeMatch(of: /inc-[0-9a-z]{8}/) != nil)
  }

  @Test func anOlderFingerprintKeyIsAnAlias() throws {
    let older = FingerprintKey(SecretBytes(copying: [UInt8](repeating: 9, count: 32)))
    var grouping = IncidentGrouping(key: Self.key, olderKeys: [older])
    grouping.add(Self.finding("openai_api_key", value: "one value"))
    let incident = try #require(grouping.incidents(now: Self.now).first)
    let seenBefore = try #require(
      IncidentGrouping.group([Self.finding("openai_api_key", value: "one value")], key: older, now: Self.now)
        .first)
    #expect(incident.aliases.union([incident.key]).contains(seenBefore.key))
  }

  @Test func fiftyThousandFindingsOfOneSecretAreOneIncidentWithACount() {
    var grouping = IncidentGrouping(key: Self.key)
    for line in 1...50_000 { grouping.add(Self.finding("openai_api_key", value: "one value", line: line)) }
    let incidents = grouping.incidents(now: Self.now)
    #expect(incidents.count == 1)
    #expect(incidents.first?.occurrences.count == 5_000)
    #expect(incidents.first?.furtherFindings == 45_000)
  }

  @Test func secretsBeyondTheLimitAreCounted() {
    var grouping = IncidentGrouping(
      key: Self.key, limits: GroupingLimits(incidents: 10, occurrencesPerIncident: 1))
    for number in 0..<25 { grouping.add(Self.finding("npm_token", value: "value number \(number)")) }
    #expect(grouping.incidents(now: Self.now).count == 10)
    #expect(grouping.droppedFindings == 15)
  }

  @Test func columnsAndScannersDoNotChangeAnOccurrencesKey() throws {
    var one = Self.finding("openai_api_key", value: "one value")
    var two = one
    one.location?.startColumn = 3
    two.location?.startColumn = 9
    two.source = .kingfisher
    let first = try #require(group([one]).first?.occurrences.first)
    let second = try #require(group([two]).first?.occurrences.first)
    #expect(first.key == second.key)
    two.location?.commit = "abc"
    #expect(try #require(group([two]).first?.occurrences.first).key != first.key)
  }

  @Test(
    arguments: [
      ("openai_api_key", "any value", nil, Validity.canary, Restraint.canary, Severity.sev2),
      ("aws_access_key", nil, "AK" + "IAIOSFODNN7EXAMPLE", .notChecked, .example, .sev4),
      ("aws_access_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY", "AKIA0", .active, .example, .sev4),
      ("stripe_secret_key", FakeSecrets.value("stripe_test_key"), nil, .active, .testKey, .sev4),
      ("unknown", "any value", nil, .notChecked, .unknownKind, .sev3),
      ("generic_password", "any value", nil, .active, .genericKind, .sev2),
      ("openai_api_key", nil, nil, .notChecked, .missingValue, .sev3),
      ("openai_api_key", "any value", nil, .active, nil, .sev2),
      ("openai_api_key", "any value", nil, .notChecked, nil, .sev3),
      ("postgres_uri", "any value", nil, .active, nil, .sev1),
      ("postgres_uri", "any value", nil, .unknown, nil, .sev2),
      ("postgres_uri", "any value", nil, .inactive, nil, .sev4),
    ] as [(CredentialKind, String?, String?, Validity, Restraint?, Severity)])
  func whatMayBeDoneAndHowBadItIs(
    kind: CredentialKind, value: String?, handle: String?, validity: Validity, restraint: Restraint?,
    severity: Severity
  ) throws {
    var finding = Self.finding(kind, value: value, handle: handle)
    finding.validity = validity
    let incident = try #require(group([finding]).first)
    #expect(incident.restraint == restraint)
    #expect(incident.severity == severity)
  }

  @Test func theWorstWordAboutASecretCounts() throws {
    var findings = [Validity.notChecked, .inactive, .active].map { validity in
      var finding = Self.finding("openai_api_key", value: "one value", path: validity.rawValue)
      finding.validity = validity
      return finding
    }
    #expect(group(findings).first?.validity == .active)
    findings[0].validity = .canary
    #expect(group(findings).first?.restraint == .canary)
  }

  @Test func theJournalsBodyHoldsEverythingButTheSecret() throws {
    let value = FakeSecrets.value("openai_api_key")
    let incident = try #require(group([Self.finding("openai_api_key", value: value, commit: "abc")]).first)
    let body = incident.openedBody
    #expect(body["kind"] == "openai_api_key")
    #expect(body["fingerprint"]?.string == incident.fingerprint?.rawValue)
    #expect(body["locations"]?[0]?["commit"] == "abc")
    #expect(!body.canonicalText.contains(value))
    #expect(!"\(incident)".contains(value))
  }
}
