import Capabilities
import Chronicle
import Execution
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import Response
import ScannerReports
import Secrets
import StaunchConfiguration

// Deliveries and decisions → the journal; and what nobody delivered.
extension Worker {
  func destroyKeys() throws -> Turn {
    try fault(.destroyKeys, "")
    try retention.look(installation, now: now())
    becomesDue(.retention, now().addingTimeInterval(3600))
    return Turn()
  }

  func askPlatforms() async throws -> Turn {
    try fault(.askPlatforms, "")
    becomesDue(.reconciliation, try await desks.reconciliation.run())
    return Turn()
  }

  // MARK: deliveries

  /// All that wait, at the end: what the endpoint accepted is in the journal before the process goes.
  ///
  /// - Parameter isOver: asked between deliveries; what is left waits in the exchange file.
  package func takeInTheRest(until isOver: @Sendable () -> Bool) async {
    while !isOver() {
      // What a provider is to be asked about waits there, too.
      guard await turn(.intake).more else { return }
    }
  }

  /// - Returns: `more` when more wait.
  func takeIn() async throws -> Turn {
    try fault(.readDeliveries, "")
    let others = deliveriesAtWork.union(deliveryTroubles.held(at: now()))
    guard deliveriesAtWork.count < Self.batch else { return Turn() }
    let deliveries = try inbox.pendingDeliveries(limit: Self.batch, besides: others)
    var turn = Turn(more: deliveries.count == Self.batch)
    becomesDue(.intake, deliveryTroubles.next(after: now()))
    for delivery in deliveries {
      do {
        guard let result = try read(delivery) else { continue }
        let joining = JoiningValues(installation: installation, ledger: desks.ledger)
        if try joining.areTried(result.incidents) {
          // A provider is asked: that is not waited for here.
          deliveriesAtWork.insert(delivery.sequence)
          turn.jobs.append(Job { await self.tryAndRecord(delivery, result) })
        } else {
          try await record(delivery, result, tried: [:])
        }
      } catch  where !Self.isEverybodys(error) {
        noteDelivery(error, delivery)
      } catch {
        // What was begun goes on.
        guard !turn.jobs.isEmpty else { throw error }
        becomesDue(.intake, now().addingTimeInterval(1))
        return Turn(jobs: turn.jobs)
      }
    }
    becomesDue(.intake, deliveryTroubles.next(after: now()))
    return turn
  }

  private func tryAndRecord(_ delivery: Delivery, _ result: DeliveryReading.Result) async {
    do {
      let joining = JoiningValues(installation: installation, ledger: desks.ledger)
      try await record(delivery, result, tried: try await joining.tried(result.incidents))
    } catch {
      if !Self.isCancellation(error) { noteDelivery(error, delivery) }
    }
    deliveriesAtWork.remove(delivery.sequence)
    becomesDue(.intake, deliveryTroubles.next(after: now()))
  }

  private func noteDelivery(_ error: any Error, _ delivery: Delivery) {
    note(
      error, of: "delivery \(delivery.sequence) of \(delivery.route)", in: &deliveryTroubles,
      delivery.sequence)
  }

  /// The delivery's findings; nil when there are none to take in, and the exchange file says so.
  private func read(_ delivery: Delivery) throws -> DeliveryReading.Result? {
    do {
      try fault(.readDelivery, delivery.id)
      return try desks.reading.read(delivery)
    } catch let error as ReportError where error.code == .unknownFormat {
      try finish(delivery, "ignored: nothing that names a secret")
    } catch let error as ReportError {
      try inbox.fail(delivery.sequence, reason: "\(error.place): \(error.because)")
      say(delivery, "not readable: \(error.place): \(error.because)")
    }
    return nil
  }

  private func record(
    _ delivery: Delivery, _ result: DeliveryReading.Result, tried: [Fingerprint: JoiningValues.Trial]
  ) async throws {
    try fault(.recordIncidents, delivery.id)
    var desk = desk
    desk.delivery = [
      "route": .string(delivery.route), "id": .string(delivery.id),
      "received": .string(Timestamp.text(delivery.receivedAt)),
    ]
    desk.tried = tried
    var count = 0
    var new = 0
    var own: Set<IncidentID> = []
    // Whatever comes of it, none of them waits for more.
    defer { arriving.subtract(own) }
    var rest = result.incidents[...]
    repeat {
      let part = rest.prefix(Self.part)
      rest = rest.dropFirst(Self.part)
      var entries = try desk.record(Array(part))
      if rest.isEmpty {
        let words = PlatformWords(journal: installation.journal, ledger: desks.ledger)
        entries += try words.take(result.words, of: "\(delivery.source) \(delivery.id)", into: desk)
      }
      count += entries.count
      new += entries.count(where: \.isNew)
      guard !rest.isEmpty else { break }
      // The other lanes have their turn; these incidents start when it is known whether they are a storm.
      own.formUnion(entries.map(\.id))
      arriving.formUnion(entries.map(\.id))
      await Task.yield()
    } while true
    try desks.storm.check(new: new, waiting: [:], now: now())
    try crashPointForTests()
    deliveryTroubles.clear(delivery.sequence)
    let outcome = result.outcome(incidents: count, new: new)
    try finish(delivery, outcome, dropBody: result.unread.isEmpty && result.leftOut == 0)
  }

