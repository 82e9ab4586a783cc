import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Secrets
import Simulators

#if canImport(TestSupport)
  import TestSupport
#endif

// What must hold whatever happened.
extension Simulation {
  /// Hears every event right after it is durable.
  func hear(_ event: JournalEvent) {
    guard event.kind == .stepVerified, event.body["step"] == "prove_dead" else { return }
    checked("proven dead only after the propagation time, at every node")
    if event.body["proof"] == nil {
      world.violation("it was called proven dead, and the journal holds no proof")
    }
    if isLeakedAccepted {
      world.violation("proved dead while the provider accepts it")
    }
    let now = clock.elapsed
    if let stopped = world.read(\.stoppedAt), now < stopped + SimulatedWorld.propagation {
      world.violation("it was called proven dead \(now - stopped) after it was stopped")
    }
    if shape != nil { checked("dead only where no node accepts it") }
    world.change { $0.isProven = true }
  }

  /// After each round.
  func checkNow(_ plan: Plan) throws {
    world.arrive()
    if let violation = world.read(\.violations).first { throw Failure(violation) }
    checked("a leaked credential is never enabled again")
    if let foreign = world.read(\.foreign) {
      checked("somebody else's value stays")
      guard world.read({ $0.accepted.contains(foreign) }) else {
        throw Failure("the value that somebody else had set was replaced")
      }
    }
    checked("the chain verifies")
    let chain = try journal.verify()
    if let problem = chain.problem { throw Failure("the chain does not verify: \(problem)") }
    let events = try journal.events(run: plan.run)
    checked("not dead while the provider accepts it")
    if events.contains(where: { $0.kind == .stepVerified && $0.body["step"] == "prove_dead" }),
      shape?.isLeakedAccepted ?? world.read({ world.accepts(SimulatedWorld.leaked, $0) })
    {
      throw Failure("proved dead while the provider accepts it")
    }
    try checkExactlyOnce(events)
    try checkShape(events)
    checked("a declined gate is not passed")
    var declined: Set<String> = []
    for event in events {
      guard let step = event.body["step"]?.string else { continue }
      switch event.kind {
      case .planDeclined: declined.insert(step)
      case .planApproved: declined.remove(step)
      case .stepDone where declined.contains(step):
        throw Failure("\(step) was declined, and the run passed it")
      default: break
      }
    }
  }

  /// What the shapes of docs/CONTRACT.md add.
  private func checkShape(_ events: [JournalEvent]) throws {
    guard let shape else { return }
    switch shape.name {
    case .pair:
      checked("a credential of two fields is never stored half")
      if let problem = shape.halfStored { throw Failure(problem) }
      if shape.readsStore { checked("nothing new is written where a living leaked credential reads") }
    case .rotation:
      checked("a self-rotation is never sent twice")
      let told = events.count {
        $0.kind == .decision && $0.body["what"] == "retry" && $0.body["step"] == "replacement"
      }
      guard shape.conditions.rotations <= 1 + told else {
        throw Failure("a self-rotation was sent \(shape.conditions.rotations) times")
      }
    case .document, .slots, .lease, .nodes, .token: break
    }
  }

  /// Every credential that lives is the leaked one, one that was there before, or one that the journal names.
  private func checkOrphans(_ shape: SimulatedShape, _ end: RunEnd, _ events: [JournalEvent]) throws {
    checked("no live credential that the journal does not name")
    // What a snapshot lists was found, not named.
    let told =
      events.filter { $0.kind != .stepIntent }.map(\.body.canonicalText).joined() + end.remaining.joined()
    let old = shape.initial
    for entry in shape.provider.world.entries where !old.contains(entry.ref) && entry.expiry == nil {
      guard shape.provider.world.isAccepted(entry.value), !told.contains(entry.ref.rawValue),
        !entry.ref.rawValue.contains("by-hand")
      else { continue }
      // A rotated token whose reply was lost has no name that anyone could know.
      guard shape.name != .rotation || !told.contains(shape.provider.lock) else { continue }
      throw Failure("orphaned credentials, which the journal does not name: \(entry.ref)")
    }
    guard shape.name == .nodes else { return }
    let isIssued = events.contains { $0.kind == .stepOutcome && $0.body["step"] == "replacement" }
    let strange = shape.provider.world.values.contains {
      $0 != shape.leaked && shape.provider.world.isAccepted($0)
    }
    guard !strange || isIssued || end.remaining.contains(where: { $0.hasPrefix("replacement") }) else {
      throw Failure("orphaned credentials: a value of the run is accepted, and the journal does not name it")
    }
  }

  /// No effect twice, but for those that a person told to repeat.
  private func checkExactlyOnce(_ events: [JournalEvent]) throws {
    let decisions = markers(of: events) { $0.kind == .decision && $0.body["what"] == "retry" }
    let repeats = Dictionary(decisions.map { ($0, 1) }, uniquingKeysWith: +)
    checked("no effect twice")
    let tickets = world.read { $0.tickets.values.reduce(0, +) }
    guard tickets <= 1 else { throw Failure("\(tickets) tickets were opened") }
    for (marker, count) in world.read(\.commands) where count > 1 {
      throw Failure("\(marker) ran \(count) times")
    }
    for (marker, count) in world.read(\.hooks) where count > 1 + repeats[marker, default: 0] {
      throw Failure("\(marker) was posted \(count) times")
    }
  }

