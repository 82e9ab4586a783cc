import Capabilities
import Chronicle
import Foundation
import Incidents
import Journal
import Response
import StaunchConfiguration

/// Tells people what becomes of the runs that the worker carries out, and that nobody sees at a terminal: one has failed, waits,
/// was stopped or taken back, cannot go on; a gate is open; nobody has answered in time.
///
/// Derived from the journal like every notice: what a run waits for, and which message has said so. What nobody was told for a day is
/// not told any more.
final class RunNotices {
  /// How a run stands of which nobody was told yet.
  private struct News {
    let sequence: Int
    let at: Date
    let end: RunEnded
  }

  /// A person's turn.
  private struct Turn {
    let sequence: Int
    let at: Date
    let step: StepID
    let wait: StepWaiting
  }

  /// A plan that nobody has said yes or no to.
  private struct OpenPlan {
    let plan: PlanID
    let sequence: Int
    let at: Date
  }

  private struct Place: Hashable {
    let step: StepID
    let item: Int?
  }

  private let installation: Installation
  private let chronicle: FollowedChronicle
  private let now: @Sendable () -> Date

  /// The worker's, with their incidents.
  private var runs: [RunID: IncidentID] = [:]
  private var news: [RunID: News] = [:]
  private var turns: [RunID: [Place: Turn]] = [:]
  /// The last plan of each incident, and whose each of them is.
  private var plans: [IncidentID: OpenPlan] = [:]
  private var incidents: [PlanID: IncidentID] = [:]
  private var told: Set<String> = []
  /// Runs that could not go on, since when, and why.
  private var stuck: [RunID: (since: Date, because: String, fix: String?)] = [:]

  /// Seconds: a worker that starts again goes on with what its end has stopped, and a lock is often free soon.
  private static let patience: TimeInterval = 60
  /// Seconds.
  private static let memory: TimeInterval = 86_400

  /// - Parameter chronicle: not looked at yet, so that nothing is missed.
  init(installation: Installation, chronicle: FollowedChronicle, now: @escaping @Sendable () -> Date) {
    self.installation = installation
    self.chronicle = chronicle
    self.now = now
    chronicle.listen { [weak self] event, _ in self?.take(event) }
  }

  // MARK: what the journal says

  private func take(_ event: JournalEvent) {
    switch event.typed {
    case .message(let message):
      if message.isNew, let id = message.id, id.hasPrefix(OutboxEntry.lasting) { told.insert(id) }
    case .planSaved(let saved):
      guard let plan = saved.plan, let incident = event.incident else { return }
      if let earlier = plans[incident] { incidents[earlier.plan] = nil }
      plans[incident] = OpenPlan(plan: plan, sequence: event.sequence, at: event.at)
      incidents[plan] = incident
    case .planApproved(let word):
      if word.step == nil { isAnswered(word.plan) }
      if word.via == PlanApproved.worker, let run = event.run, let incident = event.incident {
        runs[run] = incident
      }
      takeStep(event)
    case .planDeclined(let word):
      if word.step == nil { isAnswered(word.plan) }
      takeStep(event)
    case .incidentState(let state):
      guard state.state == .closed, let incident = event.incident else { return }
      isAnswered(plans[incident]?.plan)
    case .runStarted(let start):
      isAnswered(start.plan)
      goesOn(event)
    case .runResumed: goesOn(event)
    case .runEnded(let end):
      guard let run = event.run, runs[run] != nil else { return }
      news[run] = end.state == .done ? nil : News(sequence: event.sequence, at: event.at, end: end)
      stuck[run] = nil
      guard end.isOver else { return }
      runs[run] = end.state == .done ? nil : runs[run]
      turns[run] = nil
    default: takeStep(event)
    }
  }

  private func goesOn(_ event: JournalEvent) {
    if let run = event.run { news[run] = nil }
  }

  private func isAnswered(_ plan: PlanID?) {
    guard let plan, let incident = incidents.removeValue(forKey: plan) else { return }
    plans[incident] = nil
  }

  /// Whatever happens to a step ends its wait.
  private func takeStep(_ event: JournalEvent) {
    guard let run = event.run, runs[run] != nil, let step = event.step else { return }
    let place = Place(step: step, item: event.item)
    if case .stepWaiting(let wait) = event.typed, wait.isForPerson {
      turns[run, default: [:]][place] = Turn(
        sequence: event.sequence, at: event.at, step: step, wait: wait)
    } else {
      turns[run]?[place] = nil
    }
  }

  // MARK: what the worker says

  /// A run could not go on: its lock is held, its plan cannot be read.
  func couldNotGoOn(_ run: RunID, because: String, fix: String?) {
    stuck[run] = (stuck[run]?.since ?? now(), because, fix)
  }

  func goesOn(_ run: RunID) { stuck[run] = nil }

  // MARK: telling

  /// Queues what there is to tell. - Returns: when time alone makes something due; nil: nothing.
  func tell(isStorm: Bool) throws -> Date? {
    try chronicle.refresh()
    var due: [Date] = []
    for (run, news) in news.sorted(by: { $0.value.sequence < $1.value.sequence }) {
      if let date = try tell(run, news) { due.append(date) } else { self.news[run] = nil }
    }
    for (run, trouble) in stuck.sorted(by: { $0.key < $1.key }) {
      let date = trouble.since.addingTimeInterval(Self.patience)
      guard date <= now() else {
        due.append(date)
        continue
      }
      guard let incident = runs[run] else { continue }
      try queue(
        "stuck-\(run)-\(Int(trouble.since.timeIntervalSince1970))", about: incident,
        "A run cannot go on",
        "\(run) cannot go on: \(NoticeText.plain(trouble.because)). It is tried again, less and less often."
          + (trouble.fix.map { " Fix: \(NoticeText.plain($0))." } ?? ""))
    }
    if let escalation = installation.configuration.policy.escalation {
      due += try escalate(escalation, isStorm: isStorm)
    }
    return due.min()
  }

