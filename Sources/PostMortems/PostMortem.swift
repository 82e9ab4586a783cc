public import Incidents
public import JSON

/// Drafts the blameless post-mortem of an incident from the journal and the repositories.
///
/// Everything is "as of" the journal's last event of the incident: the same journal gives the same document.
public enum PostMortem {
  /// The Markdown document.
  ///
  /// - Parameters:
  ///   - template: a Mustache template such as `templates/postmortem.md.mustache`; its variables escape for Markdown.
  ///   - existing: an earlier draft. What people wrote in its marked regions is kept; everything else is written anew.
  /// - Throws: `.unknownIncident`; `.badTemplate` with line and column; `.badRegions` when a marker of the earlier draft is
  ///   lost, since text could be lost with it.
  public static func draft(
    events: [JournalEvent], repositories: [RepositoryEvidence], incident: IncidentID, template: String,
    existing: String?
  ) throws(PostMortemError) -> String {
    let model = try model(events: events, repositories: repositories, incident: incident)
    let fresh = try DocumentTemplate(template, as: .markdown).render(model)
    let earlier = try existing.map { text throws(PostMortemError) in
      try PeopleRegions(parsing: text, of: "the earlier draft")
    }
    return try PeopleRegions(parsing: fresh, of: "the template").keeping(earlier).text
  }

  /// One self-contained HTML page with the timeline drawn as SVG.
  ///
  /// - Parameter document: the Markdown draft; what people wrote in it is shown in place of the machine's draft.
  public static func page(
    events: [JournalEvent], repositories: [RepositoryEvidence], incident: IncidentID, template: String,
    document: String?
  ) throws(PostMortemError) -> String {
    var model = try model(events: events, repositories: repositories, incident: incident)
    model.written = try written(in: document).mapValues { DocumentText(paragraphs: $0) }
    return try DocumentTemplate(template, as: .html).render(model)
  }

  /// The same facts for programs; documented in docs/JSON.md.
  public static func json(
    events: [JournalEvent], repositories: [RepositoryEvidence], incident: IncidentID, document: String?
  ) throws(PostMortemError) -> JSONValue {
    let record = try record(of: incident, in: events)
    return PostMortemJSON.document(
      of: record, repositories: repositories, written: try written(in: document))
  }

  private static func model(
    events: [JournalEvent], repositories: [RepositoryEvidence], incident: IncidentID
  ) throws(PostMortemError) -> DocumentModel {
    DocumentModel(of: try record(of: incident, in: events), repositories: repositories)
  }

  private static func record(of incident: IncidentID, in events: [JournalEvent]) throws(PostMortemError)
    -> IncidentRecord
  {
    let record = IncidentRecord(of: incident, in: events)
    guard !record.events.isEmpty else {
      throw PostMortemError(
        .unknownIncident, "no post-mortem of \"\(incident)\" was drafted",
        because: "the journal knows no incident of that name", fix: "staunch incidents")
    }
    return record
  }

  /// Regions that a person changed.
  private static func written(in document: String?) throws(PostMortemError) -> [String: String] {
    guard let document else { return [:] }
    let regions = try PeopleRegions(parsing: document, of: "the draft").regions
    return Dictionary(
      regions.filter(\.isWritten).map { ($0.name, $0.text) }, uniquingKeysWith: { first, _ in first })
  }
}
