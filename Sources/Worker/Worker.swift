import Capabilities
import Chronicle
package import Execution
package import Foundation
package import Incidents
package import Inbox
import JSON
import Journal
package import Response

/// Takes in what the endpoint stored, starts the right response, carries out what may run, tells people, and publishes what they see.
///
/// Each of these is a ``Lane`` that looks for itself: ``WorkLoop`` lets all of them go at the same time, ``round()`` one after the
/// other. What takes long (a provider that is asked, a run, a tracker) is a ``Job`` on a task of its own, so that a lane is never
/// away for longer than it takes to read a few events. Nothing is remembered that the journal does not say: a lane derives what there is
/// to do, so its queue is the journal, and the process may die anywhere. A delivery is finished in the exchange file only after its
/// incidents stand in the journal; taken in twice, it changes nothing.
///
/// Trouble is that of a thing (a delivery, an incident, a run) or of a lane, is said once, and is tried again after a pause that doubles.
/// There is none that ends the worker.
package actor Worker {
  /// Marks approvals of runs that the worker carries out itself.
  package static let via = PlanApproved.worker
  /// More deliveries at once would hold plaintext for longer than needed.
  static let batch = 16
  /// Plans that are being made at the same time: most of their time providers are asked.
  static let plansAtOnce = 8
  /// After so many seconds people are told without the plan.
  static let planPatience: TimeInterval = 10
  /// A board that has not followed for so many seconds is old.
  static let boardPatience: TimeInterval = 60

  /// Goes on with an approved run until it waits or is over; its history is held back where that is true. What its steps left
  /// in the outbox stays there.
  package typealias RunCarrier =
    @Sendable (_ installation: Installation, _ plan: Plan, _ holdsHistory: Bool) async throws -> Void
  /// What a test makes fail: called before each call, with the subject.
  package typealias Fault = @Sendable (WorkPoint, String) throws -> Void

  private let queue = WorkQueue("staunch.worker")
  package nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

  var installation: Installation
  let inbox: Inbox
  let now: @Sendable () -> Date
  let carryOn: RunCarrier
  let fault: Fault
  var desks: Desks
  let board: BoardRoom

  // MARK: what the lanes know

  /// The journal's last event before a lane's last look.
  private var seen: [Lane: Int] = [:]
  /// When time alone makes a lane due.
  private var dues: [Lane: Date] = [:]
  private var laneTroubles = Troubles<Lane>(first: 1, longest: 60)

  var retention = RetentionRound()

  /// Deliveries whose values are being tried at their providers.
  var deliveriesAtWork: Set<Int> = []
  var deliveryTroubles = Troubles<Int>(first: 2, longest: 900)
  /// Incidents of a large delivery of which more is still to come.
  var arriving: Set<IncidentID> = []
  /// What became of decisions whose end could not be written down yet.
  var decided: [Int: String] = [:]
  var decisionTroubles = Troubles<Int>(first: 2, longest: 900)

  /// The last event of an incident that was looked at: nothing is tried again before there is news, or its pause is over.
  var considered: [IncidentID: Int] = [:]
  /// Incidents whose plan is being made, since when.
  var planning: [IncidentID: Date] = [:]
  var planTroubles = Troubles<IncidentID>(first: 60, longest: 3600)
  /// Plans that wait for the policy's word.
  var toContain: [IncidentID: (plan: Plan, incident: Incident)] = [:]
  var containTroubles = Troubles<IncidentID>(first: 2, longest: 900)
  var lateConsidered: [IncidentID: [RepositoryName]] = [:]
  var latePlanning: Set<IncidentID> = []

  /// Trackers that are being sent to, and those that did not answer, until when.
  var sending: Set<TrackerName> = []
  var silent: [TrackerName: Date] = [:]

  var slots = RunSlots()
  /// The last event of a run that led to a try, and ends of waits that have.
  var tried: [RunID: Int] = [:]
  var triedEnds: [RunID: Date] = [:]
  /// Runs that wait for a place.
  var ready: Set<RunID> = []
  /// Of runs that were looked at: what they rotate at, and what brought their incidents.
  var runFacts: [RunID: RunFacts] = [:]
  var runTroubles = Troubles<RunID>(first: 5, longest: 900)
  var held = HeldHistory()

  /// Since when the board does not show what the journal says; nil: it does.
  private(set) var boardIsBehindSince: Date?
  var saidUnreadable = 0

  struct RunFacts {
    let provider: String?
    let deliveries: Set<JSONValue>
  }

  /// - Parameter carryOn: goes on with a run.
  package init(
    installation: Installation, inbox: Inbox, now: @escaping @Sendable () -> Date,
    fault: @escaping Fault = { _, _ in }, carryOn: @escaping RunCarrier
  ) throws {
    self.installation = installation
    self.inbox = inbox
    self.now = now
    self.fault = fault
    self.carryOn = carryOn
    desks = try Desks(installation, inbox, now: now)
    board = BoardRoom(installation: installation, inbox: inbox)
    // What a killed process was sending may have arrived: it is looked up. Not while a run is at work, which may be sending.
    if try !installation.journal.locks().contains(where: { $0.state == .running }) {
      try installation.journal.recoverOutbox()
    }
  }

  /// From now on another configuration holds. Plans and runs that are at work end by the one that they began with.
  package func adopt(_ installation: Installation) async throws {
    desks = try Desks(installation, inbox, now: now)
    self.installation = installation
    considered = [:]
    planTroubles = Troubles(first: 60, longest: 3600)
    lateConsidered = [:]
    runFacts = [:]
    seen = [:]
    dues = [:]
    await board.adopt(installation)
  }

  // MARK: looking

  /// One look of every lane, one after the other, and all that they begin to its end. - Returns: true when there may be more at once.
  package func round() async throws -> Bool {
    var more = false
    for lane in [.retention, .reconciliation, .intake, .decisions, .secrets] as [Lane] {
      try Task.checkCancellation()
      if await whole(lane) { more = true }
    }
    var plans = await turn(.planning)
    while !plans.jobs.isEmpty {
      await finish(plans.jobs)
      plans = await turn(.planning)
    }
    _ = await whole(.telling)
    // A run may take minutes: people hear of it before. A tracker that hangs holds no run up.
    var runs = await turn(.runs)
    await deliver(within: runs.jobs.isEmpty ? nil : .seconds(2))
    while !runs.jobs.isEmpty {
      await finish(runs.jobs)
      // Whoever is contained now holds nobody back any more; and there are places again.
      runs = await turn(.runs)
    }
    _ = await whole(.telling)
    await deliver(within: nil)
    while await whole(.board) {}
    let head = try? installation.journal.head().sequence  // it cannot be read: then there is news
    for lane in Lane.allCases where laneTroubles.words(of: lane) == nil { seen[lane] = head }
    return more
  }

  private func whole(_ lane: Lane) async -> Bool {
    let turn = await turn(lane)
    await finish(turn.jobs)
    return turn.more
  }

  private func finish(_ jobs: [Job]) async {
    await withDiscardingTaskGroup { group in
      for job in jobs { group.addTask { await job.work() } }
    }
  }

  /// One look of a lane. Its trouble is said, and it looks again after a pause.
  func turn(_ lane: Lane) async -> Turn {
    guard !laneTroubles.holds(lane, at: now()) else { return Turn() }
    do {
      dues[lane] = nil
      let head = try installation.journal.head().sequence
      let turn = try await look(lane)
      seen[lane] = head
      laneTroubles.clear(lane)
      if lane == .board { boardIsBehindSince = nil }
      return turn
    } catch {
      guard !Self.isCancellation(error) else { return Turn() }
      note(error, of: "\(lane.rawValue)", in: &laneTroubles, lane)
      return Turn()
    }
  }

  private func look(_ lane: Lane) async throws -> Turn {
    switch lane {
    case .retention: return try destroyKeys()
    case .reconciliation: return try await askPlatforms()
    case .intake: return try await takeIn()
    case .decisions: return try applyDecisions()
    case .secrets: return try await fetchSecrets()
    case .planning: return try findPlans()
    case .telling: return try tell()
    case .outbox: return try findMessages()
    case .runs: return try findRuns()
    case .board:
      try fault(.publish, "")
      let (more, due) = try await board.publish(now: now())
      becomesDue(.board, due)
      return Turn(more: more)
    }
  }

  /// Tells the endpoint that the worker comes round: without it the console says that the board is old, and `/readyz` no.
  func beat() {
    // A file that cannot be written is told by the lanes; that nothing comes is what the endpoint says then.
    do { try inbox.beat(at: now()) } catch {}
  }

  /// The lanes that could find something to do. A few small queries.
  func lanesWithNews() -> [Lane] {
    let time = now()
    do {
      try fault(.lookForNews, "")
      let head = try installation.journal.head().sequence
      if seen[.board] != head { boardIsBehindSince = boardIsBehindSince ?? time }
      let isOld = boardIsBehindSince.map { time.timeIntervalSince($0) > Self.boardPatience } ?? false
      let waitingDeliveries = deliveriesAtWork.union(deliveryTroubles.held(at: time))
      let hasDeliveries =
        try deliveriesAtWork.count < Self.batch
        && inbox.pendingCount() > waitingDeliveries.count
      let hasDecisions = try !inbox.pendingDecisions(limit: 1, besides: decisionTroubles.held(at: time))
        .isEmpty
      return Lane.allCases.filter { lane in
        if laneTroubles.holds(lane, at: time) { return false }
        if laneTroubles.isDue(lane, at: time) || dues[lane].map({ $0 <= time }) == true { return true }
        switch lane {
        case .intake: return hasDeliveries
        case .decisions: return hasDecisions
        // By time alone; the first time at once.
        case .retention, .reconciliation: return seen[lane] == nil
        case .telling: return isOld || seen[lane] != head
        case .secrets, .planning, .outbox, .runs, .board: return seen[lane] != head
        }
      }
    } catch {
      // Each lane that is due finds out for itself.
      return Lane.allCases.filter { laneTroubles.isDue($0, at: time) || dues[$0].map { $0 <= time } == true }
    }
  }

  /// Whether a round could find something to do.
  package func hasNews() -> Bool { lanesWithNews().contains { $0 != .retention } }

  func isDueNoMore(_ lane: Lane) { dues[lane] = nil }

  /// The lanes that cannot do their work now, each with why: the disk is full, for example.
  package func troubledLanes() -> [(lane: Lane, because: String)] {
    Lane.allCases.compactMap { lane in laneTroubles.words(of: lane).map { (lane, $0) } }
  }

  func becomesDue(_ lane: Lane, _ date: Date?) {
    guard let date else { return }
    dues[lane] = min(dues[lane] ?? .distantFuture, date)
  }

  // MARK: trouble

  static func isCancellation(_ error: any Error) -> Bool {
    if error is CancellationError { return true }
    if let error = error as? CapabilityError { return error.class == .cancelled && Task.isCancelled }
    return false
  }

  /// Nothing else can be done either until it is mended: the lane looks again later, all of it.
  static func isEverybodys(_ error: any Error) -> Bool {
    if isCancellation(error) { return true }
    if let error = error as? JournalError { return error.isOfWholeJournal }
    if let error = error as? InboxError { return error.isOfWholeFile }
    return false
  }

  /// Says what is wrong with `subject`, unless that was said; it is tried again when its pause is over.
  @discardableResult
  func note<Subject>(
    _ error: any Error, of name: String, in troubles: inout Troubles<Subject>, _ subject: Subject
  ) -> (because: String, fix: String?) {
    let voice = installation.voice
    let words = voice.words(for: error)
    if troubles.note(subject, "\(words.what): \(words.because)", at: now()) {
      voice.say("\(harmless(name)):")
      voice.tell(error)
    }
    return (words.because, words.fix)
  }
}
