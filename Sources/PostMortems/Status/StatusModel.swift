import Chronicle
import Foundation
import Incidents

/// What the templates of updates and hand-overs can say. Texts only; no secrets (Mustache reads members by reflection).
struct StatusModel: Sendable {
  struct Credential: Sendable {
    let subject, name, state: DocumentText
    /// When it was probed and what the provider said; nil when it was not.
    let probe: DocumentText?
  }
  struct Wait: Sendable {
    let what, since: DocumentText
    let deadline: DocumentText?
  }
  struct Message: Sendable {
    let what: DocumentText
  }
  struct Decision: Sendable {
    let instant, decision, reason: DocumentText
    let role: DocumentText?
  }

  let isDrill: Bool
  let id, codename, kind, severity, phase, detected, elapsed, asOf, nextUpdate: DocumentText
  /// For people who read one line.
  let verdict: DocumentText
  let overview: DocumentText
  let credentials: [Credential]
  let done: [DocumentText]
  let current: DocumentText?
  let hasActions: Bool
  let waits: [Wait]
  let next: DocumentText
  let command: DocumentText?
  let undelivered: [Message]
  let tasks: [DocumentText]
  let decisions: [Decision]
  let risks: [DocumentText]
  let acknowledge: DocumentText

  init(_ record: IncidentRecord, _ status: IncidentStatus, nextUpdate: Date, _ words: Words) {
    isDrill = status.isDrill
    id = DocumentText(status.id.rawValue)
    codename = words.clean(status.codename)
    kind = DocumentText(status.kind.rawValue)
    severity = DocumentText(status.severity.rawValue)
    phase = DocumentText(status.state.rawValue)
    detected = DocumentText(ClockText.full(status.detected))
    elapsed = DocumentText(
      status.isClockBehind
        ? "? (this clock stands before the detection)" : StatusModel.age(status))
    asOf = DocumentText(ClockText.full(status.now))
    self.nextUpdate = DocumentText(ClockText.near(nextUpdate, from: status.now))
    verdict = DocumentText(StatusModel.verdict(status))
    overview = words.clean(StatusModel.overview(status).joined(separator: " "))
    credentials = status.credentials.map { StatusModel.credential($0, now: status.now) }
    done = status.steps.filter { $0.state == .done && $0.action?.isAct == true }
      .map { DocumentText("\($0.action ?? "") (step \($0.label))\(StatusModel.clock($0.ended))") }
    current = status.currentStep.map { words.clean(StatusModel.describe($0, now: status.now)) }
    hasActions = !done.isEmpty || current != nil
    waits = status.waiting.map { StatusModel.wait($0, words) }
    next = words.clean(status.next.text)
    command = status.next.command.map { DocumentText($0) }
    undelivered = status.undelivered.map {
      Message(what: DocumentText("\($0.event ?? "message") to \($0.tracker): \($0.state) (\($0.id))"))
    }
    tasks = StatusModel.tasks(record, status, words)
    decisions = StatusModel.decisions(record, words)
    risks = (StatusModel.risks(record, status) + StatusModel.copies(record)).map { words.clean($0) }
    acknowledge = DocumentText("staunch handover --incident \(status.id) --acknowledge responder")
  }

  private static func credential(_ credential: IncidentStatus.Credential, now: Date) -> Credential {
    let probe = credential.probed.map { probed in
      let ago = DurationText.age(now.duration(since: probed))
      let code = credential.code.map { ", \($0)" } ?? ""
      return DocumentText("probed at \(ClockText.near(probed, from: now)), \(ago) ago\(code)")
    }
    return Credential(
      subject: DocumentText(
        (credential.subject == .leaked ? "old credential" : "replacement")
          + (credential.value.map { " (value \($0))" } ?? "")),
      name: DocumentText(credential.name.rawValue),
      state: DocumentText(credential.state.rawValue.uppercased()),
      probe: probe)
  }

  private static func wait(_ waiting: IncidentStatus.Waiting, _ words: Words) -> Wait {
    let prompt = waiting.prompt.map { " (\($0))" } ?? ""
    return Wait(
      what: words.clean("step \(waiting.step) waits for \(waiting.what)\(prompt)"),
      since: DocumentText(ClockText.full(waiting.since)),
      deadline: waiting.until.map { DocumentText(ClockText.full($0)) })
  }

  private static func describe(_ step: StepRecord, now: Date) -> String {
    let elapsed = step.elapsed(at: now).map { " for \(DurationText.age($0))" } ?? ""
    let reason = step.reason.map { ": \($0)" } ?? ""
    return "step \(step.label) \(step.state.rawValue)\(elapsed)\(reason)"
  }

  private static func clock(_ date: Date?) -> String { date.map { ", \(ClockText.short($0))" } ?? "" }
}

extension String {
  /// True for actions that change something; what only looks is no news.
  fileprivate var isAct: Bool {
    !["credential.verify", "credential.inspect", "abuse.search", "consumer.health", "history.scan"].contains(
      self)
  }
}

/// Instants for people: UTC, to the minute.
enum ClockText {
  /// `2026-11-24 03:05Z`
  static func full(_ date: Date) -> String {
    String(Timestamp.text(date).prefix(16)).replacing("T", with: " ") + "Z"
  }

  /// `03:05Z`
  static func short(_ date: Date) -> String { String(full(date).dropFirst(11)) }

  /// The time alone on the same day as `now`, else with the date.
  static func near(_ date: Date, from now: Date) -> String {
    full(date).prefix(10) == full(now).prefix(10) ? short(date) : full(date)
  }
}
