import Foundation
import Incidents
import JSON
import ScannerReports
import Secrets
import TestSupport

/// Reports under `Fixtures/`, with `{{name}}` where the scanner wrote a secret: the values are put in here.
enum Fixture {
  static let observedAt = Date(timeIntervalSince1970: 1_795_000_000)

  static func text(_ name: String) throws -> String {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Fixtures")
    var text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    for (name, value) in values {
      let escaped = JSONValue.quoted(value).dropFirst().dropLast()
      text = text.replacing("{{\(name)}}", with: escaped)
    }
    return text
  }

  static func report(
    _ name: String, format: String? = nil, keepGoing: Bool = false, repository: RepositoryRef? = nil
  ) throws -> ScannerReport {
    try parse(try text(name), name: name, format: format, keepGoing: keepGoing, repository: repository)
  }

  static func parse(
    _ text: String, name: String = "report", format: String? = nil, keepGoing: Bool = false,
    repository: RepositoryRef? = nil
  ) throws(ReportError) -> ScannerReport {
    try ScannerReport.parse(
      Array(text.utf8),
      ReportOptions(
        sourceName: name, format: format, keepGoing: keepGoing, observedAt: observedAt, repository: repository
      ))
  }

  static let key = FingerprintKey(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))

  /// What stands for `{{name}}` in the fixtures.
  static let values: [String: String] = {
    var values: [String: String] = [:]
    for (name, kind) in [
      "anthropic_api_key": "anthropic_api_key", "aws_access_token": "aws_access_key_id",
      "aws_secret": "aws_secret", "azure_storage_account_key": "azure_storage_key",
      "databricks_api_token": "databricks_token", "dockerhub_personal_access_token": "dockerhub_token",
      "gcp_api_key": "gcp_api_key", "generic_credential_uri": "password",
      "generic_credential_uri_2": "password", "generic_credential_uri_3": "password",
      "github_app_token": "github_app_token", "github_fine_grained_pat": "github_pat_fine_grained",
      "github_pat": "github_pat_classic", "github_pat_2": "github_pat_classic",
      "github_pat_3": "github_pat_classic", "gitlab_pat": "gitlab_pat", "gitlab_pat_2": "gitlab_pat",
      "hashicorp_tf_api_token": "terraform_cloud_token", "huggingface_access_token": "huggingface_token",
      "npmjsaccesstoken": "npm_token", "openai_api_key": "openai_api_key",
      "openai_api_key_2": "openai_api_key", "private_key": "private_key", "private_key_2": "ssh_private_key",
      "private_key_3": "rsa_private_key", "pypi_upload_token": "pypi_token", "sendgrid": "sendgrid_api_key",
      "slack_bot_token": "slack_token", "slack_webhook_url": "slack_webhook_url",
      "stripe_access_token": "stripe_secret_key", "stripe_access_token_2": "stripe_secret_key",
      "twilio_api_key": "twilio_api_key", "vault_service_token": "vault_token",
    ] {
      values[name] = FakeSecrets.value(kind, name)
    }
    values["kubernetes_secret_yaml"] =
      "password: " + Data(FakeSecrets.value("password", "k8s").utf8).base64EncodedString()
    values["mongodb_connection_string"] =
      "mongodb+srv://svc:" + FakeSecrets.value("password", "mongo") + "@cluster0.ab1cd.example.net/prod"
    values["aws_example_key_id"] = "AK" + "IAIOSFODNN7EXAMPLE"
    values["jwt"] = token(["sub": "system:serviceaccount:prod:deployer", "iss": "kubernetes/serviceaccount"])
    values["jwt_2"] = token(["sub": "1234567890"])
    return values
  }()

  private static func token(_ claims: JSONValue) -> String {
    func part(_ text: String) -> String {
      Data(text.utf8).base64EncodedString().replacing("=", with: "").replacing("+", with: "-").replacing(
        "/", with: "_")
    }
    return [part(#"{"alg":"HS256","typ":"JWT"}"#), part(claims.canonicalText), part("no signature")].joined(
      separator: ".")
  }
}
