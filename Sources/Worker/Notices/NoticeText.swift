import Actions
import Capabilities
import Chronicle
import Foundation
import Incidents
import JSON
import Response

/// The words of a notice. What comes out of reports is quoted and without characters that a tracker would act on.
struct NoticeText: Hashable {
  let title: String
  let body: String

  /// What a public tracker says as long as nobody proved that the credential is dead.
  static let neutral = NoticeText(title: NeutralMessage.title, body: NeutralMessage.body)

  static func detected(_ story: Story) -> NoticeText {
    NoticeText(
      title: story.isTrap
        ? "A trap was reported: \(story.name)" : "A leaked secret was reported: \(story.name)",
      body: "\(story.facts). \(story.standing) \(story.show)")
  }

  /// - Parameter stories: the most important first.
  static func summary(_ stories: [Story], shown: Int) -> NoticeText {
    let traps = stories.allSatisfy(\.isTrap) ? "traps" : "leaked secrets"
    var lines = stories.prefix(shown).map {
      "- \($0.name): \($0.facts). \($0.standing) `staunch show \($0.id)`"
    }
    let counted = stories.count - lines.count
    if counted > 0 { lines.append("- and \(counted) more") }
    return NoticeText(
      title: "\(stories.count) \(traps) were reported at once",
      body: lines.joined(separator: "\n") + "\n\nAll of them: `staunch incidents`")
  }

  static func planned(_ story: Story) -> NoticeText {
    NoticeText(
      title: "A plan was made: \(story.name)", body: "\(story.facts). \(story.standing) \(story.show)")
  }

  /// - Parameter more: places since the last message.
  static func places(_ story: Story, more: Int) -> NoticeText {
    NoticeText(
      title: "+\(count(more, "place")): \(story.name)",
      body: "Since the last message the secret was found in \(count(more, "further place")); "
        + "\(count(story.places, "place")) in all. \(story.standing) \(story.show)")
  }

  static func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }

  /// One line without mentions, markup and control characters.
  static func plain(_ text: String, longest: Int = 300) -> String {
    String(
      harmless(text.replacing(/@(?=[A-Za-z0-9])/, with: "(at)")).filter { !"`<>|[]!*\\".contains($0) }
        .prefix(longest))
  }
}

extension NoticeText {
  /// What is known of one incident.
  struct Story {
    let id: IncidentID
    let incident: Incident
    private let events: [JournalEvent]
    private let word: Notices.Word?

    /// - Parameters:
    ///   - events: of the incident and those merged into it, in order.
    ///   - word: the worker's; nil when there is a plan, or nothing was decided.
    init?(_ id: IncidentID, _ events: [JournalEvent], _ word: Notices.Word?) {
      let reports = events.filter { [.incidentOpened, .incidentUpdated].contains($0.kind) }
      guard let incident = Incident(id: id, journalled: reports.map(\.body)) else { return nil }
      self.id = id
      self.incident = incident
      self.events = events
      self.word = word
    }

    var severity: Severity { incident.severity }
    var isTrap: Bool { incident.restraint == .canary }
    var name: String { "\(NoticeText.plain(incident.codename)) (\(incident.kind))" }
    var show: String { "Look: `staunch show \(id)`" }
    /// Distinct ones, with those that were only counted.
    var places: Int { incident.occurrences.count + incident.furtherFindings }

    /// How many places are known since an event, itself included.
    func places(since sequence: Int) -> Int {
      var known: Set<String> = []
      var count = 0
      for event in events {
        for place in IncidentReport(event.body).places {
          guard let key = place.key, known.insert(key).inserted else { continue }
          if event.sequence >= sequence { count += 1 }
        }
      }
      return count
    }

    /// Without a full stop.
    var facts: String {
      var facts = ["\(severity.rawValue)", NoticeText.count(places, "place")]
      let names = incident.repositories.prefix(3).map { "`\(NoticeText.plain($0, longest: 80))`" }
      if !names.isEmpty {
        let others = incident.repositories.count - names.count
        facts[1] += " in \(names.joined(separator: ", "))" + (others > 0 ? " and \(others) more" : "")
      }
      facts.append("validity \(incident.validity.rawValue)")
      return facts.joined(separator: ", ")
    }

    /// What waits, or why nothing does.
    var standing: String {
      if let plan = events.last(where: { $0.kind == .planSaved }) { return planned(plan) }
      switch word {
      case .beingPlanned: return "Its plan is being made: its provider takes long to answer."
      case .waitsForValue: return "Its value is not known yet, and nothing is planned before it is."
      case .recorded(let because): return "Recorded only: \(NoticeText.plain(because))."
      case .failed(let because, let fix):
        return "No plan could be made: \(NoticeText.plain(because))."
          + (fix.map { " Fix: \(NoticeText.plain($0))." } ?? "")
      case nil: return isTrap ? "Nothing is rotated: that would burn the trap." : "Nothing is decided yet."
      }
    }

    private func planned(_ event: JournalEvent) -> String {
      let plan = PlanSaved(event.body)
      let name = plan.plan?.rawValue ?? "The plan"
      let words = events.filter { event in
        switch event.typed {
        case .planApproved(let word): word.digest == plan.digest && word.step == nil
        case .planDeclined(let word): word.digest == plan.digest && word.step == nil
        default: false  // no word about a plan
        }
      }
      if words.last?.kind == .planDeclined { return "\(name) was declined." }
      if words.contains(where: { $0.kind == .planApproved && PlanApproved($0.body).actions == nil }) {
        return "\(name) is approved."
      }
      let actions = words.last.flatMap { PlanApproved($0.body).actions }?.sorted() ?? []
      guard !actions.isEmpty else { return "\(name) waits for approval." }
      return "The policy lets \(actions.joined(separator: ", ")) of \(name) go ahead; "
        + "the rest waits for approval."
    }
  }
}
