import Foundation
import Incidents
import JSON
import ScannerReports
import Secrets
import TestSupport
import Testing

/// What platform messages say besides a finding, and formats without a stored sample.
@Suite struct MessageTests {
  @Test(
    arguments: [
      ("github.created.json", FindingAction.opened), ("github.reopened.json", .reopened),
      ("github.resolved.json", .resolved), ("github.validated.json", .validated),
      ("github.publicly_leaked.json", .leakedPublicly), ("github.location.created.commit.json", .newLocation),
    ])
  func gitHubsActionIsKept(file: String, action: FindingAction) throws {
    let finding = try #require(try Fixture.report(file).findings.first)
    #expect(finding.action == action)
    #expect(finding.location?.repository?.name == "Codertocat/Hello-World")
    #expect(finding.providerURL == nil || finding.providerURL?.hasPrefix("https://github.com/") == true)
  }

  @Test func gitHubsExposureAndValidityAreKept() throws {
    #expect(
      try Fixture.report("github.publicly_leaked.json").findings.first?.exposure.isPubliclyLeaked == true)
    #expect(try Fixture.report("github.validated.json").findings.first?.validity == .active)
    let bypassed = try Fixture.report("github.created.push_protection_bypassed.json").findings.first
    #expect(bypassed?.exposure.isPushProtectionBypassed == true)
  }

  @Test func anAlertOfTheRESTAPIHoldsItsSecret() throws {
    let value = FakeSecrets.value("openai_api_key")
    let alert: JSONValue = [
      "number": 42, "state": "open", "secret_type": "openai_api_key", "secret": .string(value),
      "validity": "active",
    ]
    let repository = RepositoryRef(host: "github.com", id: "257423561", name: "acme/app")
    for text in [alert.canonicalText, JSONValue.array([alert]).canonicalText] {
      let finding = try #require(try Fixture.parse(text, repository: repository).findings.first)
      #expect(finding.secret?.exposeAsText() == value)
      #expect(finding.providerKey == "github:257423561:42")
    }
  }

  /// The alert, then what the REST API tells about it: one incident under the fingerprint, the alert's key an alias.
  @Test func theFetchedAlertJoinsTheProvisionalIncident() throws {
    let webhook = try Fixture.report("github.created.json").findings
    let alert: JSONValue = [
      "number": 42, "secret_type": "openai_api_key", "secret": .string(FakeSecrets.value("openai_api_key")),
    ]
    let fetched = try Fixture.parse(alert.canonicalText, repository: RepositoryRef(id: "257423561")).findings
    let incidents = IncidentGrouping.group(webhook + fetched, key: Fixture.key, now: Fixture.observedAt)
    #expect(incidents.count == 1)
    #expect(incidents.first?.key.rawValue.hasPrefix("s:") == true)
    #expect(incidents.first?.aliases.map(\.rawValue) == ["p:github:257423561:42"])
  }

  @Test func anSNSNotificationCarriesTheHealthEvent() throws {
    let id = FakeSecrets.value("aws_access_key_id")
    let event = try Fixture.text("aws.eventbridge.json").replacing("ACCESS_KEY_ID_HERE", with: id)
    let message: JSONValue = [
      "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:1:t",
      "Message": .string(event),
    ]
    let finding = try #require(try Fixture.parse(message.canonicalText).findings.first)
    #expect(finding.handle == id)
    #expect(finding.exposure.isPubliclyLeaked == true)
    let incident = try #require(
      IncidentGrouping.group([finding], key: Fixture.key, now: Fixture.observedAt).first)
    #expect(incident.key.rawValue == "h:aws_access_key:\(id)")
    #expect(incident.severity == .sev1)
    #expect(incident.restraint == nil)
    let subscription: JSONValue = [
      "Type": "SubscriptionConfirmation", "MessageId": "m", "TopicArn": "t", "Message": "You have chosen",
    ]
    #expect(try Fixture.parse(subscription.canonicalText).setAside.count == 1)
  }

  @Test func tokensPostedToTheRevocationAPIAreFindings() throws {
    let value = FakeSecrets.value("gitlab_pat")
    let body: JSONValue = [
      [
        "type": "gitleaks_rule_id_gitlab_personal_access_token", "token": .string(value),
        "location": "https://x.test/a",
      ]
    ]
    let finding = try #require(try Fixture.parse(body.canonicalText).findings.first)
    #expect(finding.source == .gitlabRevocation)
    #expect(finding.kind == "gitlab_pat")
    #expect(finding.secret?.exposeAsText() == value)
  }

  @Test func aVulnerabilityThatIsNoSecretIsSetAside() throws {
    let report = try Fixture.report("gitlab.vulnerability.json")
    #expect(report.findings.isEmpty)
    #expect(report.setAside.count == 1)
    let secret = try Fixture.text("gitlab.vulnerability.json")
      .replacing("dependency_scanning", with: "secret_detection")
    let finding = try #require(try Fixture.parse(secret).findings.first)
    #expect(finding.providerKey == "gitlab:50:1")
    #expect(finding.location?.repository?.name == "flightjs/Flight")
  }

  @Test func aGitGuardianOccurrenceNamesItsPlace() throws {
    let event: JSONValue = [
      "source": "GitGuardian", "action": "new_occurrence",
      "incident": ["id": 7, "validity": "valid", "detector": ["name": "openai_apikey"]],
      "occurrence": [
        "sha": "0123456789abcdef0123456789abcdef01234567", "filepath": "a.py",
        "source": ["url": "https://github.com/acme/app", "full_name": "acme/app", "visibility": "public"],
      ],
    ]
    let finding = try #require(try Fixture.parse(event.canonicalText).findings.first)
    #expect(finding.kind == "openai_api_key")
    #expect(finding.validity == .active)
    #expect(finding.location?.text == "a.py (0123456789ab)")
    #expect(finding.exposure.isPubliclyLeaked == true)
  }

  @Test(arguments: [true, false])
  func noseyParkersGroupsAreTheValue(lines: Bool) throws {
    let id = FakeSecrets.value("aws_access_key_id")
    let secret = FakeSecrets.value("aws_secret")
    let finding: JSONValue = [
      "rule_name": "AWS API Credentials", "rule_text_id": "np.aws.6", "num_matches": 1,
      "groups": [
        .string(Data(id.utf8).base64EncodedString()), .string(Data(secret.utf8).base64EncodedString()),
      ],
      "matches": [
        [
          "provenance": [
            [
              "kind": "git_repo", "repo_path": "./app/.git",
              "first_commit": ["commit_metadata": ["commit_id": "43d6429098e4"], "blob_path": "docs/a.adoc"],
            ], ["kind": "file", "path": "./docs/a.adoc"],
          ],
          "location": [
            "source_span": ["start": ["line": 25, "column": 19], "end": ["line": 27, "column": 0]]
          ],
        ]
      ],
    ]
    let text = lines ? finding.canonicalText + "\n" : JSONValue.array([finding]).canonicalText
    let report = try Fixture.parse(text)
    #expect(report.format == (lines ? "noseyparker-jsonl" : "noseyparker"))
    #expect(report.findings.map { $0.location?.text } == ["docs/a.adoc:25 (43d6429098e4)", "docs/a.adoc:25"])
    #expect(report.findings.allSatisfy { $0.handle == id && $0.secret?.exposeAsText() == secret })
  }

  @Test func betterleaksSaysWhetherTheSecretWorks() throws {
    for (status, validity) in [
      ("valid", Validity.active), ("revoked", .inactive), ("error", .unknown),
      ("needs_validation", .notChecked),
    ] {
      let text = try Fixture.text("gitleaks.json_simple.json")
        .replacing("\"RuleID\"", with: "\"ValidationStatus\": \"\(status)\", \"RuleID\"")
      let report = try Fixture.parse(text)
      #expect(report.format == "betterleaks")
      #expect(report.findings.first?.validity == validity)
    }
  }

  @Test func ggshieldWithValuesJoinsIDAndSecret() throws {
    let id = FakeSecrets.value("aws_access_key_id")
    let secret = FakeSecrets.value("aws_secret")
    let text = try Fixture.text("ggshield.path.json")
      .replacing("AKI***********E01", with: id)
      .replacing("bB0mVX8***************************UvGh4Jd", with: secret)
    let finding = try #require(try Fixture.parse(text).findings.first)
    #expect(finding.handle == id)
    #expect(finding.secret?.exposeAsText() == secret)
    #expect(finding.validity == .active)
  }

  @Test func plainFindingsOfOurOwnAreRead() throws {
    let value = FakeSecrets.value("openai_api_key")
    let text: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [
        [
          "kind": "openai_api_key", "value": .string(value), "repository": "https://github.com/acme/app.git",
          "commit": "abc", "path": "src/a.py", "line": 3, "validity": "active",
        ], ["kind": "aws_access_key", "handle": "AKIDEXAMPLE0"],
      ],
    ]
    let report = try Fixture.parse(text.canonicalText)
    #expect(report.format == "staunch")
    #expect(
      report.findings.first?.location?.repository == RepositoryRef(host: "github.com", name: "acme/app"))
    #expect(report.findings.last?.handle == "AKIDEXAMPLE0")
    let unknown: JSONValue = ["schema": "staunch.findings/1", "findings": [["kind": "openai"]]]
    let error = #expect(throws: ReportError.self) { try Fixture.parse(unknown.canonicalText) }
    #expect(error.map { "\($0)" }?.contains("did you mean openai_api_key?") == true)
  }

  @Test func aStandardWebhookCarriesFindings() throws {
    let body: JSONValue = [
      "type": "secret.leaked", "timestamp": "2026-11-24T00:00:00Z",
      "data": [
        "findings": [["kind": "openai_api_key", "value": .string(FakeSecrets.value("openai_api_key"))]]
      ],
    ]
    let report = try Fixture.parse(body.canonicalText)
    #expect(report.format == "standard-webhook")
    #expect(report.findings.first?.kind == "openai_api_key")
  }

  @Test func aCanaryTokenIsRecognised() throws {
    let text = try Fixture.text("trufflehog.git.jsonl")
    #expect(try Fixture.parse(text).findings.first?.validity == .canary)
    let kingfisher = try Fixture.text("kingfisher.leaky-app.jsonl")
      .replacing("\"Not Attempted\"", with: "\"Canary Token (Skipped)\"")
    #expect(try Fixture.parse(kingfisher).findings.filter { $0.validity == .canary }.count == 33)
  }

  @Test(
    arguments: [
      (#""Verified":true,"#, Validity.active), (#""Verified":false,"#, .notChecked), ("", .notChecked),
      (#""Verified":false,"VerificationError":"timeout","#, .unknown),
    ])
  func truffleHogsVerificationIsMapped(members: String, validity: Validity) throws {
    let text = try Fixture.text("trufflehog.git.jsonl")
      .replacing(#""Verified":true,"#, with: members).replacing("canarytokens", with: "user")
    #expect(try Fixture.parse(text).findings.first?.validity == validity)
  }
}
