import Foundation

/// A Git repository with fake secrets in the places where people leave them: for real scanners to find.
///
/// Three commits: the second adds everything, the third deletes ``historyOnly``. The values are the same on every machine.
public struct LeakyRepository: Sendable {
  /// A secret and where it stands.
  public struct Planted: Sendable {
    /// The canonical kind.
    public let kind: String
    /// The secret part.
    public let value: String
    public let path: String
    /// From 1.
    public let line: Int
  }

  /// The work tree.
  public let path: String
  public let planted: [Planted]

  /// The file that only history holds.
  public static let historyOnly = "scripts/tmp_release.sh"

  /// Builds it as `name` inside `directory`.
  public init(named name: String, in directory: TemporaryDirectory) async throws {
    path = directory.path(name)
    var builder = Builder()
    builder.plantTokens()
    builder.plantURIs()
    builder.plantKeyFiles()
    builder.plantHardPlaces()
    planted = builder.planted
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try await git("init", "-q", "-b", "main")
    try write("README.md", "# an application (every secret in it is fake)\n")
    try await commit("Begin", day: 20)
    for (file, text) in builder.files { try write(file, text) }
    try await commit("Add service configuration", day: 21)
    try FileManager.default.removeItem(atPath: path + "/" + LeakyRepository.historyOnly)
    try await commit("Remove what was temporary", day: 22)
  }

  private func write(_ file: String, _ text: String) throws {
    let url = URL(fileURLWithPath: path + "/" + file)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func commit(_ message: String, day: Int) async throws {
    try await git("add", "-A")
    try await git("commit", "-q", "-m", message, day: day)
  }

  private func git(_ arguments: String..., day: Int = 20) async throws {
    let date = "2026-11-\(day)T10:00:00Z"
    try await Program.run(
      ["git"] + arguments, in: path,
      environment: [
        "GIT_AUTHOR_NAME": "Dev One", "GIT_AUTHOR_EMAIL": "dev1@acme.example", "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_NAME": "Dev One", "GIT_COMMITTER_EMAIL": "dev1@acme.example",
        "GIT_COMMITTER_DATE": date, "GIT_CONFIG_GLOBAL": "/dev/null",
      ])
  }
}

/// Puts values into files and remembers where.
private struct Builder {
  var files: [(String, String)] = []
  var planted: [LeakyRepository.Planted] = []

  /// Writes `lines`; the parts of each planted line are the text before, the kind, and the text after the value.
  private mutating func file(_ path: String, _ lines: [Line]) {
    var text = ""
    for (index, line) in lines.enumerated() {
      text += line.text + "\n"
      if let kind = line.kind {
        planted.append(LeakyRepository.Planted(kind: kind, value: line.value, path: path, line: index + 1))
      }
    }
    files.append((path, text))
  }

  private struct Line {
    let text: String
    var kind: String?
    var value = ""
    init(_ text: String) { self.text = text }
    init(_ before: String, _ kind: String, _ value: String, _ after: String = "") {
      text = before + value + after
      self.kind = kind
      self.value = value
    }
  }

  private func fake(_ kind: String, _ name: String = "planted") -> String { FakeSecrets.value(kind, name) }

  mutating func plantTokens() {
    file(
      "src/llm.py",
      [
        Line("import openai"), Line("openai.api_key = \"", "openai_api_key", fake("openai_api_key"), "\""),
        Line("KEY = \"", "anthropic_api_key", fake("anthropic_api_key"), "\""),
        Line("HF_TOKEN = \"", "huggingface_token", fake("huggingface_token"), "\""),
      ])
    file(
      ".github/ci.env",
      [
        Line("GITHUB_TOKEN=", "github_pat_classic", fake("github_pat_classic")),
        Line("GH_FINE=", "github_pat_fine_grained", fake("github_pat_fine_grained")),
        Line("GITLAB_TOKEN=", "gitlab_pat", fake("gitlab_pat")),
      ])
    file(
      "src/notify.ts",
      [
        Line("export const token = \"", "slack_token", fake("slack_token"), "\";"),
        Line("export const hook = \"", "slack_webhook_url", fake("slack_webhook_url"), "\";"),
        Line("export const stripe = \"", "stripe_secret_key", fake("stripe_secret_key"), "\";"),
        Line("export const mail = \"", "sendgrid_api_key", fake("sendgrid_api_key"), "\";"),
      ])
    file(".npmrc", [Line("//npm.example.com/:_authToken=", "npm_token", fake("npm_token"))])
    file("deploy/vault.env", [Line("VAULT_TOKEN=", "vault_token", fake("vault_token"))])
    file(
      LeakyRepository.historyOnly,
      [Line("export GH_TOKEN=", "github_pat_classic", fake("github_pat_classic", "history"))])
  }

  mutating func plantURIs() {
    file(
      "config/db.yaml",
      [
        Line(
          "postgres: postgresql://app_rw:", "postgres_uri", fake("password", "pg"),
          "@db-1.internal.acme.io:5432/orders"),
        Line("mysql: mysql://root:", "mysql_uri", fake("password", "mysql"), "@10.20.30.40:3306/billing"),
        Line("redis: redis://:", "redis_uri", fake("password", "redis"), "@cache.internal.acme.io:6379/0"),
      ])
    let id = fake("aws_access_key_id")
    file(
      "config/aws.env",
      [
        Line("AWS_ACCESS_KEY_ID=" + id),
        Line("AWS_SECRET_ACCESS_KEY=", "aws_access_key", fake("aws_secret")), Line("AWS_REGION=eu-west-1"),
      ])
  }

  mutating func plantKeyFiles() {
    let pem = fake("private_key")
    planted.append(.init(kind: "gcp_service_account_key", value: pem, path: "keys/gcp-sa.json", line: 5))
    files.append(
      (
        "keys/gcp-sa.json",
        """
        {
          "type": "service_account",
          "project_id": "acme-prod",
          "private_key_id": "0123456789abcdef0123456789abcdef01234567",
          "private_key": "\(pem.replacingOccurrences(of: "\n", with: "\\n"))",
          "client_email": "ci@acme-prod.iam.gserviceaccount.com"
        }

        """
      ))
    let key = fake("rsa_private_key")
    planted.append(.init(kind: "private_key", value: key, path: "keys/server.pem", line: 1))
    files.append(("keys/server.pem", key))
  }

  mutating func plantHardPlaces() {
    let inManifest = fake("github_pat_classic", "manifest")
    let encoded = Data(inManifest.utf8).base64EncodedString()
    planted.append(.init(kind: "github_pat_classic", value: inManifest, path: "k8s/secret.yaml", line: 7))
    files.append(
      (
        "k8s/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: orders\ntype: Opaque\ndata:\n  github-token: \(encoded)\n"
      ))
    let inNotebook = fake("openai_api_key", "notebook")
    planted.append(.init(kind: "openai_api_key", value: inNotebook, path: "notebooks/explore.ipynb", line: 1))
    files.append(
      (
        "notebooks/explore.ipynb",
        #"{"cells":[{"cell_type":"code","execution_count":3,"metadata":{},"source":[],"outputs":[{"name":"stdout","#
          + #""output_type":"stream","text":["OPENAI_API_KEY: \#(inNotebook)\n"]}]}],"metadata":{},"nbformat":4,"#
          + #""nbformat_minor":5}"# + "\n"
      ))
  }
}
