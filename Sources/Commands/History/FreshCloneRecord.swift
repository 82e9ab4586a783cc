import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import StaunchConfiguration

/// What a fresh clone of a remote showed, as evidence of an incident.
struct FreshCloneRecord {
  let repository: RepositoryName
  /// The clone on this machine whose remote it is.
  let path: String
  let remote: String
  let incident: IncidentID

  /// - Parameter values: what was looked for.
  func note(_ scan: HistoryScan, for values: [SecretRef], in journal: Journal) throws {
    guard let address = scan.remote else { return }
    let elsewhere = scan.elsewhere.compactMap { $0.line(repository: path) }
    var outputs: [String: JSONValue] = [
      "repository": ["$repository": .string(repository.rawValue)], "remote": .string(address),
      "places": .integer(scan.places.count), "objects": .integer(scan.objects),
      "commits": .integer(scan.commits), "clone": .string(path), "remote_name": .string(remote),
      "elsewhere": .array(elsewhere.map { .string($0) }),
    ]
    if !elsewhere.isEmpty {
      outputs["again"] = .string(
        HistoryElsewhere.again(repository: path, remote: remote, incident: incident))
    }
    try journal.note(
      byHand: "history.verify", phase: "read",
      [
        "answer": scan.isClean ? "clean" : "found", "values": .array(values.map { .string($0.rawValue) }),
        "outputs": .object(outputs),
      ], of: [incident])
  }
}

extension Assembly {
  /// What staunch.yaml calls the repository at `path`; nil without an entry, or without a file.
  func repositoryName(at path: String) throws -> RepositoryName? {
    guard configurationPath != nil else { return nil }
    return try configuration().repositories.first { _, entry in
      [entry.path, entry.path + "/.git"].contains { URL(filePath: $0).standardizedFileURL.path == path }
    }?.key
  }
}
