package import Capabilities
package import Chronicle
package import Incidents
import JSON
package import Journal

/// What was done to a repository by hand, and what was seen there, as evidence of the incidents that it concerns.
package struct RepositoryNotes {
  package let journal: Journal
  package let repository: RepositoryName

  package init(_ repository: RepositoryName, in journal: Journal) {
    self.repository = repository
    self.journal = journal
  }

  /// It is what it was before its rewrite: it holds the values of `incident` again.
  package func restored(of incident: IncidentID) throws {
    try journal.note(
      byHand: "history.restore", phase: "perform",
      ["outputs": ["repository": ["$repository": .string(repository.rawValue)]]], of: incident)
  }

  /// The undo vault of a rewrite is gone, with everything that it held.
  package func shredded(_ backup: String, of incident: IncidentID) throws {
    try journal.note(
      byHand: "history.shred", phase: "perform",
      [
        "outputs": [
          "repository": ["$repository": .string(repository.rawValue)], "backup": .string(backup),
        ]
      ], of: incident)
  }

  /// What a search showed.
  package struct Search {
    package let places: Int
    package let objects: Int
    package let commits: Int
    package let isClean: Bool

    package init(places: Int, objects: Int, commits: Int, isClean: Bool) {
      self.places = places
      self.objects = objects
      self.commits = commits
      self.isClean = isClean
    }
  }

  /// - Parameter values: what was looked for.
  package func searched(_ search: Search, for values: [SecretRef], of incident: IncidentID) throws {
    try note("history.scan", search, for: values, of: incident)
  }

  /// What a fresh clone of a remote showed; a scan of no remote is no such evidence.
  ///
  /// - Parameters:
  ///   - clone: on this machine, whose remote it is.
  ///   - values: what was looked for.
  package func verified(
    _ scan: HistoryScan, of clone: PublishedHistory.Clone, for values: [SecretRef], of incident: IncidentID
  ) throws {
    guard let address = scan.remote else { return }
    let elsewhere = scan.elsewhere.compactMap { $0.line(repository: clone.path) }
    var outputs: [String: JSONValue] = [
      "remote": .string(address), "clone": .string(clone.path), "remote_name": .string(clone.remote),
      "elsewhere": .array(elsewhere.map { .string($0) }),
    ]
    if !elsewhere.isEmpty {
      outputs["again"] = .string(
        HistoryElsewhere.again(repository: clone.path, remote: clone.remote, incident: incident))
    }
    let search = Search(
      places: scan.places.count, objects: scan.objects, commits: scan.commits, isClean: scan.isClean)
    try note("history.verify", search, outputs, for: values, of: incident)
  }

  private func note(
    _ action: String, _ search: Search, _ more: [String: JSONValue] = [:], for values: [SecretRef],
    of incident: IncidentID
  ) throws {
    let outputs: [String: JSONValue] = [
      "repository": ["$repository": .string(repository.rawValue)], "places": .integer(search.places),
      "objects": .integer(search.objects), "commits": .integer(search.commits),
    ]
    try journal.note(
      byHand: action, phase: "read",
      [
        "answer": search.isClean ? "clean" : "found", "values": .array(values.map { .string($0.rawValue) }),
        "outputs": .object(outputs.merging(more) { _, given in given }),
      ], of: incident)
  }
}

extension PublishedHistory {
  /// Whether it is the repository that is called `name` here, or lies at `path` as somebody who verified it said.
  package func isOf(_ name: RepositoryName, at path: String) -> Bool {
    repository == name || clone?.path == path
  }
}
