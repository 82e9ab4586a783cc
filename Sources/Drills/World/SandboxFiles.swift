import Foundation
import JSON

/// The files that a responder would have: `staunch.yaml`, the keys it refers to, and a scanner's report.
struct SandboxFiles: Sendable {
  let folder: Folder

  var configuration: String { folder.path + "/staunch.yaml" }
  var report: String { folder.path + "/report.json" }
  var environmentFile: String { folder.path + "/trainer/.env" }
  var restartFile: String { folder.path + "/trainer/restart" }
  var keys: String { folder.path + "/keys" }

  /// The reference of a file below `keys/`, as a YAML scalar.
  func key(_ name: String) -> String { Self.quoted("file:\(keys)/\(name)") }

  func writeKeys(_ values: [String: String]) throws(DrillError) {
    for (name, value) in values { try folder.write("keys/\(name)", value) }
  }

  /// Takes endpoints, not addresses: nothing but loopback can be written into a drill's configuration.
  func writeConfiguration(
    _ world: WorldEntries, tickets: SandboxEndpoint, issues: SandboxIssues, repository: LeakyRepository
  ) throws(DrillError) {
    let trackers = ["tickets", "issues"]
    let routes = zip(world.routes, trackers).map { route, tracker in
      """
        - when: {kind: \(route.kind)}
          playbook: \(route.playbook)
          credential: \(route.credential)
          repositories: [\(repository.name)]
          tracker: \(tracker)
      """
    }
    try folder.write(
      "staunch.yaml",
      """
      # DRILL: every target is a sandbox of this drill, on loopback. Nothing here is real.
      staunch: 1
      drill: true

      credentials:
      \(world.credentials)

      stores:
      \(world.stores)

      consumers:
      \(world.consumers)

      repositories:
        \(repository.name):
          path: \(Self.quoted(repository.path))
          remote: origin

      trackers:
        tickets:
          kind: standard-webhooks
          url: \(tickets.url)/hooks/staunch
          secret: \(key("tickets"))
        issues:
          kind: github-issues
          base_url: \(issues.endpoint.url)
          repository: \(SandboxIssues.repository)
          token: \(key("issues"))
          public: false

      routes:
      \(routes.joined(separator: "\n"))

      """)
  }

  /// A report in staunch's own plain format, as a scanner would have written it.
  func writeReport(_ leaks: [SandboxLeak], _ repository: LeakyRepository) throws(DrillError) {
    var findings: [JSONValue] = []
    for place in repository.places {
      for leak in leaks where place.file.kinds.contains(leak.kind) {
        var finding: [String: JSONValue] = [
          "kind": .string(leak.kind), "value": .string(leak.value), "repository": .string(repository.name),
          "commit": .string(place.commit), "path": .string(place.file.path),
          "line": .integer(place.file.line), "rule": "drill",
        ]
        if let handle = leak.handle { finding["handle"] = .string(handle) }
        findings.append(.object(finding))
      }
    }
    let report: JSONValue = ["schema": "staunch.findings/1", "findings": .array(findings)]
    try folder.write("report.json", report.canonicalText + "\n")
  }

  /// A path as a YAML scalar: JSON's strings are YAML's.
  static func quoted(_ text: String) -> String { JSONValue.quoted(text) }
}
