import Capabilities
import Execution
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import Response
import ResponseSupport
import Synchronization
import TestSupport
import Testing

@testable import Worker

/// Nothing stops the worker: whichever of its calls fails, and in whatever way, the others go on, and it is done later.
@Suite struct SupervisorTests {
  private struct Strange: Error {}

  /// Every class of error of every room that the worker calls, and one that nobody knows.
  private static let errors: [any Error] = {
    let because = "it was made to fail"
    var errors: [any Error] = [Strange()]
    for code in JournalError.Code.allCases { errors.append(JournalError(code, "call it", because: because)) }
    for code in InboxError.Code.allCases { errors.append(InboxError(code, "call it", because: because)) }
    for kind in CapabilityError.Class.allCases {
      errors.append(CapabilityError(kind, "call it", because: because))
    }
    for code in ExecutionError.Code.allCases {
      errors.append(ExecutionError(code, "call it", because: because))
    }
    for kind in [Refusal.Kind.usage, .invalidInput, .unavailable, .declined, .configuration] {
      errors.append(Refusal(kind, "it was not done", because: because))
    }
    return errors
  }()

  /// Makes one kind of call fail, every time, until it is mended.
  private final class Faults: Sendable {
    private struct State {
      var point: WorkPoint?
      var error: any Error = Strange()
      var struck = 0
    }
    private let state = Mutex(State())

    func arm(_ point: WorkPoint, _ error: any Error) {
      state.withLock { $0 = State(point: point, error: error) }
    }
    func mend() { state.withLock { $0.point = nil } }
    var struck: Int { state.withLock { $0.struck } }
    func call(_ point: WorkPoint) throws {
      let error = state.withLock { state -> (any Error)? in
        guard state.point == point else { return nil }
        state.struck += 1
        return state.error
      }
      if let error { throw error }
    }
  }

  private final class Site: Sendable {
    let rig: WorkerRig
    let sink: LoopbackServer
    let faults: Faults
    let carried: Known<RunID>

    let decided = Known<IncidentID>()

    final class Known<ID: Hashable & Sendable>: Sendable {
      private let known = Mutex<Set<ID>>([])
      func add(_ id: ID) { known.withLock { _ = $0.insert(id) } }
      func contains(_ id: ID) -> Bool { known.withLock { $0.contains(id) } }
      var count: Int { known.withLock { $0.count } }
    }

    init() throws {
      let directory = try TemporaryDirectory()
      let faults = Faults()
      let carried = Known<RunID>()
      self.faults = faults
      self.carried = carried
      sink = try LoopbackServer { _ in .json(200, "{}") }
      try "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".write(
        toFile: directory.path("hook"), atomically: true, encoding: .utf8)
      rig = try WorkerRig(
        """
        trackers:
          security: {kind: standard-webhooks, url: "\(sink.url)/hook", secret: "file:DIR/hook"}
        routes:
          - {playbook: generic-secret, tracker: security}
        policy: {critical_kinds: [openai_api_key]}
        """, in: directory, fault: { point, _ in try faults.call(point) },
        carryOn: { _, plan, _ in carried.add(plan.run) })
    }

    func report(_ number: Int) async throws {
      let value = FakeSecrets.value("openai_api_key", "made to fail \(number)")
      _ = try await rig.deliver(WorkerRig.report([(value, "\(number).py")]), id: "\(number)")
    }

    /// Somebody on the console says yes to every plan, and writes a note.
    func decide() async throws {
      let installation = rig.installation
      for incident in try rig.events([.incidentOpened]).compactMap(\.incident)
      where !decided.contains(incident) {
        for saved in try installation.journal.plans(incident: incident) {
          let plan = try Plan(json: saved.document)
          let word = try installation.identity.approve(plan.digest, role: "responder", at: installation.now())
          try Approver(journal: installation.journal, policy: installation.policy)
            .record(word, for: plan, via: Worker.via)
          decided.add(incident)
        }
      }
      _ = try await rig.inbox.append(
        NewDecision(
          at: rig.clock.now, person: "maria", roles: ["responder"], kind: .note, text: "seen", via: .password)
      )
    }

    /// Rounds until there is nothing more to do now, after a pause that outlasts every wait.
    func workThroughPauses() async throws {
      rig.clock.advance(7200)
      try await rig.work()
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: WorkPoint.allCases)
  func `whatever error a call has, the worker goes on, and what failed is done later`(_ point: WorkPoint)
    async throws
  {
    let site = try Site()
    var struck = 0
    for (index, error) in Self.errors.enumerated() {
      site.faults.arm(point, error)
      try await site.report(index)
      _ = await site.rig.worker.hasNews()
      _ = try await site.rig.worker.round()
      try await site.decide()
      _ = try await site.rig.worker.round()
      struck += site.faults.struck
      site.faults.mend()
      // So many at once would be a storm.
      try await site.workThroughPauses()
      try await site.decide()
      try await site.workThroughPauses()
      let word = "\(point.rawValue), \(error)"
      #expect(site.carried.count == index + 1, "\(word)")
      #expect(try site.rig.inbox.pendingCount() == 0, "\(word)")
      #expect(try site.rig.inbox.pendingDecisions().isEmpty, "\(word)")
      #expect(try site.rig.installation.journal.outbox(undelivered: true).isEmpty, "\(word)")
    }
    #expect(struck >= Self.errors.count, "the call is made, so it has failed")
    let all = Self.errors.count
    #expect(try site.rig.events([.incidentOpened]).count == all)
    #expect(try site.rig.plans() == all)
    #expect(try site.rig.inbox.documents(kind: "incident").count == all)
    site.sink.stop()
  }

  /// The other incidents' course does not wait for one that cannot go on.
  @Test func `an incident whose plan fails every time holds no other up, and is tried less and less often`()
    async throws
  {
    let site = try Site()
    try await site.report(0)
    try await site.rig.work()
    site.faults.arm(.plan, Strange())
    try await site.report(1)
    var tries: [Int] = []
    for _ in 0..<6 {
      try await site.rig.work()
      tries.append(site.faults.struck)
      site.rig.clock.advance(60)
    }
    #expect(tries == [1, 2, 2, 3, 3, 3])
    #expect(try site.rig.plans() == 1)
    site.faults.mend()
    site.rig.clock.advance(3600)
    try await site.rig.work()
    #expect(try site.rig.plans() == 2)
    site.sink.stop()
  }

  @Test func `an event that cannot be followed belongs to nobody else`() async throws {
    let site = try Site()
    site.faults.arm(
      .followJournal, JournalError(.corrupt, "read the journal", because: "event 3 cannot be read"))
    try await site.report(0)
    _ = try await site.rig.worker.round()
    #expect(try site.rig.events([.incidentOpened]).count == 1, "it is taken in all the same")
    #expect(await site.rig.worker.troubledLanes().map(\.lane) == [.planning])
    site.faults.mend()
    try await site.workThroughPauses()
    #expect(try site.rig.plans() == 1)
    #expect(await site.rig.worker.troubledLanes().isEmpty)
    site.sink.stop()
  }
}
