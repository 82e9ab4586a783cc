import Actions
import Capabilities
import Execution
import Foundation
import Incidents
import Inbox
import JSON
import Journal
import ScannerReports

/// Takes in what the endpoint stored, starts the right response, carries out what may run, and publishes what people see.
///
/// A delivery is finished in the exchange file only after its incidents stand in the journal; taken in twice, it changes
/// nothing, because incidents and places have keys. So the process may die anywhere.
final class Worker {
  /// The role in which a policy signs.
  static let policyRole: RoleName = "policy"
  /// Marks approvals of runs that the worker carries out itself.
  static let via = "worker"
  /// More at once would hold plaintext for longer than needed.
  private static let batch = 16

  private let installation: Installation
  private let inbox: Inbox
  private let now: @Sendable () -> Date
  /// The last event that was looked at, by incident and by run: nothing is tried again before there is news.
  private var considered: [IncidentID: Int] = [:]
  private var tried: [RunID: Int] = [:]

  init(installation: Installation, inbox: Inbox, now: @escaping @Sendable () -> Date) {
    self.installation = installation
    self.inbox = inbox
    self.now = now
  }

  private var storm: Storm {
    Storm(journal: installation.journal, configuration: installation.configuration)
  }

  /// One round over everything. - Returns: true when there may be more at once.
  func round() async throws -> Bool {
    let more = try takeIn()
    for decision in try inbox.pendingDecisions() {
      let outcome = try DecisionDesk(installation: installation).apply(decision.said)
      try inbox.finishDecision(decision.sequence, outcome: outcome)
    }
    try await startDue()
    try await carryOut()
    try Board(installation: installation, inbox: inbox).publish(now: now())
    return more
  }

  /// Deliveries → incidents in the journal. - Returns: true when more wait.
  func takeIn() throws -> Bool {
    let deliveries = try inbox.pendingDeliveries(limit: Self.batch)
    let reading = DeliveryReading(
      key: try StateDirectory(installation.assembly.statePath).fingerprintKey())
    for delivery in deliveries {
      guard let result = try read(delivery, with: reading) else { continue }
      let entries = try IncidentDesk(journal: installation.journal).record(result.incidents)
      let new = entries.filter(\.isNew).count
      try storm.check(new: new, waiting: [:], now: now())
      try crashPointForTests()
      let unread = result.unread.isEmpty ? "" : ", \(result.unread.count) unreadable records"
      try inbox.finish(
        delivery.sequence,
        outcome: "\(result.findings) findings, \(entries.count) incidents (\(new) new)\(unread)",
        dropBody: result.unread.isEmpty)
    }
    return deliveries.count == Self.batch
  }

  /// The delivery's findings; nil when there are none to take in, and the exchange file says so.
  private func read(_ delivery: Delivery, with reading: DeliveryReading) throws -> DeliveryReading.Result? {
    do {
      return try reading.read(delivery)
    } catch  where error.code == .unknownFormat {
      try inbox.finish(delivery.sequence, outcome: "ignored: nothing that names a secret", dropBody: true)
    } catch {
      try inbox.fail(delivery.sequence, reason: "\(error.place): \(error.because)")
    }
    return nil
  }

  /// Plans for incidents whose time has come; nothing while a storm is held.
  private func startDue() async throws {
    let desk = StartDesk(installation: installation)
    let waiting = try desk.waiting()
    let providers = waiting.compactMap(\.incident.provider)
    try storm.check(
      new: 0, waiting: Dictionary(providers.map { ($0, 1) }, uniquingKeysWith: +), now: now())
    guard try storm.held() == nil else { return }
    for entry in waiting where considered[entry.incident.id] != entry.sequence {
      switch desk.start(of: entry) {
      case .at(let date) where date > now(): continue
      case .notByItself: break
      case .now, .at:
        try await attempt("\(entry.incident.id)") { try await plan(entry, with: desk) }
      }
      considered[entry.incident.id] = entry.sequence
    }
  }

  private func plan(_ entry: StartDesk.Waiting, with desk: StartDesk) async throws {
    let console = installation.assembly.console
    switch try await PlanMaker(installation: installation).plan(entry.entry, credential: nil) {
    case .planned(let plan):
      console.say("\(entry.incident.id): planned \(plan.id)")
      _ = try desk.contain(plan, of: entry.incident, now: now())
    case .recorded(let because, _):
      console.say("\(entry.incident.id): recorded only: \(harmless(because))")
    }
  }

  /// Trouble with one incident or run is said, and it waits for news while the others go on; trouble with the journal
  /// ends the worker.
  private func attempt(_ subject: String, _ work: () async throws -> Void) async throws {
    do {
      try await work()
    } catch let error as JournalError {
      throw error
    } catch let error as ExecutionError where error.code == .journal {
      throw error
    } catch {
      installation.assembly.console.say("\(subject):")
      _ = installation.assembly.exit(after: error)
    }
  }

  /// Goes on with every run that the worker has taken on, until it waits or is over.
  private func carryOut() async throws {
    let isStorm = try storm.held() != nil
    for entry in try StartDesk(installation: installation).runs() where tried[entry.run] != entry.sequence {
      if isStorm, entry.isByPolicyAlone { continue }
      let run = entry.run
      try await attempt("\(run)") {
        let plan = try installation.openPlan(run.rawValue)
        _ = try await RunSession(installation: installation, isJSON: true).resume(plan, mode: .live)
      }
      let runs = try StartDesk(installation: installation).runs()
      tried[run] = runs.first { $0.run == run }?.sequence ?? entry.sequence
    }
  }

  /// Between the journal and the exchange file: where a test kills the process.
  private func crashPointForTests() throws {
    try installation.assembly.crashPoint()(.afterAppend([.incidentOpened], sequence: 0))
  }
}
