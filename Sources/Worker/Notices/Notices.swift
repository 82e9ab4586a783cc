import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Response
import StaunchConfiguration

/// Tells people, by the tracker of an incident's route, what the worker has decided about it, and that it grows. Messages go
/// through the journal's outbox; whom to tell, and what was told, is derived from the journal, so a crash forgets nothing and
/// repeats nothing.
///
/// While a storm is held only traps are told, and what is public and works: its own notice says the rest.
final class Notices {
  /// What the worker decided about an incident that has no plan.
  enum Word {
    case waitsForValue
    /// Its plan takes longer than people should wait for the first word.
    case beingPlanned
    case recorded(because: String)
    case failed(because: String, fix: String?)
  }

  private let installation: Installation
  private let now: @Sendable () -> Date
  private let ledger: NoticeLedger
  /// What becomes of runs.
  let runs: RunNotices
  private var words: [IncidentID: Word] = [:]
  /// Incidents of which nothing can be told, for example because an event of theirs cannot be read.
  private var troubles = Troubles<IncidentID>(first: 60, longest: 3600)

  /// Between two messages about further places of one incident, seconds. ``BatchNotice`` decides.
  private static let pace: TimeInterval = 15 * 60

  init(installation: Installation, chronicle: FollowedChronicle, now: @escaping @Sendable () -> Date) {
    self.installation = installation
    self.now = now
    ledger = NoticeLedger(chronicle)
    runs = RunNotices(installation: installation, chronicle: chronicle, now: now)
  }

  /// Notes a decision. After a restart the worker decides anew.
  func decided(_ id: IncidentID, _ word: Word) { words[id] = word }

  /// Queues what there is to tell.
  ///
  /// - Returns: when time alone makes something due; nil: nothing.
  func tell(isStorm: Bool) throws -> Date? {
    try ledger.refresh()
    try tellNew(isStorm: isStorm)
    guard !isStorm else { return nil }
    try ledger.refresh()
    for id in ledger.plannedLater.sorted() { try attempt(id) { try tellPlan(id) } }
    try ledger.refresh()
    var due = troubles.next(after: now())
    for id in ledger.grown.sorted() where !ledger.fresh.contains(id) {
      guard let next = try attempt(id, { try tellPlaces(id) }) ?? nil else { continue }
      due = min(due ?? next, next)
    }
    try ledger.refresh()
    return due
  }

  /// Trouble with one incident is said, and tried again later; the others are told meanwhile.
  ///
  /// - Returns: nil: it is not told now.
  private func attempt<Result>(_ id: IncidentID, _ tell: () throws -> Result) throws -> Result? {
    guard !troubles.holds(id, at: now()) else { return nil }
    do {
      let result = try tell()
      troubles.clear(id)
      return result
    } catch let error as JournalError where error.isOfWholeJournal {
      throw error
    } catch {
      let words = installation.voice.words(for: error)
      if troubles.note(id, "\(words.what): \(words.because)", at: now()) {
        installation.voice.say("\(id): nothing is told of it:")
        installation.voice.tell(error)
      }
      return nil
    }
  }

  /// The board does not follow: whoever looks at it sees what was, and knows it from here. - Parameter why: nil: nobody knows.
  func tellOldBoard(since: Date, why: String?) throws {
    for tracker in Set(installation.configuration.routes.compactMap(\.tracker)).sorted() {
      let id = "\(OutboxEntry.lasting)board-\(Int(since.timeIntervalSince1970))-\(tracker)"
      guard try installation.journal.outboxEntry(id) == nil else { continue }
      try queue(
        id, .updated, about: Self.itself, .sev2, to: tracker,
        NoticeText(
          title: "The console's board does not follow",
          body: "Since \(Timestamp.text(since)) it shows what was"
            + (why.map { ": \(NoticeText.plain($0))" } ?? "")
            + ". What is true stands in the journal: `staunch status`."))
    }
  }

  /// What messages about the worker itself are about.
  private static let itself: IncidentID = "worker"

  // MARK: new incidents

  private func tellNew(isStorm: Bool) throws {
    var batches: [NoticeLedger.Batch: [IncidentID]] = [:]
    for id in ledger.fresh {
      guard let batch = ledger.standings[id]?.batch,
        batch.isTrap || !isStorm || ledger.isUrgent(id)
      else { continue }
      batches[batch, default: []].append(id)
    }
    for (batch, members) in batches.sorted(by: { opened($0.value) < opened($1.value) }) {
      let ids = members.sorted { opened([$0]) < opened([$1]) }
      let rule = BatchNotice.of(newIncidents: ledger.count(of: batch))
      // In a storm these few are those that it does not hold back.
      switch isStorm && !batch.isTrap ? .each : rule {
      case .each: for id in ids where isDecided(id) { try attempt(id) { try tellAlone(id) } }
      case .summary(let shown, _):
        // The last one has waited five minutes at most.
        if ids.allSatisfy(isDecided) { try tellTogether(ids, of: batch, shown: shown) }
      }
    }
  }

  private func opened(_ ids: [IncidentID]) -> Int {
    ids.compactMap { ledger.standings[$0]?.opened }.min() ?? .max
  }

  private func isDecided(_ id: IncidentID) -> Bool {
    words[id] != nil || ledger.standings[id].map { $0.isPlanned || $0.batch?.isTrap == true } ?? false
  }

