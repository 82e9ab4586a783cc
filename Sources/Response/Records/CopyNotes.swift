import Chronicle
package import Execution
package import Incidents
package import JSON
package import Journal

/// What a search outside of Git showed, as evidence of the incident whose values were looked for: status and `close` know the
/// copies until a later search no longer finds them.
package struct CopyNotes {
  package let journal: Journal

  package init(journal: Journal) { self.journal = journal }

  /// What a search showed. Nothing in it holds a value.
  package struct Search {
    /// `clean`, `found`, `unknown`.
    package let verdict: String
    package let roots: [String]
    /// `path`, `line`, `kind`, `form`; `address`, `attribute` and `trap` of Terraform's resources.
    package let places: [[String: JSONValue]]
    /// Places that were not searched.
    package let notSearched: [String]
    package let files: Int

    package init(
      verdict: String, roots: [String], places: [[String: JSONValue]], notSearched: [String], files: Int
    ) {
      self.verdict = verdict
      self.roots = roots
      self.places = places
      self.notSearched = notSearched
      self.files = files
    }
  }

  /// Of places that are kept one by one.
  private static let most = 200

  /// - Parameter values: what was looked for.
  package func located(_ search: Search, for values: [SecretRef], of incident: IncidentID) throws {
    let places = search.places.prefix(Self.most).map { JSONValue.object($0) }
    try journal.note(
      byHand: KeptCopies.action, phase: "read",
      [
        "answer": .string(search.verdict), "values": .array(values.map { .string($0.rawValue) }),
        "outputs": [
          "roots": .array(search.roots.map { .string($0) }), "places": .array(places),
          "further_places": .integer(search.places.count - places.count),
          "not_searched": .array(search.notSearched.prefix(Self.most).map { .string($0) }),
          "further_not_searched": .integer(max(0, search.notSearched.count - Self.most)),
          "files": .integer(search.files),
        ],
      ], of: incident)
  }
}

extension Plan {
  /// What undoes this plan's work if nobody looks: states of Terraform in which the incident's leaked key was found set it
  /// Active again.
  package func traps(in journal: Journal) throws(JournalError) -> [String] {
    guard let incident else { return [] }
    return try journal.record(of: incident).keptCopies.traps
  }
}
