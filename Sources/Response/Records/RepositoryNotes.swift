import Capabilities
package import Incidents
import JSON
package import Journal

/// What was done to a repository by hand, as evidence of the incidents that it concerns.
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
    try journal.note(
      byHand: "history.scan", phase: "read",
      [
        "answer": search.isClean ? "clean" : "found", "values": .array(values.map { .string($0.rawValue) }),
        "outputs": [
          "repository": ["$repository": .string(repository.rawValue)], "places": .integer(search.places),
          "objects": .integer(search.objects), "commits": .integer(search.commits),
        ],
      ], of: incident)
  }
}

extension PublishedHistory {
  /// Whether it is the repository that is called `name` here, or lies at `path` as somebody who verified it said.
  package func isOf(_ name: RepositoryName, at path: String) -> Bool {
    repository == name || clone?.path == path
  }
}
