public import Chronicle
public import Incidents
public import JSON

/// Drafts the blameless post-mortem of an incident from the journal and the repositories.
///
/// Everything is "as of" the journal's last event of the incident: the same journal gives the same document.
public enum PostMortem {
  /// A draft that takes the place of an earlier one.
  public struct Redraft: Sendable {
    public let text: String
    /// Somebody wrote in the earlier draft: keep a copy of it.
    public let isTouched: Bool
    /// Blocks of text that stood outside of the marked regions and were moved into the region `kept`.
    public let moved: Int
  }

  /// The Markdown document, and what became of the earlier one.
  ///
  /// - Parameters:
  ///   - template: a Mustache template such as `templates/postmortem.md.mustache`; its variables escape for Markdown.
  ///   - existing: an earlier draft. What people wrote in its marked regions is kept there, and what they wrote elsewhere in a
  ///     region at the end; everything else is written anew.
  /// - Throws: `.unknownIncident`; `.badTemplate` with line and column; `.badRegions` when a marker of the earlier draft is
  ///   lost, since text could be lost with it; `.otherFile` when it is no draft of this incident.
  public static func redraft(
    events: [JournalEvent], repositories: [RepositoryEvidence], incident: IncidentID, template: String,
    existing: String?
  ) throws(PostMortemError) -> Redraft {
    let model = try model(events: events, repositories: repositories, incident: incident)
    let fresh = try PeopleRegions(
      parsing: try DocumentTemplate(template, as: .markdown).render(model), of: "the template")
    guard let existing, !existing.allSatisfy(\.isWhitespace) else {
      return Redraft(text: fresh.keeping(nil).text, isTouched: false, moved: 0)
    }
    let earlier = try PeopleRegions(parsing: existing, of: "the earlier draft")
    try check(existing, earlier, isDraftOf: incident)
    return Redraft(
      text: fresh.keeping(earlier).text, isTouched: earlier.isTouched(besides: fresh),
      moved: earlier.strays(besides: fresh).count)
  }

  /// A file that is no draft of this incident is nobody's to replace.
  private static func check(_ text: String, _ regions: PeopleRegions, isDraftOf incident: IncidentID)
    throws(PostMortemError)
  {
    let named = text.firstMatch(of: /<!--\s*staunch:\s[^>]*?\bincident=([^\s>]+)/).map { String($0.output.1) }
    let because: String? =
      if let named, named != incident.rawValue {
        "it is the draft of \(named)"
      } else if named == nil, !regions.isDraft {
        "it is no draft of staunch: it has no marked region"
      } else {
        nil
      }
    guard let because else { return }
    throw PostMortemError(
      .otherFile, "the file was left as it is", because: because, fix: "choose another file: --output FILE")
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