  /// - Returns: when it is to be told; nil when that is done, or nobody needs to hear of it.
  private func tell(_ run: RunID, _ news: News) throws -> Date? {
    guard let incident = runs[run], now().timeIntervalSince(news.at) < Self.memory else { return nil }
    let open = (turns[run] ?? [:]).values.sorted { $0.sequence < $1.sequence }
    let reason = NoticeText.plain(news.end.reason ?? "no reason was given")
    let (title, body): (String, String)
    switch news.end.state {
    case .done, .running: return nil
    case .failed, nil:
      title = "A run failed"
      body =
        "\(run) failed: \(reason). "
        + (news.end.isDrift
          ? "Plan again: `staunch plan \(incident)`."
          : "Go on: `staunch resume \(run)`; or take it back: `staunch abort \(run) --reason 'why'`.")
    case .aborted:
      title = "A run was taken back"
      body = "\(run) was taken back: \(reason). Plan again: `staunch plan \(incident)`."
    case .waiting where open.isEmpty:
      // Stopped, or it waits for other runs: if it does not go on by itself.
      guard news.end.reason?.contains("stopped on request") == true else { return nil }
      let date = news.at.addingTimeInterval(Self.patience)
      guard date <= now() else { return date }
      title = "A run was stopped"
      body = "\(run) was stopped: \(reason). Go on: `staunch resume \(run)`."
    case .waiting:
      title = open.contains { $0.wait.subject == "approval" } ? "A gate is open" : "A run waits for a person"
      body = open.map { Self.line($0, of: run) }.joined(separator: "\n")
    }
    try queue("run-\(run)-\(news.sequence)", about: incident, title, body)
    return nil
  }

  private static func line(_ turn: Turn, of run: RunID) -> String {
    let prompt = NoticeText.plain(turn.wait.prompt ?? "a person is asked")
    let until = turn.wait.until.map { " until \(Timestamp.text($0))" } ?? ""
    switch turn.wait.subject {
    case "approval":
      let roles = (turn.wait.roles ?? []).map { NoticeText.plain($0, longest: 80) }
      return "`\(turn.step)` of \(run) waits for \(prompt)\(until)"
        + (roles.isEmpty ? "" : ", by \(roles.joined(separator: " or "))")
        + ". Look: `staunch run \(run)`; then: `staunch approve \(run) --step \(turn.step)`."
    case "decision": return "`\(turn.step)` of \(run): \(prompt)\(until). Look: `staunch status`."
    default:
      return "`\(turn.step)` of \(run): \(prompt)\(until). Then: `staunch done \(turn.step) --run \(run)`."
    }
  }

  // MARK: nobody answers

  /// - Returns: when the next ones are due.
  private func escalate(_ escalation: Configuration.Policy.Escalation, isStorm: Bool) throws -> [Date] {
    let after = Double(escalation.after.milliseconds) / 1000
    var due: [Date] = []
    for (run, turns) in turns {
      guard let incident = runs[run] else { continue }
      for turn in turns.values.sorted(by: { $0.sequence < $1.sequence }) {
        let date = min(turn.wait.until ?? .distantFuture, turn.at.addingTimeInterval(after))
        guard date <= now() else {
          due.append(date)
          continue
        }
        try queue(
          "unanswered-\(run)-\(turn.sequence)", about: incident, to: escalation.tracker,
          "Nobody has answered",
          "Since \(Timestamp.text(turn.at)) nobody has answered. " + Self.line(turn, of: run))
      }
    }
    // A storm has a reminder of its own.
    for (named, open) in plans where !isStorm {
      let date = open.at.addingTimeInterval(after)
      guard date <= now() else {
        due.append(date)
        continue
      }
      let incident = chronicle.last.owner(of: named)
      guard chronicle.last.incidents[incident]?.isClosed == false else { continue }
      try queue(
        "unanswered-\(open.plan)-\(open.sequence)", about: incident, to: escalation.tracker,
        "Nobody has answered",
        "Since \(Timestamp.text(open.at)) \(open.plan) waits for approval. Look: `staunch run \(open.plan)`; then: "
          + "`staunch run \(open.plan) --live`, or on the console.")
    }
    return due
  }

  // MARK: sending

  /// - Parameter tracker: nil: the one of the incident's route.
  private func queue(
    _ id: String, about incident: IncidentID, to tracker: TrackerName? = nil, _ title: String, _ body: String
  ) throws {
    let id = OutboxEntry.lasting + id
    guard !told.contains(id) else { return }
    let owner = chronicle.last.owner(of: incident)
    guard let course = chronicle.last.incidents[owner],
      let known = Incident(id: owner, journalled: course.bodies)
    else { return }
    let configuration = installation.configuration
    guard let tracker = tracker ?? Routing(configuration: configuration).route(for: known)?.tracker else {
      return
    }
    let isPublic = installation.targets.trackers[tracker]?.isPublic ?? true
    let name = "\(NoticeText.plain(known.codename)) (\(known.kind))"
    let text = isPublic ? NoticeText.neutral : NoticeText(title: "\(title): \(name)", body: body)
    _ = try installation.journal.enqueue(
      TicketMessage(
        id: id, incident: owner, event: .updated, sequence: 1,
        title: (configuration.isDrill ? "DRILL: " : "") + text.title, body: text.body,
        severity: known.severity, isDrill: configuration.isDrill, at: now()),
      to: tracker)
    told.insert(id)
  }
}