  /// Incidents that are recorded at once: beyond, the other lanes have their turn in between.
  private static let part = 256

  private func finish(_ delivery: Delivery, _ outcome: String, dropBody: Bool = true) throws {
    try fault(.finishDelivery, delivery.id)
    try inbox.finish(delivery.sequence, outcome: outcome, dropBody: dropBody)
    say(delivery, outcome)
  }

  private func say(_ delivery: Delivery, _ outcome: String) {
    installation.voice.say(
      "delivery \(delivery.sequence) of \(delivery.route): \(harmless(outcome))",
      ["delivery": delivery.id, "route": delivery.route, "sequence": "\(delivery.sequence)"])
  }

  /// Between the journal and the exchange file: where a test kills the process.
  private func crashPointForTests() throws {
    try installation.crashPoint()(.afterAppend([.incidentOpened], sequence: 0))
  }

  var desk: IncidentDesk {
    var desk = IncidentDesk(journal: installation.journal, ledger: desks.ledger)
    let installation = installation
    let now = now
    desk.willReopen = {
      try Self.tellReopening(of: $0, $1, closing: $2, because: $3, in: installation, at: now())
    }
    return desk
  }

  /// A closed incident's secret is back: somebody is told, always. The id is the closing's, so it is said once.
  private static func tellReopening(
    of id: IncidentID, _ incident: Incident, closing: Int, because: String, in installation: Installation,
    at now: Date
  ) throws {
    guard let tracker = Routing(configuration: installation.configuration).route(for: incident)?.tracker
    else {
      return
    }
    _ = try installation.journal.enqueue(
      TicketMessage(
        id: "reopened-\(id)-\(closing)", incident: id, event: .updated, sequence: 1,
        title: "An incident is open again",
        body: "\(id) is open again: \(because). It is planned anew: `staunch show \(id)`.",
        severity: incident.severity, isDrill: false, at: now),
      to: tracker)
  }

  // MARK: decisions

  /// What people said on the console. One that cannot be carried out is refused; one whose trouble is not its own waits.
  func applyDecisions() throws -> Turn {
    try fault(.readDecisions, "")
    for decision in try inbox.pendingDecisions(besides: decisionTroubles.held(at: now())) {
      do {
        // Said once: a note whose end could not be written down is not written twice.
        let outcome = try decided[decision.sequence] ?? outcome(of: decision.said)
        decided[decision.sequence] = outcome
        try fault(.finishDecision, "\(decision.sequence)")
        try inbox.finishDecision(decision.sequence, outcome: outcome)
        decided[decision.sequence] = nil
        decisionTroubles.clear(decision.sequence)
      } catch  where !Self.isEverybodys(error) {
        note(error, of: "a decision of \(decision.said.person)", in: &decisionTroubles, decision.sequence)
      }
    }
    becomesDue(.decisions, decisionTroubles.next(after: now()))
    return Turn()
  }

  /// What became of a decision.
  private func outcome(of decision: NewDecision) throws -> String {
    do {
      try fault(.applyDecision, decision.person)
      return try DecisionDesk(installation: installation).apply(decision)
    } catch let error as JournalError where error.isOfWholeJournal {
      throw error
    } catch let error as ExecutionError where error.code == .journal {
      throw error
    } catch {
      installation.voice.say("a decision of \(harmless(decision.person)):")
      installation.voice.tell(error)
      return "refused: it could not be carried out; the worker's output says why"
    }
  }

  // MARK: alerts' secrets

  /// In a storm nobody is asked: nothing starts anyway.
  func fetchSecrets() async throws -> Turn {
    try fault(.fetchSecret, "")
    guard try !desks.storm.isHeld() else { return Turn() }
    let (due, more) = try await desks.secretFetch.fetch(for: try desks.waiting.all(), into: desk)
    becomesDue(.secrets, due)
    return Turn(more: more)
  }
}
