package import Capabilities
package import Incidents
import JSON
package import Journal

/// What a fresh clone of a remote showed, as evidence of an incident.
package struct FreshCloneRecord {
  package let repository: RepositoryName
  /// The clone on this machine whose remote it is.
  package let path: String
  package let remote: String
  package let incident: IncidentID

  package init(repository: RepositoryName, path: String, remote: String, incident: IncidentID) {
    self.repository = repository
    self.path = path
    self.remote = remote
    self.incident = incident
  }

  /// - Parameter values: what was looked for.
  package func note(_ scan: HistoryScan, for values: [SecretRef], in journal: Journal) throws {
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
      ], of: incident)
  }
}
