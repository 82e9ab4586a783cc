import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Synchronization
import Testing

/// A run of a playbook with parts is the run of the flat playbook that comes of it.
@Suite struct PartRunTests {
  private static let outer = """
    playbook: 1
    id: test
    title: Test
    deadline: 1h
    steps:
      - {id: one, uses: command.run, with: {argv: [a]}}
      - include: shared
      - {id: three, when: "ok(steps.two)", uses: command.run, with: {argv: [c]}}
    finally:
      - {id: bye, uses: command.run, with: {argv: [d]}}
    """

  private static func shared(_ word: String = "b") -> String {
    """
    part: 1
    id: shared
    title: Shared
    steps:
      - {id: two, when: "ok(steps.one)", uses: command.run, with: {argv: [\(word)]}}
    finally:
      - {id: last, uses: command.run, with: {argv: [e]}}
    """
  }

  private static func playbook(_ part: String = PartRunTests.shared()) throws -> Playbook {
    try Playbook.load(
      source: outer, file: "test.yaml", catalogue: ActionSignature.builtin,
      includes: PlaybookLibrary(
        builtin: [], parts: [PlaybookLibrary.File(name: "parts/shared.yaml", text: part)]))
  }

  /// The markers of what was carried out, in order.
  private final class Made: Sendable {
    let markers = Mutex<[String]>([])
  }

  private static func rig(_ made: Made) throws -> EngineRig {
    let rig = try EngineRig()
    rig.effect(
      .commandRun,
      settle: { call, _ in
        made.markers.withLock { $0.contains(call.marker) }
          ? .done(ActionResult(outputs: ["status": .integer(0)]), evidence: "found")
          : .notDone(evidence: "not found")
      }
    ) { call, _ in
      made.markers.withLock { $0.append(call.marker) }
      return ActionResult(outputs: ["status": .integer(0)])
    }
    return rig
  }

  @Test(arguments: Array(stride(from: 0, to: 24, by: 3)))
  func `Killed at any moment, it ends with each step done once, under the part's own ids`(moment: Int) throws
  {
    let made = Made()
    let rig = try Self.rig(made)
    let playbook = try Self.playbook()
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    #expect(plan.steps.map(\.step.rawValue) == ["one", "two", "three", "bye", "last"])
    let crash = CrashAt(moment)
    do {
      _ = try inVirtualTime(seed: 1, rig.clock) {
        try await rig.engine(playbook, plan, crashPoint: crash.hook).run()
      }
    } catch is SimulatedCrash {}
    let end = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(end.state == .done)
    let done = try rig.journal.events(kinds: [.stepDone]).compactMap { $0.body["step"]?.string }
    #expect(done == ["one", "two", "three", "bye", "last"])
    #expect(made.markers.withLock { Set($0).count } == 5)
    #expect(made.markers.withLock { $0.count } == 5)
  }

  @Test func `A part that changed after the plan is refused, and the digest of a new plan is another`() throws
  {
    let rig = try Self.rig(Made())
    let before = try Self.playbook()
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(before) }
    #expect(plan.pins["parts/shared"] == Playbook.digest(of: Self.shared()))
    let after = try Self.playbook(Self.shared("another"))
    let error = #expect(throws: ExecutionError.self) { try plan.check(after) }
    #expect(error?.because.hasPrefix("parts/shared.yaml changed since it was planned") == true)
    #expect(throws: ExecutionError.self) { try rig.engine(after, plan) }
    let other = try EngineRig()
    other.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let again = try inVirtualTime(seed: 1, other.clock) { try await other.plan(after) }
    #expect(again.digest != plan.digest)
  }
}
