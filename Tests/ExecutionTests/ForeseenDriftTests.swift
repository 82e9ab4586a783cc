import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Synchronization
import Testing

/// What changes at a remote between plan and run: told early, holds up nothing but its own step.
@Suite struct ForeseenDriftTests {
  private static let playbook = """
    playbook: 1
    id: late
    title: Late
    inputs: {credential: {type: credential}, leaked: {type: secret}}
    locks: ["cred"]
    steps:
      - {id: stop, uses: credential.disable, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}, undo: {none: x}}
      - {id: rewrite, uses: history.rewrite, with: {repository: models, remove: ["${{ inputs.leaked }}"]}, undo: {none: x}}
      - {id: push, uses: history.push, with: {repository: models}, undo: {none: x}}
    """
  private static let inputs: [String: Value] = [
    "credential": .credential("cred"), "leaked": .secret("leaked"),
  ]

  /// A remote with branches, and an address.
  private final class Remote: Sendable {
    private let state = Mutex(
      (branches: JSONValue.array([]), address: "https://forge.example/models", isOvertaken: false))
    var branches: JSONValue {
      get { state.withLock { $0.branches } }
      set { state.withLock { $0.branches = newValue } }
    }
    /// Somebody pushed to it after it was last fetched.
    var isOvertaken: Bool {
      get { state.withLock { $0.isOvertaken } }
      set { state.withLock { $0.isOvertaken = newValue } }
    }
    var address: String {
      get { state.withLock { $0.address } }
      set { state.withLock { $0.address = newValue } }
    }
  }

  private func rig(_ remote: Remote, answers: Bool = true) throws -> EngineRig {
    let rig = try EngineRig()
    rig.effect(.credentialDisable) { _, _ async throws(CapabilityError) in
      ActionResult(outputs: ["ref": .string("k")])
    }
    let clock = rig.clock
    rig.effect(
      .historyRewrite,
      plan: { _ in
        PlannedEffect(
          will: "rewrite", target: "models", preconditions: ["unfetched": remote.branches], reversible: true)
      },
      outlook: { () async throws(CapabilityError) -> [String: JSONValue] in
        if !answers {
          do { try await clock.sleep(for: .seconds(600)) } catch {
            throw CapabilityError(.cancelled, "git ls-remote", because: "cancelled")
          }
        }
        return ["unfetched": remote.branches]
      }
    ) { _, _ async throws(CapabilityError) in ActionResult(outputs: [:]) }
    rig.effect(
      .historyPush,
      plan: { _ in
        PlannedEffect(
          will: "push", target: "models", preconditions: ["address": .string(remote.address)],
          constants: ["address"], reversible: false)
      }
    ) { _, _ async throws(CapabilityError) in
      guard !remote.isOvertaken else {
        throw CapabilityError(
          .conflict, "git push", because: "the remote refused refs/heads/main",
          drift: "somebody pushed to refs/heads/main")
      }
      return ActionResult(outputs: [:], answer: "pushed")
    }
    return rig
  }

  private func run(_ rig: EngineRig, _ between: () -> Void) throws -> RunEnd {
    let playbook = try rig.load(Self.playbook)
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook, Self.inputs) }
    between()
    return try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
  }

  @Test
  func
    `A branch that only the remote has and that is new since the plan is told before the rotation, which goes on, and stops the rewrite`()
    throws
  {
    let remote = Remote()
    let rig = try rig(remote)
    let end = try run(rig) { remote.branches = ["refs/heads/hotfix"] }
    #expect(end.state == .failed && end.isDrift)
    #expect(rig.calls.withLock { $0 } == ["credential.disable stop perform"])
    let kinds = try rig.journal.events().map(\.kind)
    let told = try #require(kinds.firstIndex(of: .driftFound))
    #expect(told < (try #require(kinds.firstIndex(of: .stepIntent))))
    #expect(try rig.journal.locks().isEmpty, "the run can neither go on nor be replaced")
  }

  @Test func `A remote that does not answer holds the rotation up for two seconds at most`() throws {
    let remote = Remote()
    let rig = try rig(remote, answers: false)
    let before = rig.clock.elapsed
    let end = try run(rig) {}
    #expect(end.state == .done)
    #expect(rig.clock.elapsed - before < .seconds(3))
    #expect(try rig.journal.events().contains { $0.kind == .driftFound } == false)
  }

  @Test func `What could not be found out, then or now, is no difference`() throws {
    let remote = Remote()
    let rig = try rig(remote)
    let end = try run(rig) { remote.branches = PlannedEffect.unknown(because: "no network") }
    #expect(end.state == .done)
  }

  @Test
  func `A remote that leads elsewhere since the approval is not pushed to, although the run has rewritten`()
    throws
  {
    let remote = Remote()
    let rig = try rig(remote)
    let end = try run(rig) { remote.address = "https://evil.example/models" }
    #expect(end.state == .failed && end.isDrift)
    #expect(
      rig.calls.withLock { $0 } == ["credential.disable stop perform", "history.rewrite rewrite perform"])
  }

  @Test func `A push that a colleague was faster than leaves a run that another plan may replace`() throws {
    let remote = Remote()
    let rig = try rig(remote)
    let end = try run(rig) { remote.isOvertaken = true }
    #expect(end.state == .failed && end.isDrift)
    #expect(end.reason?.contains("the remote refused refs/heads/main") == true)
    let events = try rig.journal.events()
    #expect(events.contains { $0.kind == .stepFailed })
    #expect(events.last { $0.kind == .driftFound }?.body["what"] == "somebody pushed to refs/heads/main")
    #expect(try rig.journal.locks().isEmpty, "the run can neither go on nor be replaced")
  }

  @Test
  func
    `A fresh clone that is not clean leaves a run that another plan may replace, unless the playbook goes on`()
    throws
  {
    for (rule, state) in [("stop", RunEnd.State.failed), ("continue", .done)] {
      let rig = try rig(Remote())
      rig.read(.historyVerify) { _ in
        ActionResult(
          answer: "found",
          objection: CapabilityError(
            .conflict, "history.verify", because: "a fresh clone of origin holds it in 1 place",
            drift: "a fresh clone of origin holds it in 1 place"))
      }
      let playbook = try rig.load(
        Self.playbook
          + "\n  - {id: proof, uses: history.verify, with: {repository: models, secrets: [\"${{ inputs.leaked }}\"]},"
          + " expect: clean, on_failure: \(rule)}\n")
      let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook, Self.inputs) }
      let end = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
      #expect(end.state == state, "\(end.reason ?? "")")
      #expect(end.isDrift == (state == .failed))
      #expect(try rig.journal.locks().isEmpty, "the run can neither go on nor be replaced")
    }
  }

  @Test func `A saved plan keeps what no step changes`() throws {
    let effect = PlannedEffect(
      will: "push", target: "models", preconditions: ["address": "a"], constants: ["address"],
      reversible: false)
    #expect(PlannedEffect(json: effect.json)?.constants == ["address"])
    // A plan from before names none, and has the digest that it had.
    let old = PlannedEffect(will: "push", target: "models", reversible: false)
    #expect(old.json["constants"] == nil)
  }
}
