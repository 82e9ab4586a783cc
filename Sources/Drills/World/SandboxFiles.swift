import Foundation
import JSON

/// The files that a responder would have: `staunch.yaml`, the keys it refers to, the `.env` and a scanner's report.
struct SandboxFiles: Sendable {
  let folder: Folder

  var configuration: String { folder.path + "/staunch.yaml" }
  var report: String { folder.path + "/report.json" }
  var environmentFile: String { folder.path + "/trainer/.env" }
  var restartFile: String { folder.path + "/trainer/restart" }
  var keys: String { folder.path + "/keys" }

  /// Names in the `.env` file.
  static let openAIVariable = "OPENAI_API_KEY"
  static let databaseVariable = "DB_PASSWORD"
  /// Holds the same password; nothing in staunch.yaml names it.
  static let urlVariable = "DATABASE_URL"

  func writeEnvironment(openAIKey: String, password: String) throws(DrillError) {
    try folder.write(
      "trainer/.env",
      """
      # The trainer reads this when it starts.
      \(Self.openAIVariable)=\(openAIKey)
      \(Self.databaseVariable)=\(password)
      \(Self.urlVariable)=postgresql://trainer:\(password)@127.0.0.1/training

      """)
  }

  func writeKeys(_ values: [String: String]) throws(DrillError) {
    for (name, value) in values { try folder.write("keys/\(name)", value) }
  }

  /// Takes endpoints, not addresses: nothing but loopback can be written into a drill's configuration.
  func writeConfiguration(
    openAI: SandboxOpenAI, database: SandboxDatabase, tickets: SandboxEndpoint, issues: SandboxIssues,
    trainer: SandboxEndpoint, repository: LeakyRepository
  ) throws(DrillError) {
    try folder.write(
      "staunch.yaml",
      """
      # DRILL: every target is a sandbox of this drill, on loopback. Nothing here is real.
      staunch: 1
      drill: true

      credentials:
        openai-drill:
          kind: openai
          base_url: \(openAI.endpoint.url)
          project: \(openAI.project)
          admin_key: \(quoted("file:\(keys)/openai-admin"))
          propagation_seconds: 1
          store: trainer-env
          expected_requests_per_day: \(SandboxOpenAI.ordinaryRequests)
          key: \(Self.openAIVariable)
          consumers: [trainer]
      \(databaseEntry(database))
          store: trainer-env
          key: \(Self.databaseVariable)
          consumers: [trainer]

      stores:
        trainer-env:
          kind: env-file
          path: \(quoted(environmentFile))

      consumers:
        trainer:
          kind: command
          restart: [touch, \(quoted(restartFile))]
          health: \(trainer.url)/healthz

      repositories:
        training:
          path: \(quoted(repository.path))
          remote: origin

      trackers:
        tickets:
          kind: standard-webhooks
          url: \(tickets.url)/hooks/staunch
          secret: \(quoted("file:\(keys)/tickets"))
        issues:
          kind: github-issues
          base_url: \(issues.endpoint.url)
          repository: \(SandboxIssues.repository)
          token: \(quoted("file:\(keys)/issues"))
          public: false

      routes:
        - when: {kind: openai_api_key}
          playbook: openai-api-key
          credential: openai-drill
          repositories: [training]
          tracker: tickets
        - when: {kind: postgres_uri}
          playbook: database-password
          credential: \(database.credential)
          repositories: [training]
          tracker: issues

      """)
  }

  private func databaseEntry(_ database: SandboxDatabase) -> String {
    switch database {
    case .postgres(let server, _):
      """
        \(database.credential):
          kind: postgres
          host: \(server.endpoint.host)
          port: \(server.endpoint.port)
          database: \(server.database)
          role: \(server.role)
          admin_user: \(server.adminUser)
          aliases: [db.training.example]
          admin_password: \(quoted("file:\(keys)/database-admin"))
      """
    case .standIn(let provider):
      """
        \(database.credential):
          kind: openai
          base_url: \(provider.endpoint.url)
          project: \(provider.project)
          admin_key: \(quoted("file:\(keys)/database-admin"))
          propagation_seconds: 1
      """
    }
  }

  /// A report in staunch's own plain format, as a scanner would have written it.
  func writeReport(openAIKey: String, password: String, handle: String, repository: LeakyRepository)
    throws(DrillError)
  {
    var findings: [JSONValue] = []
    for place in repository.places {
      for (kind, value, handle) in [("openai_api_key", openAIKey, nil), ("postgres_uri", password, handle)] {
        if kind == "postgres_uri", place.path.hasPrefix("config/") { continue }  // only the key stands there
        var finding: [String: JSONValue] = [
          "kind": .string(kind), "value": .string(value), "repository": "training",
          "commit": .string(place.commit), "path": .string(place.path), "line": .integer(place.line),
          "rule": "drill",
        ]
        if let handle { finding["handle"] = .string(handle) }
        findings.append(.object(finding))
      }
    }
    let report: JSONValue = ["schema": "staunch.findings/1", "findings": .array(findings)]
    try folder.write("report.json", report.canonicalText + "\n")
  }

  /// A path as a YAML scalar: JSON's strings are YAML's.
  private func quoted(_ text: String) -> String { JSONValue.quoted(text) }
}
