import Actions
import Capabilities
package import Chronicle
package import Execution
package import Foundation
import Incidents
package import Inbox
import JSON
import Journal
package import Response
import ScannerReports
import StaunchConfiguration

/// Takes in what the endpoint stored, starts the right response, carries out what may run, and publishes what people see.
///
/// A delivery is finished in the exchange file only after its incidents stand in the journal; taken in twice, it changes
/// nothing, because incidents and places have keys. So the process may die anywhere.
package final class Worker {
  /// Marks approvals of runs that the worker carries out itself.
  package static let via = PlanApproved.worker
  /// More at once would hold plaintext for longer than needed.
  private static let batch = 16

  private let installation: Installation
  private let inbox: Inbox
  private let now: @Sendable () -> Date
  /// The last event that was looked at, by incident and by run: nothing is tried again before there is news.
  private var considered: [IncidentID: Int] = [:]
  private var tried: [RunID: Int] = [:]
  /// Ends of waits that have led to a try.
  private var triedEnds: [RunID: Date] = [:]
  private var lateConsidered: [IncidentID: [RepositoryName]] = [:]
  private var held = HeldHistory()
  private let ledger: IncidentLedger
  /// The journal's last event after the last round.
  private var seen = -1
  private var retention = RetentionRound()
  /// When time alone makes something due.
  private var due = Date.distantPast

  private let reading: DeliveryReading
  private let board: Board
  private let reconciliation: Reconciliation
  private let secretFetch: SecretFetch
  private let notices: Notices
  private let storm: Storm
  private let latePlaces: LatePlaces
  private let chronicle: FollowedChronicle
  private let carryOn: RunCarrier

  /// Goes on with an approved run until it waits or is over; its history is held back where that is true. What its steps left
  /// in the outbox stays there.
  package typealias RunCarrier = @Sendable (_ plan: Plan, _ holdsHistory: Bool) async throws -> Void

  private typealias Trouble = (because: String, fix: String?)

  /// - Parameter carryOn: goes on with a run.
  package init(
    installation: Installation, inbox: Inbox, now: @escaping @Sendable () -> Date,
    carryOn: @escaping RunCarrier
  ) throws {
    self.installation = installation
    self.inbox = inbox
    self.now = now
    self.carryOn = carryOn
    let chronicle = FollowedChronicle(installation.journal)
    let ledger = IncidentLedger(journal: installation.journal, chronicle: chronicle)
    let voice = installation.voice
    let say: (String) -> Void = { voice.say(harmless($0)) }
    self.ledger = ledger
    self.chronicle = chronicle
    storm = Storm(
      journal: installation.journal, configuration: installation.configuration, chronicle: chronicle)
    latePlaces = LatePlaces(installation: installation, chronicle: chronicle)
    board = Board(installation: installation, inbox: inbox, chronicle: chronicle)
    notices = Notices(installation: installation, chronicle: chronicle, now: now)
    reading = DeliveryReading(key: try StateDirectory(installation.statePath).fingerprintKey())
    reconciliation = Reconciliation(
      sources: installation.sources, inbox: inbox, ledger: ledger,
      receiver: installation.configuration.receiver, now: now, say: say)
    // What a killed process was sending may have arrived: it is looked up. Not while a run is at work, which may be sending.
    if try !installation.journal.locks().contains(where: { $0.state == .running }) {
      try installation.journal.recoverOutbox()
    }
    secretFetch = SecretFetch(
      sources: installation.sources, reading: reading,
      joining: JoiningValues(installation: installation, ledger: ledger), now: now, say: say)
  }

  /// One round over everything. - Returns: true when there may be more at once.
  package func round() async throws -> Bool {
    due = .distantFuture
    try retention.look(installation, now: now())
    becomesDue(try await reconciliation.run())
    var more = try await takeIn()
    for decision in try inbox.pendingDecisions() {
      let outcome = try outcome(of: decision.said)
      try inbox.finishDecision(decision.sequence, outcome: outcome)
    }
    if try await fetchSecrets() { more = true }
    try await startDue()
    try await planLatePlaces()
    becomesDue(try notices.tell(isStorm: try storm.isHeld()))
    // A run may take minutes: people hear of it before. A tracker that hangs holds no run up.
    let waiting = try dueRuns()
    let limit: Duration? = waiting.isEmpty ? nil : .seconds(2)
    becomesDue(try await OutboxRound(installation: installation, now: now).deliver(within: limit))
    try await carryOut(waiting)
    becomesDue(try await OutboxRound(installation: installation, now: now).deliver())
    try board.publish(now: now())
    seen = try installation.journal.head().sequence
    return more
  }

  /// What became of a decision. One that cannot be carried out is refused; it must not stop the others.
  private func outcome(of decision: NewDecision) throws -> String {
    do {
      return try DecisionDesk(installation: installation).apply(decision)
    } catch let error as JournalError {
      throw error
    } catch let error as ExecutionError where error.code == .journal {
      throw error
    } catch {
      installation.voice.say("a decision of \(harmless(decision.person)):")
      installation.voice.tell(error)
      return "refused: it could not be carried out; the worker's output says why"
    }
  }

  /// Tells the endpoint that the worker has come round: without it the console says that the board is old, and `/readyz` no.
  package func beat() throws { try inbox.beat(at: now()) }

  /// Whether a round could find something to do. Three small queries.
  package func hasNews() throws -> Bool {
    if due <= now() { return true }
    if try inbox.pendingCount() > 0 { return true }
    if try !inbox.pendingDecisions(limit: 1).isEmpty { return true }
    return try installation.journal.head().sequence != seen
  }

  /// Deliveries → incidents in the journal. - Returns: true when more wait.
  package func takeIn() async throws -> Bool {
    var desk = desk
    let deliveries = try inbox.pendingDeliveries(limit: Self.batch)
    for delivery in deliveries {
      guard let result = try read(delivery, with: reading) else { continue }
      desk.delivery = [
        "route": .string(delivery.route), "id": .string(delivery.id),
        "received": .string(Timestamp.text(delivery.receivedAt)),
      ]
      desk.tried = try await JoiningValues(installation: installation, ledger: ledger).tried(result.incidents)
      let words = PlatformWords(journal: installation.journal, ledger: ledger)
      let entries =
        try desk.record(result.incidents)
        + words.take(result.words, of: "\(delivery.source) \(delivery.id)", into: desk)
      let new = entries.filter(\.isNew).count
      try storm.check(new: new, waiting: [:], now: now())
      try crashPointForTests()
      let outcome = result.outcome(incidents: entries.count, new: new)
      try inbox.finish(
        delivery.sequence, outcome: outcome, dropBody: result.unread.isEmpty && result.leftOut == 0)
      say(delivery, outcome)
    }
    return deliveries.count == Self.batch
  }

  private var desk: IncidentDesk {
    var desk = IncidentDesk(journal: installation.journal, ledger: ledger)
    desk.willReopen = { [self] in try tellReopening(of: $0, $1, closing: $2, because: $3) }
    return desk
  }

  private func becomesDue(_ date: Date?) { due = min(due, date ?? .distantFuture) }

  /// Alerts' secrets, from the platforms. In a storm nobody is asked: nothing starts anyway. - Returns: true when more wait.
  private func fetchSecrets() async throws -> Bool {
    guard try !storm.isHeld() else { return false }
    let waiting = try waiting()
    let (due, more) = try await secretFetch.fetch(for: waiting, into: desk)
    becomesDue(due)
    return more
  }

  /// A closed incident's secret is back: somebody is told, always. The id is the closing's, so it is said once.
  private func tellReopening(of id: IncidentID, _ incident: Incident, closing: Int, because: String) throws {
    guard let tracker = Routing(configuration: installation.configuration).route(for: incident)?.tracker
    else {
      return
    }
    _ = try installation.journal.enqueue(
      TicketMessage(
        id: "reopened-\(id)-\(closing)", incident: id, event: .updated, sequence: 1,
        title: "An incident is open again",
        body: "\(id) is open again: \(because). It is planned anew: `staunch show \(id)`.",
        severity: incident.severity, isDrill: false, at: now()),
      to: tracker)
  }

  /// The delivery's findings; nil when there are none to take in, and the exchange file says so.
  private func read(_ delivery: Delivery, with reading: DeliveryReading) throws -> DeliveryReading.Result? {
    do {
      return try reading.read(delivery)
    } catch  where error.code == .unknownFormat {
      try inbox.finish(delivery.sequence, outcome: "ignored: nothing that names a secret", dropBody: true)
      say(delivery, "ignored: nothing that names a secret")
    } catch {
      try inbox.fail(delivery.sequence, reason: "\(error.place): \(error.because)")
      say(delivery, "not readable: \(error.place): \(error.because)")
    }
    return nil
  }

  private func say(_ delivery: Delivery, _ outcome: String) {
    installation.voice.say(
      "delivery \(delivery.sequence) of \(delivery.route): \(harmless(outcome))",
      ["delivery": delivery.id, "route": delivery.route, "sequence": "\(delivery.sequence)"])
  }

  private func waiting() throws -> [StartDesk.Waiting] {
    StartDesk(installation: installation).waiting(try chronicle.current())
  }

  /// Plans for incidents whose time has come; nothing while a storm is held.
  private func startDue() async throws {
    let desk = StartDesk(installation: installation)
    let waiting = try waiting()
    let providers = waiting.compactMap(\.incident.provider)
    try storm.check(
      new: 0, waiting: Dictionary(providers.map { ($0, 1) }, uniquingKeysWith: +), now: now())
    guard try !storm.isHeld() else { return }
    for entry in waiting where considered[entry.incident.id] != entry.sequence {
      switch desk.start(of: entry) {
      case .at(let date) where date > now():
        becomesDue(date)
        continue
      case .notByItself: notices.decided(entry.incident.id, .recorded(because: Self.restraint(of: entry)))
      case .now, .at:
        let trouble = try await attempt("\(entry.incident.id)") { try await plan(entry, with: desk) }
        if let trouble {
          notices.decided(entry.incident.id, .failed(because: trouble.because, fix: trouble.fix))
        }
      }
      considered[entry.incident.id] = entry.sequence
    }
  }

  private func plan(_ entry: StartDesk.Waiting, with desk: StartDesk) async throws {
    let voice = installation.voice
    switch try await PlanMaker(installation: installation).plan(entry.entry, credential: nil) {
    case .planned(let plan):
      voice.say("\(entry.incident.id): planned \(plan.id)")
      _ = try desk.contain(plan, of: entry.incident, now: now())
    case .recorded(let because, _):
      voice.say("\(entry.incident.id): recorded only: \(harmless(because))")
      notices.decided(entry.incident.id, entry.leaked.isEmpty ? .waitsForValue : .recorded(because: because))
    }
  }

  /// Why nothing starts by itself.
  private static func restraint(of entry: StartDesk.Waiting) -> String {
    entry.incident.restraint?.because ?? "the reporter has seen the credential refused"
  }

  /// Places that came too late for the incident's plan. Nothing is rotated a second time.
  private func planLatePlaces() async throws {
    guard try !storm.isHeld() else { return }
    let desk = latePlaces
    for missed in try desk.missed() where lateConsidered[missed.incident] != missed.repositories {
      lateConsidered[missed.incident] = missed.repositories
      try await attempt("\(missed.incident)") {
        guard let plan = try await desk.plan(missed) else { return }
        let names = missed.repositories.map(\.rawValue).joined(separator: ", ")
        installation.voice.say(
          "\(missed.incident): further places in \(harmless(names)) came too late for its plan: planned "
            + "\(plan.id), which cleans history and rotates nothing")
      }
    }
  }

  @discardableResult
  private func attempt(_ subject: String, _ work: () async throws -> Void) async throws -> Trouble? {
    try await Self.attempt(subject, saying: installation.voice, work)
  }

  /// Trouble with one incident or run is said, and it waits for news while the others go on; trouble with the journal
  /// ends the worker.
  @discardableResult
  private static func attempt(_ subject: String, saying voice: any Voice, _ work: () async throws -> Void)
    async throws -> Trouble?
  {
    do {
      try await work()
      return nil
    } catch let error as JournalError {
      throw error
    } catch let error as ExecutionError where error.code == .journal {
      throw error
    } catch {
      voice.say("\(subject):")
      return voice.tell(error)
    }
  }

  /// Goes on with every run that the worker has taken on, until it waits or is over.
  private func carryOut(_ due: [RunPool<Plan>.Entry]) async throws {
    guard !due.isEmpty else { return }
    held.hold(Dictionary(due.map { ($0.work.run, deliveries(of: $0.work)) }) { first, _ in first })
    try await Self.carryOut(due, holding: held.runs, by: carryOn, in: installation)
    // Whoever is contained now holds nobody back any more.
    let journal = installation.journal
    let free = try due.filter {
      try held.isFree($0.work.run, in: journal) && journal.waitsForContainment($0.work.run)
    }
    try await Self.carryOut(free, holding: [], by: carryOn, in: installation)
    let ran = Set(due.map(\.work.run))
    for entry in try chronicle.current().workersRuns.all where ran.contains(entry.run) {
      tried[entry.run] = entry.sequence
      noteEnd(of: entry)
    }
  }

  private static func carryOut(
    _ due: [RunPool<Plan>.Entry], holding: Set<RunID>, by carryOn: @escaping RunCarrier,
    in installation: Installation
  ) async throws {
    let pool = RunPool<Plan> { entry in
      try await attempt("\(entry.work.run)", saying: installation.voice) {
        try await carryOn(entry.work, holding.contains(entry.work.run))
      }
    }
    try await pool.run(due)
  }

  private func deliveries(of plan: Plan) -> Set<JSONValue> {
    guard let incident = plan.incident, let course = chronicle.last[incident]?.course else { return [] }
    return Set(course.bodies.compactMap { IncidentReport($0).delivery })
  }

  private func dueRuns() throws -> [RunPool<Plan>.Entry] {
    let isStorm = try storm.isHeld()
    var due: [RunPool<Plan>.Entry] = []
    for entry in try chronicle.current().workersRuns.all
    where try tried[entry.run] != entry.sequence || isOver(entry)
      || held.isFree(entry.run, in: installation.journal)
    {
      if isStorm, entry.isByPolicyAlone { continue }
      tried[entry.run] = entry.sequence
      if let plan = try plan(of: entry.run) { due.append(self.entry(plan)) }
    }
    return due
  }

  /// Whether a wait of the run has ended since it was last tried.
  private func isOver(_ entry: WorkersRuns.Run) -> Bool {
    guard let until = entry.until, triedEnds[entry.run] != until else { return false }
    guard until < now() else {
      noteEnd(of: entry)
      return false
    }
    triedEnds[entry.run] = until
    return true
  }

  /// The worker becomes due when the wait ends. The run itself asks whether it is later than that.
  private func noteEnd(of entry: WorkersRuns.Run) {
    guard let until = entry.until, triedEnds[entry.run] != until else { return }
    becomesDue(until.addingTimeInterval(0.001))
  }

  /// A run's plan; nil, and said, when it cannot be read.
  private func plan(of run: RunID) throws -> Plan? {
    do {
      return try installation.openPlan(run.rawValue)
    } catch let error as JournalError {
      throw error
    } catch {
      installation.voice.say("\(run):")
      installation.voice.tell(error)
      return nil
    }
  }

  private func entry(_ plan: Plan) -> RunPool<Plan>.Entry {
    guard case .credential(let name)? = plan.inputs["credential"] else {
      return RunPool.Entry(work: plan, provider: nil)
    }
    return RunPool.Entry(work: plan, provider: installation.configuration.credentials[name]?.target.kind)
  }

  /// Between the journal and the exchange file: where a test kills the process.
  private func crashPointForTests() throws {
    try installation.crashPoint()(.afterAppend([.incidentOpened], sequence: 0))
  }
}
