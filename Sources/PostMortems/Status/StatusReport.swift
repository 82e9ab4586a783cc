public import Chronicle
public import Foundation
public import Incidents

/// Text about a running incident for people who are not at the terminal: updates to paste, and the hand-over.
///
/// All of it follows from the journal and the clock; templates are `update-internal.txt`, `update-executive.txt` and
/// `handover.md` of `templates/`.
public enum StatusReport {
  /// Whom an update is for.
  public enum Audience: String, Sendable, CaseIterable {
    /// Conditions, actions, needs.
    case `internal`
    /// Title, status, overview, next steps: no commands.
    case executive

    /// The file in `templates/`.
    public var templateName: String { "update-\(rawValue).txt.mustache" }
  }

  /// An update to paste into a chat or an e-mail: plain text that ends with the time of the next one.
  ///
  /// - Parameters:
  ///   - nextUpdate: nil for the usual interval of the severity.
  ///   - people: names that must not stand in it; they become roles.
  /// - Throws: `.unknownIncident`, `.badTemplate`.
  public static func update(
    events: [JournalEvent], incident: IncidentID, now: Date, nextUpdate: Date?, template: String,
    people: [String] = []
  ) throws(PostMortemError) -> String {
    let model = try model(
      events: events, incident: incident, now: now, nextUpdate: nextUpdate, people: people)
    return quiet(try DocumentTemplate(template, as: .text).render(model))
  }

  /// What the next responder needs: state, open tasks, timers, decisions with reasons, risks, undelivered messages.
  /// Parameters and errors as for an update; the result is Markdown.
  public static func handover(
    events: [JournalEvent], incident: IncidentID, now: Date, nextUpdate: Date?, template: String,
    people: [String] = []
  ) throws(PostMortemError) -> String {
    let model = try model(
      events: events, incident: incident, now: now, nextUpdate: nextUpdate, people: people)
    return quiet(try DocumentTemplate(template, as: .markdown).render(model))
  }

  /// How long after one update the next is due: the worse, the sooner.
  public static func interval(for severity: Severity) -> Duration {
    switch severity {
    case .sev1: .seconds(30 * 60)
    case .sev2: .seconds(60 * 60)
    case .sev3: .seconds(4 * 60 * 60)
    case .sev4: .seconds(24 * 60 * 60)
    }
  }

  /// Words that page a whole channel lose their mark: these texts are made to be pasted.
  private static func quiet(_ text: String) -> String {
    ["everyone", "here", "channel"].reduce(text) { $0.replacing("@\($1)", with: $1) }
  }

  private static func model(
    events: [JournalEvent], incident: IncidentID, now: Date, nextUpdate: Date?, people: [String]
  ) throws(PostMortemError) -> StatusModel {
    let record = IncidentRecord(of: incident, in: events)
    guard !record.events.isEmpty else {
      throw PostMortemError(
        .unknownIncident, "no report on \"\(incident)\" was written",
        because: "the journal knows no incident of that name", fix: "staunch incidents")
    }
    let status = IncidentStatus(of: record, now: now)
    let next = nextUpdate ?? now.addingTimeInterval(Double(interval(for: status.severity).components.seconds))
    return StatusModel(record, status, nextUpdate: next, Words(people))
  }
}
