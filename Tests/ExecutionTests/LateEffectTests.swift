import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Synchronization
import Testing

/// Effects that arrive late, worlds that changed meanwhile, and looks that learned nothing.
@Suite struct LateEffectTests {
  private static let inputs: [String: Value] = [
    "credential": .credential("cred"), "leaked": .secret("leaked"), "store": .store("vault"),
  ]

  private static func playbook(_ steps: String) -> String {
    """
    playbook: 1
    id: late
    title: Late
    inputs: {credential: {type: credential}, leaked: {type: secret}, store: {type: store}}
    locks: ["cred"]
    steps:
    \(steps)
    """
  }

  private static let issue = """
      - id: replacement
        uses: credential.issue
        with: {credential: "${{ inputs.credential }}", store: "${{ inputs.store }}"}
        undo: {uses: credential.delete, with: {credential: "${{ inputs.credential }}", ref: "${{ self.ref }}"}}
        retry: {attempts: 3, delay: 1s, on: [network]}
    """

  /// A provider with named keys whose first request loses its reply and is carried out `delay` later.
  private func rig(delay: Duration, removable: Bool = true) throws -> (EngineRig, Keys) {
    let rig = try EngineRig()
    let keys = Keys()
    rig.effect(
      .credentialIssue,
      settle: { _, _ async throws(CapabilityError) in
        keys.arrive(rig.clock.elapsed)
        let orphans = keys.take(allBut: nil)
        return orphans.isEmpty
          ? .notDoneYet(evidence: "nothing there", lateness: .seconds(60)) : .notDone(evidence: "removed")
      },
      lateness: .seconds(60),
      leftovers: { call, _ in
        keys.arrive(rig.clock.elapsed)
        let kept = call.earlier["ref"]
        return keys.ids.filter { .string($0) != kept }.map {
          Leftover(ref: $0, isRemovable: removable, why: "late")
        }
      }
    ) { _, _ async throws(CapabilityError) in
      guard keys.requests() > 1 else {
        keys.late("key-late", at: rig.clock.elapsed + delay)
        throw CapabilityError(.unknownOutcome, "issue", because: "the connection broke")
      }
      keys.add("key-new")
      return ActionResult(outputs: ["ref": .string("key-new")])
    }
    rig.effect(.credentialDelete) { call, _ async throws(CapabilityError) in
      if case .string(let id)? = call.inputs["ref"] { keys.remove(id) }
      return ActionResult()
    }
    return (rig, keys)
  }

  @Test func `A request that is carried out after its connection broke is waited for and leaves no key`()
    throws
  {
    let (rig, keys) = try rig(delay: .seconds(40))
    #expect(try rig.run(Self.playbook(Self.issue), Self.inputs).state == .done)
    keys.arrive(.seconds(1_000_000))
    #expect(keys.ids == ["key-new"])
    #expect(rig.clock.elapsed >= .seconds(60))
  }

  /// The steps, with one of half a minute behind the replacement.
  private func slow(_ rig: EngineRig) -> String {
    rig.effect(.commandRun) { _, _ async throws(CapabilityError) in
      await rig.nap(.seconds(30))
      return ActionResult(outputs: ["status": .integer(0), "output": .string("")])
    }
    return Self.issue + """

        - {id: rest, uses: command.run, with: {argv: [x]}}
      """
  }

