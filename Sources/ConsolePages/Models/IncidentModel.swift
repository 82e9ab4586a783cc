import Foundation
import JSON

/// Everything on an incident's page.
struct IncidentModel: Sendable {
  struct Event: Sendable {
    let when: Moment?
    let eventText: String
    let quote: String?
    let source: String?
  }
  struct Lock: Sendable {
    let lockName: String
    let owner: String
    let lockRun: String?
    let lockSince: Moment?
  }
  struct Place: Sendable {
    let place: String
    let placeNote: String?
  }
  struct Note: Sendable {
    let noteText: String
    let noteBy: String?
  }
  struct Link: Sendable {
    let href: String
    let label: String
  }
  struct Undelivered: Sendable {
    let undeliveredText: String
    let undeliveredState: StateMark
  }

  let steps: [StepModel]
  let hasSteps: Bool
  let progress: String?
  let timeline: [Event]
  let hasTimeline: Bool
  let locks: [Lock]
  let places: [Place]
  let placesCount: Int
  let morePlaces: Int?
  let notes: [Note]
  let undelivered: Undelivered?

  init(_ json: JSONValue, now: Date) {
    let current = json["step"]?.string
    steps = (json["steps"]?.array ?? []).compactMap { StepModel($0, current: current) }
    hasSteps = !steps.isEmpty
    let finished = steps.count { ["done", "skipped"].contains($0.stepState) }
    progress = steps.isEmpty ? nil : "\(finished) of \(steps.count)"
    timeline = (json["timeline"]?.array ?? []).map { row in
      Event(
        when: Moment(row["at"]?.string, now: now), eventText: row["text"]?.string ?? "",
        quote: row["quote"]?.string, source: row["evidence"].flatMap(Self.label))
    }
    hasTimeline = !timeline.isEmpty
    locks = (json["locks"]?.array ?? []).map { lock in
      Lock(
        lockName: lock["name"]?.string ?? "?", owner: lock["owner"]?.string ?? "unknown",
        lockRun: lock["run"]?.string, lockSince: Moment(lock["since"]?.string, now: now))
    }
    let all = json["places"]?.array ?? []
    places = all.prefix(50).map(Self.place)
    placesCount = json["places_count"]?.integer ?? all.count
    morePlaces = placesCount > 50 ? placesCount - 50 : nil
    notes = (json["notes"]?.array ?? []).map { note in
      let by = [
        note["role"]?.string ?? note["by"]?.string, note["at"]?.string.map { String($0.prefix(19)) + "Z" },
      ]
      return Note(
        noteText: note["text"]?.string ?? note.string ?? "",
        noteBy: by.compactMap { $0 }.isEmpty ? nil : by.compactMap { $0 }.joined(separator: " · "))
    }
    switch json["undelivered"]?.integer {
    case 0?: undelivered = nil
    case let count?:
      undelivered = Undelivered(
        undeliveredText: "\(ConsoleText.count(count, "message")) did not provably arrive",
        undeliveredState: StateMark("?", "undelivered", "wait"))
    case nil:
      undelivered = Undelivered(
        undeliveredText: "Whether every message arrived is not known",
        undeliveredState: StateMark("?", "unknown", "wait"))
    }
  }

  private static func label(_ evidence: JSONValue) -> String? {
    evidence.string ?? evidence["label"]?.string ?? evidence["seq"]?.integer.map { "event \($0)" }
  }

  /// `repository path:line`, and what is known about it.
  private static func place(_ json: JSONValue) -> Place {
    if let text = json.string { return Place(place: text, placeNote: nil) }
    var text = [json["repository"]?.string, json["path"]?.string ?? json["place"]?.string]
      .compactMap { $0 }.joined(separator: " ")
    if let line = json["line"]?.integer { text += ":\(line)" }
    let commit = json["commit"]?.string.map { "commit \($0.prefix(12))" }
    let note = [commit, json["url"]?.string, json["note"]?.string].compactMap { $0 }.joined(separator: " · ")
    return Place(place: text.isEmpty ? "unnamed place" : text, placeNote: note.isEmpty ? nil : note)
  }
}