  private func tellAlone(_ id: IncidentID) throws {
    guard let story = try story(of: id) else { return }
    for tracker in trackers(for: story.incident) {
      try queue(
        NoticeID.detected(id, at: tracker), .detected, about: id, story.severity, to: tracker,
        NoticeText.detected(story))
    }
    done(id)
  }

  /// One message to each tracker, and a record of who is meant by it before it is queued.
  private func tellTogether(_ ids: [IncidentID], of batch: NoticeLedger.Batch, shown: Int) throws {
    var stories: [TrackerName: [NoticeText.Story]] = [:]
    var told: [IncidentID] = []
    for id in ids {
      guard let found = try attempt(id, { try story(of: id) }) else { continue }
      told.append(id)
      guard let story = found else { continue }
      for tracker in trackers(for: story.incident) { stories[tracker, default: []].append(story) }
    }
    let parent = NoticeID.parent(of: batch)
    for (tracker, stories) in stories.sorted(by: { $0.key < $1.key }) {
      let message = NoticeID.summary(parent, at: tracker)
      if !ledger.isRecorded(message) {
        try installation.journal.append(
          .decision,
          [
            "what": .string(NoticeLedger.record), "role": .string(Installation.policyRole.rawValue),
            "reason": .string("\(stories.count) new incidents of one delivery are told in one message"),
            "batch": .string(parent.rawValue), "message": .string(message),
            "incidents": .array(stories.map { .string($0.id.rawValue) }),
          ])
      }
      // The worst first; of equal ones the oldest.
      let ordered = stories.enumerated()
        .sorted { ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset) }.map(\.element)
      try queue(
        message, .detected, about: parent, ordered[0].severity, to: tracker,
        NoticeText.summary(ordered, shown: shown))
    }
    for id in told { done(id) }
  }

  // MARK: what comes later

  private func tellPlan(_ id: IncidentID) throws {
    guard let story = try story(of: id) else { return }
    for tracker in trackers(for: story.incident) {
      try queue(
        NoticeID.planned(id, at: tracker), .updated, about: id, story.severity, to: tracker,
        NoticeText.planned(story))
    }
    if trackers(for: story.incident).isEmpty { ledger.leave(id) }
  }

  /// - Returns: when its places may be told; nil when that is done or nobody is there to tell.
  private func tellPlaces(_ id: IncidentID) throws -> Date? {
    guard let standing = ledger.standings[id], let further = standing.further else { return nil }
    let elapsed = standing.told.map { Duration.seconds(now().timeIntervalSince($0)) }
    if let told = standing.told, !BatchNotice.mayTellAgain(after: elapsed) {
      return told.addingTimeInterval(Self.pace)
    }
    guard let story = try story(of: id) else { return nil }
    for tracker in trackers(for: story.incident) {
      var first = further.first
      // An update that nobody has tried to send is replaced by the next one, which then tells of its places too.
      if let last = try installation.journal.outbox(incident: id).last(where: { $0.tracker == tracker }),
        last.message.event == .updated, last.state == .pending, last.attempts == 0
      {
        guard NoticeID(last.message.id) != .reopened else { return now().addingTimeInterval(Self.pace) }
        first = NoticeID.firstPlace(of: last.message.id, about: id) ?? first
      }
      let count = story.places(since: first)
      guard count > 0 else { continue }
      try queue(
        NoticeID.places(id, first: first, last: further.last), .updated, about: id, story.severity,
        to: tracker, NoticeText.places(story, more: count))
    }
    ledger.leave(id)
    return nil
  }

  // MARK: sending

  /// The route's tracker. A trap is told to somebody in any case.
  private func trackers(for incident: Incident) -> [TrackerName] {
    let configuration = installation.configuration
    if let tracker = Routing(configuration: configuration).route(for: incident)?.tracker { return [tracker] }
    guard incident.restraint == .canary else { return [] }
    return Set(configuration.routes.compactMap(\.tracker)).sorted()
  }

  private func queue(
    _ id: String, _ event: TicketMessage.Event, about incident: IncidentID, _ severity: Severity,
    to tracker: TrackerName, _ text: NoticeText
  ) throws {
    let isPublic = installation.targets.trackers[tracker]?.isPublic ?? true
    let text = isPublic ? NoticeText.neutral : text
    let isDrill = installation.configuration.isDrill
    _ = try installation.journal.enqueue(
      TicketMessage(
        id: id, incident: incident, event: event, sequence: 1, title: (isDrill ? "DRILL: " : "") + text.title,
        body: text.body, severity: severity, isDrill: isDrill, at: now()),
      to: tracker)
  }

  private func done(_ id: IncidentID) {
    ledger.leave(id)
    words[id] = nil
  }

  /// What there is to say about an incident; nil, and it is left, when the journal no longer has it.
  private func story(of id: IncidentID) throws -> NoticeText.Story? {
    guard let standing = ledger.standings[id] else { return nil }
    let events = try standing.members.flatMap { try installation.journal.events(incident: $0) }
      .sorted { $0.sequence < $1.sequence }
    guard let story = NoticeText.Story(id, events, words[id]) else {
      ledger.leave(id)
      return nil
    }
    return story
  }
}
