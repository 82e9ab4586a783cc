import Foundation
import Incidents
import Secrets
import TestSupport
import Testing

@Suite struct KindTableTests {
  let table = KindTable.builtin

  @Test func theTableThatComesWithTheProgramIsWellFormed() {
    #expect(table.rows.count >= 120)
    #expect(Set(table.rows.map(\.kind)).count == table.rows.count)
    #expect(table.row(of: "unknown") != nil)
    for row in table.rows where row.isCritical {
      #expect(row.provider != nil, "\(row.kind) is critical and nothing can rotate it")
    }
  }

  @Test(
    arguments: [
      ("aws-access-token", KindVocabulary.gitleaks, ["aws_access_key", "aws_session_token"]),
      ("betterleaks.openai-api-key", .kingfisher, ["openai_api_key"]),
      ("kingfisher.openai.3", .kingfisher1, ["openai_api_key"]), ("OpenAI", .trufflehog, ["openai_api_key"]),
      ("GitHub Token", .detectSecrets, ["github_pat_classic", "github_app_token", "github_oauth_token"]),
      ("openai_api_key_v2", .github, ["openai_api_key"]), ("no such rule", .gitleaks, []),
      ("mailchimp-api-key", .gitleaks, ["mailchimp_api_key"]),
      ("Telegram Bot Token", .detectSecrets, ["telegram_bot_token"]),
      ("betterleaks.xai-api-key", .kingfisher, ["xai_api_key"]),
      ("kingfisher.pulumi.1", .kingfisher1, ["pulumi_token"]),
      ("CloudflareApiToken", .trufflehog, ["cloudflare_api_token"]),
    ])
  func aScannersWordNamesItsKinds(word: String, vocabulary: KindVocabulary, kinds: [String]) {
    #expect(table.kinds(named: word, in: [vocabulary]).map(\.rawValue) == kinds)
  }

  @Test func aTableWithAWrongRowNamesItsLine() {
    let error = #expect(throws: CSVReader.Malformed.self) {
      try KindTable(csv: Array("kind,provider\na,b\nc\n".utf8))
    }
    #expect(error?.line == 3)
  }

  static let uri = "postgresql://app_rw:p%40ss" + "word@db-1.internal:5432/orders?sslmode=require"

  /// value, what the rule may mean, kind, secret (nil: none), handle.
  @Test(
    arguments: [
      (
        FakeSecrets.value("github_pat_fine_grained"), ["github_pat_classic"], "github_pat_fine_grained",
        "same", nil
      ),
      (
        FakeSecrets.value("github_app_token"), ["github_pat_classic", "github_app_token"], "github_app_token",
        "same", nil
      ),
      (
        "\"" + FakeSecrets.value("openai_api_key") + "\" ", ["openai_api_key"], "openai_api_key", "trimmed",
        nil
      ),
      (
        uri, ["basic_auth_url", "postgres_uri"], "postgres_uri", "p@ssword",
        "app_rw@db-1.internal:5432/orders"
      ),
      ("redis://:hunter22@cache:6379/0", ["basic_auth_url"], "redis_uri", "hunter22", "cache:6379/0"),
      (
        "https://bob:hunter22@example.org/x", ["basic_auth_url"], "basic_auth_url", "hunter22",
        "bob@example.org/x"
      ),
      ("AK" + "IA2222333344445555", ["aws_access_key"], "aws_access_key", nil, "AK" + "IA2222333344445555"),
      (
        "AS" + "IA2222333344445555", ["aws_access_key"], "aws_session_token", nil, "AS" + "IA2222333344445555"
      ),
      (
        "AK" + "IA2222333344445555:the/secret", ["aws_access_key"], "aws_access_key", "the/secret",
        "AK" + "IA2222333344445555"
      ),
      (
        "password: aHVudGVyMjI=", ["k8s_secret_manifest", "generic_password"], "generic_password", "hunter22",
        nil
      ),
      (
        String(repeating: "a1", count: 16), ["datadog_api_key", "datadog_app_key"], "datadog_api_key", "same",
        nil
      ),
      (
        String(repeating: "a1", count: 20), ["datadog_api_key", "datadog_app_key"], "datadog_app_key", "same",
        nil
      ),
      (
        "https://discord.com/api/webhooks/1234567890/abcdefghijklmnopqrstuvwxyz", [], "discord_webhook_url",
        "same", nil
      ),
      ("dp" + ".st.prd." + String(repeating: "a1", count: 20), [], "doppler_token", "same", nil),
      ("hf_short", [], "unknown", "same", nil), ("anything", ["npm_token"], "npm_token", "same", nil),
    ] as [(String, [String], String, String?, String?)])
  func theValueDecides(value: String, kinds: [String], kind: String, secret: String?, handle: String?) {
    let reading = CredentialReading(of: Secret(value), kinds: kinds.map { CredentialKind($0) })
    #expect(reading.kind.rawValue == kind)
    #expect(reading.handle == handle)
    let expected =
      switch secret {
      case "same": value as String?
      case "trimmed": value.trimmingCharacters(in: CharacterSet(charactersIn: "\" "))
      default: secret
      }
    #expect(reading.secret?.exposeAsText() == expected)
  }

  @Test func aServiceAccountsFileIsItsKeyAndItsName() throws {
    let file = """
      {"type": "service_account", "private_key_id": "abc", "client_email": "ci@acme.iam.example",
       "private_key": "\(FakeSecrets.value("private_key").replacing("\n", with: "\\n"))"}
      """
    let reading = CredentialReading(of: Secret(file), kinds: ["private_key"])
    #expect(reading.kind == "gcp_service_account_key")
    #expect(reading.handle == "ci@acme.iam.example/abc")
    #expect(reading.secret?.exposeAsText() == FakeSecrets.value("private_key"))
  }

  /// The fingerprint is what `ssh-keygen -l` prints for the same key.
  @Test func anOpenSSHKeyIsNamedByItsPublicFingerprint() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("id")
    _ = try output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path])
    let listed = try output(["ssh-keygen", "-l", "-f", path + ".pub"]).split(separator: " ")
    let reading = CredentialReading(
      of: Secret(try String(contentsOfFile: path, encoding: .utf8)), kinds: ["private_key"])
    #expect(reading.kind == "ssh_private_key")
    #expect(reading.handle == String(listed[1]))
  }

  private func output(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  @Test func oneKeyWithOtherLineBreaksHasOneFingerprint() {
    let pem = FakeSecrets.value("rsa_private_key")
    let key = FingerprintKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
    let forms = [pem, pem.replacing("\n", with: "\r\n"), pem.replacing("\n", with: "\\n"), "\"" + pem + "\""]
    let prints = forms.map { key.fingerprint(of: CanonicalSecret.of(Secret($0))) }
    #expect(Set(prints).count == 1)
    #expect(
      key.fingerprint(of: CanonicalSecret.of(Secret(FakeSecrets.value("rsa_private_key", "2")))) != prints[0])
  }
}
