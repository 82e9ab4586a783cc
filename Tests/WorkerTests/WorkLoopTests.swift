import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Response
import ResponseSupport
import Synchronization
import TestSupport
import Testing

@testable import Worker

/// Every lane on a loop of its own: none waits for another, and the end comes in any case.
@Suite(.timeLimit(.minutes(2))) struct WorkLoopTests {
  /// Runs that hang until their task is cancelled, and a tracker that says when something arrives.
  private final class Site: Sendable {
    let rig: WorkerRig
    let sink: LoopbackServer
    let arrived: WakeSignal
    let begun = WakeSignal()
    let wake = WakeSignal()
    let cutOff = Mutex(0)
    private let isStopping = Atomic(false)
    var cuts: Int { cutOff.withLock { $0 } }

    init() throws {
      let directory = try TemporaryDirectory()
      let arrived = WakeSignal()
      self.arrived = arrived
      sink = try LoopbackServer { _ in
        arrived.set()
        return .json(200, "{}")
      }
      try "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".write(
        toFile: directory.path("hook"), atomically: true, encoding: .utf8)
      try """
      playbook: 1
      id: mine
      title: Mine
      deadline: 1h
      steps: [{id: look, manual: Look}]
      """.write(toFile: directory.path("mine.yaml"), atomically: true, encoding: .utf8)
      let hanging = Hanging()
      rig = try WorkerRig(
        """
        trackers:
          security: {kind: standard-webhooks, url: "\(sink.url)/hook", secret: "file:DIR/hook"}
        routes:
          - {playbook: generic-secret, tracker: security}
        policy: {critical_kinds: [openai_api_key]}
        """, in: directory, playbooks: directory.path,
        carryOn: { _, _, _ in try await hanging.hang() })
      hanging.site.withLock { $0 = self }
    }

    /// A run of the worker's: somebody on the console said yes to it.
    func approve() async throws {
      let installation = rig.installation
      let playbook = try installation.library.load("mine", catalogue: ActionSignature.builtin)
      let plan = try await PlanMaker(installation: installation).plan(playbook, inputs: [:], incident: nil)
      let word = try installation.identity.approve(plan.digest, role: "responder", at: installation.now())
      try Approver(journal: installation.journal, policy: installation.policy)
        .record(word, for: plan, via: Worker.via)
      wake.set()
    }

    func report(_ name: String) async throws {
      let value = FakeSecrets.value("openai_api_key", name)
      _ = try await rig.deliver(WorkerRig.report([(value, "\(name).py")]), id: name)
      wake.set()
    }

    func stop() {
      isStopping.store(true, ordering: .releasing)
      wake.set()
    }

    /// - Parameter isPatient: false: the time that is left to runs after a stop is over at once.
    func loop(isPatient: Bool) -> WorkLoop {
      WorkLoop(
        worker: rig.worker, wake: wake, isOver: { self.isStopping.load(ordering: .acquiring) },
        sleep: { pause in
          if pause == WorkLoop.grace, !isPatient { return }
          try await untilCancelled()
        })
    }
  }

  /// The runs of a site.
  private final class Hanging: Sendable {
    let site = Mutex<Site?>(nil)

    func hang() async throws {
      let site = site.withLock { $0 }
      site?.begun.set()
      do { try await untilCancelled() } catch {
        site?.cutOff.withLock { $0 += 1 }
        throw error
      }
    }
  }

  @Test func `a run that hangs holds up no delivery, no plan and no message`() async throws {
    let site = try Site()
    try await site.approve()
    async let ended: Void = site.loop(isPatient: false).run()
    await site.begun.wait()
    for name in ["one", "two", "three"] {
      try await site.report(name)
      await site.arrived.wait()
    }
    #expect(try site.rig.events([.incidentOpened]).count == 3)
    #expect(try site.rig.events([.planSaved]).count == 4, "the run's own, and one for each report")
    #expect(site.cuts == 0, "it still goes on")
    site.stop()
    await ended
    site.sink.stop()
  }

  @Test func `a stop cuts off what hangs, and the next start goes on with it`() async throws {
    let site = try Site()
    try await site.approve()
    async let ended: Void = site.loop(isPatient: false).run()
    await site.begun.wait()
    site.stop()
    await ended
    #expect(site.cuts == 1)
    #expect(try site.rig.events([.runEnded]).isEmpty, "the journal is as a crash leaves it")
    let again = try Worker(
      installation: site.rig.installation, inbox: site.rig.inbox, now: { site.rig.clock.now }
    ) { _, _, _ in site.arrived.set() }
    _ = try await again.round()
    await site.arrived.wait()
    site.sink.stop()
  }

  @Test func `with nothing to do the loops end at once`() async throws {
    let site = try Site()
    async let ended: Void = site.loop(isPatient: true).run()
    site.stop()
    await ended
    site.sink.stop()
  }
}

/// Returns when its task is cancelled, by throwing.
private func untilCancelled() async throws {
  let (never, continuation) = AsyncStream.makeStream(of: Void.self)
  for await _ in never {}
  withExtendedLifetime(continuation) {}
  throw CancellationError()
}
