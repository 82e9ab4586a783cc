import Foundation
import JSON
import TestSupport
import Testing

/// A home with one incident, of a made-up password in the repository `shop`, and the plan of a playbook of its own. The real
/// binary.
struct PlannedIncident {
  let directory: TemporaryDirectory
  let binary: StaunchBinary
  let plan: (id: String, digest: String, incident: String)
  var state: String { directory.path("state") }

  /// - Parameters:
  ///   - directory: the home; what the configuration refers to lies there already.
  ///   - configuration: the whole of staunch.yaml; it routes `generic_password` to the playbook `tell`.
  ///   - steps: those of `tell`, a line each, for the inputs `incident` and `tracker`.
  init(in directory: TemporaryDirectory, value: String, configuration: String, steps: [String]) async throws {
    self.directory = directory
    binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    func write(_ text: String, _ name: String) throws {
      try text.write(toFile: directory.path(name), atomically: true, encoding: .utf8)
    }
    try write(configuration, "staunch.yaml")
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    let head = """
      playbook: 1
      id: tell
      title: Tell
      deadline: 1h
      inputs:
        incident: {type: incident}
        tracker: {type: tracker}
      locks: [shop]
      steps:

      """
    try write(head + steps.map { "  - \($0)\n" }.joined(), "playbooks/tell.yaml")
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [
        [
          "kind": "generic_password", "value": .string(value), "repository": "shop", "path": "a.py",
          "line": 1,
        ]
      ],
    ]
    try write(report.canonicalText, "report.json")
    let responded = try await binary.run(["respond", "report.json", "--json"])
    let incident = try JSONDecoder().decode(JSONValue.self, from: Data(responded.output.utf8))["incidents"]?
      .array?.first
    plan = (
      try #require(incident?["plan"]?["id"]?.string, "\(responded.output) \(responded.errors)"),
      try #require(incident?["plan"]?["digest"]?.string), try #require(incident?["id"]?.string)
    )
  }

  /// Approves the plan and carries it out.
  func run(_ more: [String] = [], environment: [String: String] = [:]) async throws -> StaunchBinary.Outcome {
    try await binary.run(
      ["run", plan.id, "--live", "--approve", plan.digest, "--no-input"] + more, environment: environment)
  }
}