  @Test func `A key of the run's own that lives at its end is removed, with an intent`() throws {
    // Later than the provider's own word: settling found nothing, the end of the run finds it.
    let (rig, keys) = try rig(delay: .seconds(61))
    let slow = slow(rig)
    let end = try rig.run(Self.playbook(slow), Self.inputs)
    #expect(end.state == .done && end.remaining.isEmpty)
    #expect(keys.ids == ["key-new"])
    let intents = try rig.journal.events(run: "run-00000001", kinds: [.stepIntent])
    #expect(
      intents.contains {
        $0.body["action"] == "credential.delete" && $0.body["step"]?.string?.contains("sweep") == true
      })
  }

  @Test func `What lives at the end and cannot be told to be ours is named`() throws {
    let (rig, keys) = try rig(delay: .seconds(61), removable: false)
    let slow = slow(rig)
    let end = try rig.run(Self.playbook(slow), Self.inputs)
    #expect(end.state == .done)
    #expect(end.remaining == ["replacement: key-late lives: late"])
    #expect(keys.ids.sorted() == ["key-late", "key-new"])
    let ended = try rig.journal.events(run: "run-00000001", kinds: [.runEnded]).last
    #expect(ended?.body["remaining"] == ["replacement: key-late lives: late"])
  }

  @Test func `A replacement that was there already is not taken back by an abort`() throws {
    let rig = try EngineRig()
    rig.effect(.credentialIssue) { _, _ async throws(CapabilityError) in
      ActionResult(outputs: ["ref": .string("theirs")], isUnchanged: true)
    }
    rig.effect(.credentialDelete) { _, _ async throws(CapabilityError) in ActionResult() }
    let playbook = try rig.load(Self.playbook(Self.issue + "\n  - {id: wait, manual: go on}"))
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook, Self.inputs) }
    let waiting = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(waiting.state == .waiting)
    let end = try inVirtualTime(seed: 2, rig.clock) {
      try await rig.engine(playbook, plan).abort(because: "test")
    }
    #expect(end.state == .aborted && end.remaining.isEmpty)
    #expect(rig.calls.withLock { !$0.contains { $0.hasPrefix("credential.delete") } })
  }

  @Test func `What triage could not learn is learned again before it is needed`() throws {
    let rig = try EngineRig()
    let isUp = Mutex(false)
    rig.read(.credentialInspect) { _ async throws(CapabilityError) in
      guard isUp.withLock({ $0 }) else {
        throw CapabilityError(.refused, "inspect", because: "wrong admin password")
      }
      return ActionResult(outputs: ["ref": .string("app"), "facts": .record([:])])
    }
    let refs = Mutex<[Value?]>([])
    rig.effect(.credentialEndSessions) { call, _ async throws(CapabilityError) in
      refs.withLock { $0.append(call.inputs["ref"]) }
      return ActionResult(
        outputs: ["found": .integer(0), "ended": .integer(0), "left": .integer(0)], answer: "none_left")
    }
    let with = #"credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}""#
    let steps = """
        - id: triage
          parallel:
            - {id: facts, uses: credential.inspect, with: {\(with)}, on_failure: continue}
        - {id: go, approve: {by: [responder]}}
        - {id: cut, uses: credential.end-sessions, with: {\(with), ref: "${{ steps.triage.facts.ref }}"}, expect: none_left, undo: {none: x}}
      """
    let playbook = try rig.load(Self.playbook(steps))
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook, Self.inputs) }
    let first = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(first.state == .waiting)
    isUp.withLock { $0 = true }
    let yes = YesAttendant(identity: rig.identity, clock: rig.clock)
    let end = try inVirtualTime(seed: 2, rig.clock) {
      try await rig.engine(playbook, plan, attendant: yes).run()
    }
    #expect(end.state == .done)
    #expect(refs.withLock { $0 } == [.string("app")])
  }

  @Test
  func
    `A branch that is new since the plan is noticed before the rotation, and another plan can have the locks`()
    throws
  {
    let rig = try EngineRig()
    let branches = Mutex(["main"])
    rig.effect(.ticketOpen) { _, _ async throws(CapabilityError) in
      ActionResult(outputs: ["id": .string("T"), "url": .null])
    }
    rig.effect(.credentialDisable) { _, _ async throws(CapabilityError) in
      ActionResult(outputs: ["ref": .string("k")])
    }
    rig.effect(
      .historyRewrite,
      plan: { _ in
        PlannedEffect(
          will: "rewrite", target: "models",
          preconditions: ["refs": .array(branches.withLock { $0 }.map { .string($0) })], reversible: true)
      }, glance: { .string(branches.withLock { $0.joined() }) }
    ) { _, _ async throws(CapabilityError) in ActionResult(outputs: [:]) }
    let steps = """
        - {id: ticket, uses: ticket.open, with: {tracker: security, title: T}}
        - {id: stop, uses: credential.disable, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}, undo: {none: x}}
        - {id: rewrite, uses: history.rewrite, with: {repository: models, remove: ["${{ inputs.leaked }}"]}, undo: {none: x}}
      """
    let playbook = try rig.load(Self.playbook(steps))
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook, Self.inputs) }
    branches.withLock { $0.append("hotfix") }
    let end = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(end.state == .failed && end.isDrift)
    #expect(rig.calls.withLock { $0 } == ["ticket.open ticket perform"])
    #expect(try rig.journal.locks().isEmpty, "the run can neither go on nor be replaced")
  }

  @Test func `A world that changed after the rotation does not keep the locks from another plan`() throws {
    let rig = try EngineRig()
    let refs = Mutex(["main"])
    rig.effect(.credentialDisable) { _, _ async throws(CapabilityError) in
      refs.withLock { $0.append("pushed-meanwhile") }
      return ActionResult(outputs: ["ref": .string("k")])
    }
    rig.effect(
      .historyRewrite,
      plan: { _ in
        PlannedEffect(
          will: "rewrite", target: "models",
          preconditions: ["refs": .array(refs.withLock { $0 }.map { .string($0) })], reversible: true)
      }
    ) { _, _ async throws(CapabilityError) in ActionResult(outputs: [:]) }
    let steps = """
        - {id: stop, uses: credential.disable, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}, undo: {none: x}}
        - {id: rewrite, uses: history.rewrite, with: {repository: models, remove: ["${{ inputs.leaked }}"]}, undo: {none: x}}
      """
    let end = try rig.run(Self.playbook(steps), Self.inputs)
    #expect(end.state == .failed && end.isDrift)
    #expect(try rig.journal.locks().isEmpty)
  }
}

/// A provider's keys, some of which come late.
private final class Keys: Sendable {
  private struct State {
    var ids: [String] = []
    var late: [(id: String, at: Duration)] = []
    var requests = 0
  }
  private let state = Mutex(State())
  var ids: [String] { state.withLock { $0.ids } }
  func requests() -> Int {
    state.withLock {
      $0.requests += 1
      return $0.requests
    }
  }
  func add(_ id: String) { state.withLock { $0.ids.append(id) } }
  func remove(_ id: String) { state.withLock { $0.ids.removeAll { $0 == id } } }
  func late(_ id: String, at: Duration) { state.withLock { $0.late.append((id, at)) } }
  func arrive(_ now: Duration) {
    state.withLock { state in
      state.ids += state.late.filter { $0.at <= now }.map(\.id)
      state.late.removeAll { $0.at <= now }
    }
  }
  func take(allBut kept: String?) -> [String] {
    state.withLock { state in
      let taken = state.ids.filter { $0 != kept }
      state.ids.removeAll { taken.contains($0) }
      return taken
    }
  }
}
