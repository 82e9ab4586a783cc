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
  struct Fact: Sendable {
    let factName: String
    let factText: String
  }
  struct Signature: Sendable {
    let signer: String
    let signedWhat: String
    let signedAt: Moment?
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
  let moreSteps: String?
  let timeline: [Event]
  let hasTimeline: Bool
  /// How many events stand before the first that is shown.
  let earlier: String?
  let topFacts: [Fact]
  let failedText: String?
  let signatures: [Signature]
  let locks: [Lock]
  let places: [Place]
  let placesCount: Int
  let furtherPlaces: [Place]
  let hasFurtherPlaces: Bool
  let furtherPlacesText: String
  let morePlaces: Int?
  let notes: [Note]
  let undelivered: Undelivered?

  /// What a page shows of long lists: it is to be read at 03:00, and to come within 150 ms.
  private static let fewPlaces = 5
  private static let mostPlaces = 50
  private static let mostSteps = 100
  private static let mostEvents = 100
  private static let mostNotes = 30
  private static let longestText = 800

  /// - Parameters:
  ///   - plan: gives the steps their titles.
  ///   - names: who signs, by the fingerprint of the key.
  init(_ json: JSONValue, plan: JSONValue? = nil, names: [String: String] = [:], now: Date) {
    let current = json["step"]?.string
    let titles = StepModel.titles(of: plan)
    let allSteps = (json["steps"]?.array ?? []).compactMap {
      StepModel($0, current: current, titles: titles)
    }
    steps = Array(allSteps.prefix(Self.mostSteps))
    moreSteps = allSteps.count > steps.count ? "and \(allSteps.count - steps.count) more" : nil
    hasSteps = !steps.isEmpty
    let finished = allSteps.count { ["done", "skipped"].contains($0.stepState) }
    progress = allSteps.isEmpty ? nil : "\(finished) of \(allSteps.count)"
    topFacts = Self.facts(json)
    failedText = Self.failure(json, titles)
    signatures = (json["approvals"]?.array ?? []).reversed().map { Self.signature($0, names, titles, now) }
    let events = json["timeline"]?.array ?? []
    earlier = events.count > Self.mostEvents ? "\(events.count - Self.mostEvents) earlier events" : nil
    timeline = events.suffix(Self.mostEvents).map { row in
      Event(
        when: Moment(row["at"]?.string, now: now), eventText: Self.short(row["text"]?.string ?? ""),
        quote: row["quote"]?.string.map(Self.short), source: row["evidence"].flatMap(Self.label))
    }
    hasTimeline = !timeline.isEmpty
    locks = (json["locks"]?.array ?? []).map { lock in
      Lock(
        lockName: lock["name"]?.string ?? "?", owner: lock["owner"]?.string ?? "unknown",
        lockRun: lock["run"]?.string, lockSince: Moment(lock["since"]?.string, now: now))
    }
    let all = json["places"]?.array ?? []
    places = all.prefix(Self.fewPlaces).map(Self.place)
    furtherPlaces = all.prefix(Self.mostPlaces).dropFirst(Self.fewPlaces).map(Self.place)
    hasFurtherPlaces = !furtherPlaces.isEmpty
    furtherPlacesText = ConsoleText.count(furtherPlaces.count, "further place")
    placesCount = json["places_count"]?.integer ?? all.count
    morePlaces = placesCount > Self.mostPlaces ? placesCount - Self.mostPlaces : nil
    // The last one first: it is what somebody who comes new to it looks for.
    notes = (json["notes"]?.array ?? []).suffix(Self.mostNotes).reversed().map { note in
      let by = [
        note["role"]?.string ?? note["by"]?.string, note["at"]?.string.map { String($0.prefix(19)) + "Z" },
      ]
      return Note(
        noteText: Self.short(note["text"]?.string ?? note.string ?? ""),
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

  private static func short(_ text: String) -> String {
    text.count > longestText ? text.prefix(longestText) + "…" : text
  }

  /// What somebody asks first on the phone; only what is known.
  private static func facts(_ json: JSONValue) -> [Fact] {
    var facts: [Fact] = []
    func add(_ name: String, _ text: String?) {
      if let text, !text.isEmpty { facts.append(Fact(factName: name, factText: short(text))) }
    }
    var repositories: [String] = []
    for name in (json["places"]?.array ?? []).compactMap({ $0["repository"]?.string })
    where !repositories.contains(name) && repositories.count < 4 {
      repositories.append(name)
    }
    add("repository", repositories.joined(separator: ", "))
    add("leaked", json["handle"]?.string)
    add("exposure", json["exposure"]?.string)
    add("assigned to", json["assigned"]?.string)
    let owners = (json["locks"]?.array ?? []).compactMap { $0["owner"]?.string }
    add("locked by", owners.first)
    return facts
  }

  private static func failure(_ json: JSONValue, _ titles: [String: String]) -> String? {
    guard let failed = json["failed"], failed.object != nil else { return nil }
    let step = failed["step"]?.string.map { label in
      " at " + (titles[String(label.prefix { $0 != "[" })] ?? "step \(label)")
    }
    return "The run failed" + (step ?? "") + (failed["reason"]?.string.map { ": \(short($0))" } ?? "")
  }

  private static func signature(
    _ json: JSONValue, _ names: [String: String], _ titles: [String: String], _ now: Date
  ) -> Signature {
    let identity = json["identity"]?.string
    let name = identity.flatMap { names[$0] } ?? identity.map { "key \($0.prefix(16))" } ?? "unknown"
    let role = json["role"]?.string.map { " (\($0))" } ?? ""
    let object =
      json["step"]?.string.map { titles[$0] ?? "step \($0)" } ?? "plan \(json["plan"]?.string ?? "")"
    let isPolicy = json["by_policy"]?.boolean == true
    return Signature(
      signer: isPolicy ? "staunch.yaml" : name + role,
      signedWhat: isPolicy ? "allows containing \(object)" : object,
      signedAt: Moment(json["at"]?.string, now: now))
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
