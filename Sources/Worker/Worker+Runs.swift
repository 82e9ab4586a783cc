import Capabilities
import Chronicle
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Response
import StaunchConfiguration

// Approved runs, each on a task of its own.
extension Worker {
  /// Every run that the worker has taken on and that has news, as far as there are places.
  func findRuns() throws -> Turn {
    try fault(.findRuns, "")
    try desks.chronicle.refresh()
    let isStorm = desks.chronicle.last.storm.isHeld
    let time = now()
    for entry in desks.chronicle.last.workersRuns.all where !slots.contains(entry.run) {
      if isStorm, entry.isByPolicyAlone { continue }
      guard !runTroubles.holds(entry.run, at: time) else { continue }
      let hasNews =
        try tried[entry.run] != entry.sequence || isOver(entry)
        || held.isFree(entry.run, in: installation.journal)
      if hasNews || runTroubles.isDue(entry.run, at: time) { ready.insert(entry.run) }
    }
    let turn = try begin()
    becomesDue(.runs, runTroubles.next(after: now()))
    if !ready.isEmpty { becomesDue(.runs, slots.nextPlace(at: time)) }
    return turn
  }

  private func begin() throws -> Turn {
    var begun: [Plan] = []
    for run in ready.sorted() {
      guard let entry = desks.chronicle.last.workersRuns[run] else {
        ready.remove(run)
        continue
      }
      if let facts = runFacts[run], !slots.admits(facts.provider, at: now()) { continue }
      let found: Plan?
      do { found = try plan(of: run) } catch {
        // What was begun goes on.
        guard !begun.isEmpty else { throw error }
        becomesDue(.runs, now().addingTimeInterval(1))
        break
      }
      guard let plan = found else {
        ready.remove(run)
        tried[run] = entry.sequence
        continue
      }
      let provider = provider(of: plan)
      runFacts[run] = RunFacts(provider: provider, deliveries: deliveries(of: plan))
      guard slots.admits(provider, at: now()) else { continue }
      slots.begin(run, at: provider, now: now())
      ready.remove(run)
      tried[run] = entry.sequence
      begun.append(plan)
    }
    guard !begun.isEmpty else { return Turn() }
    // Those that wait for a place or are at work already are of the same report, too.
    held.hold(
      runFacts.filter { slots.contains($0.key) || ready.contains($0.key) }.mapValues(\.deliveries),
      atWork: slots.runs.subtracting(begun.map(\.run)))
    let holding = held.runs
    return Turn(
      jobs: begun.map { plan in
        Job { await self.carryOut(plan, holdsHistory: holding.contains(plan.run)) }
      })
  }

  private func carryOut(_ plan: Plan, holdsHistory: Bool) async {
    let run = plan.run
    do {
      try fault(.carryOut, run.rawValue)
      try await Self.carryOut(plan, holdsHistory, carryOn, in: installation)
      runTroubles.clear(run)
      desks.notices.runs.goesOn(run)
    } catch {
      // Stopped half-way: the next start goes on with it.
      if !Self.isCancellation(error) { noteRun(error, run) }
    }
    slots.end(run)
    do {
      try desks.chronicle.refresh()
      if let entry = desks.chronicle.last.workersRuns[run] {
        tried[run] = entry.sequence
        noteEnd(of: entry)
        if try held.isFree(run, in: installation.journal), try installation.journal.waitsForContainment(run) {
          ready.insert(run)
        }
      } else {
        runFacts[run] = nil
        tried[run] = nil
        triedEnds[run] = nil
      }
    } catch {
      becomesDue(.runs, now())  // the lane finds the same, and says it
    }
    becomesDue(.runs, runTroubles.next(after: now()))
    if !ready.isEmpty { becomesDue(.runs, now()) }
  }

  /// Whatever the run does by itself it does not do on the worker's queue.
  @concurrent
  private static func carryOut(
    _ plan: Plan, _ holdsHistory: Bool, _ carryOn: RunCarrier, in installation: Installation
  ) async throws {
    try await carryOn(installation, plan, holdsHistory)
  }

  private func noteRun(_ error: any Error, _ run: RunID) {
    let (because, fix) = note(error, of: "\(run)", in: &runTroubles, run)
    desks.notices.runs.couldNotGoOn(run, because: because, fix: fix)
  }

  /// A run's plan; nil, and said, when it cannot be read: it is tried again later.
  private func plan(of run: RunID) throws -> Plan? {
    do {
      try fault(.readPlan, run.rawValue)
      return try installation.openPlan(run.rawValue)
    } catch  where !Self.isEverybodys(error) {
      noteRun(error, run)
      return nil
    }
  }

  private func provider(of plan: Plan) -> String? {
    guard case .credential(let name)? = plan.inputs["credential"] else { return nil }
    return installation.configuration.credentials[name]?.target.kind
  }

  private func deliveries(of plan: Plan) -> Set<JSONValue> {
    guard let incident = plan.incident, let course = desks.chronicle.last[incident]?.course else { return [] }
    return Set(course.bodies.compactMap { IncidentReport($0).delivery })
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

  /// The lane becomes due when the wait ends. The run itself asks whether it is later than that.
  private func noteEnd(of entry: WorkersRuns.Run) {
    guard let until = entry.until, triedEnds[entry.run] != until else { return }
    becomesDue(.runs, until.addingTimeInterval(0.001))
  }
}