  /// When the run is over.
  func checkEnd(_ end: RunEnd, _ playbook: Playbook, _ consumers: Int) throws {
    // Whatever is still on its way arrives after the run: then nothing may live that nobody knows of.
    world.arrive(all: true)
    checked("locks are freed")
    guard try journal.locks().isEmpty else { throw Failure("a lock is left") }
    let events = try journal.events(run: Simulation.run)
    let skipped = Set(events.filter { $0.kind == .stepSkipped }.compactMap { $0.body["step"]?.string })
    try checkOrphans(end, events, skipped)
    try checkSecrets()
    guard end.state == .done else { return }
    checked("the run's key is destroyed")
    // it must throw
    for ref in ["1/new", "1.1", "1.2", "1.1/secret_access_key"]
    where (try? journal.open(SecretRef("staunch-\(Simulation.run)-replacement-\(ref)"))) != nil {
      throw Failure("the run is done and its sealed value still opens")
    }
    checked("every step is settled")
    let settled = Set(
      events.filter {
        $0.kind == .stepDone || $0.kind == .stepSkipped
          || ($0.kind == .stepFailed && $0.body["response"] == "continue")
      }.compactMap { $0.body["step"]?.string })
    let tried = Set(events.filter { $0.kind == .stepFailed }.compactMap { $0.body["step"]?.string })
    for step in playbook.finally
    where !settled.contains(step.id.rawValue) && !tried.contains(step.id.rawValue) {
      throw Failure("the run is done, but \(step.id) of finally was not even tried")
    }
    for step in playbook.steps where !settled.contains(step.id.rawValue) {
      throw Failure("the run is done, but \(step.id) is not")
    }
    if settled.contains("rollout"), !skipped.contains("rollout") {
      for number in 0..<consumers where world.read({ $0.rolledOut["c\(number)"] == nil }) {
        throw Failure("consumer c\(number) was not moved")
      }
    }
    // An effect whose outcome stayed unknown is passed over only where the playbook says so, and the journal says it.
    let outcomes = Set(markers(of: events) { $0.kind == .stepOutcome })
    let unknown = Set(markers(of: events) { $0.kind == .stepFailed && $0.body["open"] == true })
    for marker in world.read(\.commands).keys where !outcomes.contains(marker) && !unknown.contains(marker) {
      throw Failure("\(marker) ran and has no outcome")
    }
  }

  /// The markers that the last INTENT before each chosen event gave its step. (A step of `finally` that is done anew has a new one.)
  private func markers(of events: [JournalEvent], where isChosen: (JournalEvent) -> Bool) -> [String] {
    var current: [String: String] = [:]
    var found: [String] = []
    for event in events {
      let key = "\(event.body["step"]?.string ?? "") \(event.body["item"]?.integer ?? 0)"
      if event.kind == .stepIntent { current[key] = event.body["marker"]?.string }
      if isChosen(event), let marker = current[key] { found.append(marker) }
    }
    return found
  }

  /// No credential that nobody knows.
  private func checkOrphans(_ end: RunEnd, _ events: [JournalEvent], _ skipped: Set<String>) throws {
    if let shape { return try checkOrphans(shape, end, events) }
    let isNamedAtTheEnd = end.remaining.contains { $0.hasPrefix("replacement") }
    if world.issuing == .generated {
      checked("no live credential that the journal does not name")
      let isIssued = events.contains { $0.kind == .stepOutcome && $0.body["step"] == "replacement" }
      let strange = world.read { state in
        state.accepted.filter { $0 != SimulatedWorld.leaked && $0 != state.foreign }
      }
      guard strange.isEmpty || isIssued || isNamedAtTheEnd else {
        throw Failure(
          "orphaned credentials: a value of the run is accepted, and the journal does not name it")
      }
      return
    }
    checked("no live credential that the journal does not name")
    guard !skipped.contains("replacement") || isNamedAtTheEnd || !end.remaining.isEmpty else {
      // Skipped, because nobody could tell: what lives of it must be named or gone.
      let alive = world.read { $0.keys.filter { $0.id != "key-old" }.map(\.id) }
      let named = Set(events.compactMap { $0.body["outputs"]?["ref"]?.string })
      guard alive.allSatisfy({ named.contains($0) }) else {
        throw Failure("orphaned credentials, which the journal does not name: \(alive)")
      }
      return
    }
    guard !skipped.contains("replacement") else { return }
    checked("no orphaned credential")
    let issued = events.filter { $0.kind == .stepOutcome && $0.body["step"] == "replacement" }
      .compactMap { $0.body["outputs"]?["ref"]?.string }
    let undone = events.contains {
      $0.kind == .stepUndone && $0.body["step"] == "replacement" && $0.body["result"] == "undone"
    }
    let isReported = end.remaining.contains { $0.hasPrefix("replacement") }
    let known = undone ? [] : Set(issued.suffix(1))
    let orphans = world.read { $0.keys.filter { $0.id != "key-old" && !known.contains($0.id) } }
    guard orphans.isEmpty || isReported else {
      throw Failure("orphaned credentials: \(orphans.map(\.id)), known: \(known)")
    }
    if end.state == .aborted, !issued.isEmpty, !undone, !isReported {
      throw Failure("aborted, and the replacement is neither removed nor reported")
    }
  }

  /// Secrets stand nowhere but sealed, and the run's key is gone when the run is done.
  private func checkSecrets() throws {
    checked("secrets only sealed")
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
      guard let bytes = FileManager.default.contents(atPath: directory.path(name)) else { continue }
      for secret in world.read(\.secrets).union(shape?.secrets ?? [])
      where bytes.range(of: Data(secret.utf8)) != nil {
        throw Failure("a secret stands in \(name)")
      }
    }
  }
}
