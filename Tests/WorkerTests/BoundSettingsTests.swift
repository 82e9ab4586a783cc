import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import ResponseSupport
import TestSupport
import Testing

@testable import Response
@testable import Worker

/// The demonstration of the audit: "restart web: harmless" is approved, the entry is edited, another program runs.
@Suite struct BoundSettingsTests {
  private static func configuration(_ program: String) -> String {
    "consumers:\n  web: {kind: command, restart: [/usr/bin/touch, DIR/\(program)]}\n"
      + "  other: {kind: command, restart: [/usr/bin/touch, DIR/other]}\n"
  }

  private func site() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try """
    playbook: 1
    id: mine
    title: Mine
    deadline: 1h
    inputs: {consumer: {type: consumer}}
    steps: [{id: again, uses: consumer.roll-out, with: {consumer: "${{ inputs.consumer }}"}, undo: {none: it runs}}]
    """.write(toFile: directory.path("mine.yaml"), atomically: true, encoding: .utf8)
    return directory
  }

  private func plan(_ rig: WorkerRig) async throws -> Plan {
    let playbook = try rig.installation.library.load("mine", catalogue: ActionSignature.builtin)
    return try await PlanMaker(installation: rig.installation).plan(
      playbook, inputs: ["consumer": .consumer("web")], incident: nil)
  }

  private func approve(_ plan: Plan, _ rig: WorkerRig) throws {
    let word = try rig.installation.identity.approve(plan.digest, role: "responder", at: rig.clock.now)
    try Approver(journal: rig.installation.journal, policy: rig.installation.policy)
      .record(word, for: plan, via: Worker.via)
  }

  @Test func `an entry that was edited after the approval runs nothing, and the drift is named`() async throws
  {
    let directory = try site()
    let rig = try WorkerRig(Self.configuration("harmless"), in: directory, playbooks: directory.path)
    let plan = try await plan(rig)
    #expect(plan.targets.keys.sorted() == ["consumer web"])
    try approve(plan, rig)
    try rig.installation.journal.close()

    let edited = try WorkerRig(Self.configuration("evil"), in: directory, playbooks: directory.path)
    try await edited.work()
    #expect(!FileManager.default.fileExists(atPath: directory.path("evil")))
    #expect(!FileManager.default.fileExists(atPath: directory.path("harmless")))
    let drift = try #require(try edited.events([.driftFound]).first)
    #expect(drift.body["what"] == "consumer web")
  }

  @Test func `what was approved runs, whatever else of staunch.yaml is edited`() async throws {
    let directory = try site()
    let rig = try WorkerRig(Self.configuration("harmless"), in: directory, playbooks: directory.path)
    let plan = try await plan(rig)
    try approve(plan, rig)
    try rig.installation.journal.close()

    let edited = try WorkerRig(
      Self.configuration("harmless") + "  third: {kind: command, restart: [/bin/true]}\n", in: directory,
      playbooks: directory.path)
    try await edited.work()
    #expect(FileManager.default.fileExists(atPath: directory.path("harmless")))
  }

  @Test func `the digest covers the command, and not where the entry stands in the file`() async throws {
    let directory = try site()
    let first = try await plan(
      try WorkerRig(Self.configuration("harmless"), in: directory, playbooks: directory.path)
    ).targets
    let moved = try await plan(
      try WorkerRig("\n\n" + Self.configuration("harmless"), in: directory, playbooks: directory.path)
    ).targets
    let other = try await plan(
      try WorkerRig(Self.configuration("evil"), in: directory, playbooks: directory.path)
    ).targets
    #expect(first == moved)
    #expect(first != other)
  }

  @Test func `whether a repository's own settings count is part of what is approved`() throws {
    let directory = try site()
    func settings(_ more: String) throws -> [String: String] {
      let rig = try WorkerRig(
        Self.configuration("harmless") + "repositories:\n  models: {path: DIR/models\(more)}\n",
        in: directory,
        playbooks: directory.path)
      defer { try? rig.installation.journal.close() }  // clean-up: the next one opens it
      return TargetFacts(
        configuration: rig.installation.configuration, targets: rig.installation.targets, incidents: [:]
      ).settings(of: .repository("models"))
    }
    let before = try settings("")
    #expect(before.keys.sorted() == ["repository models"])
    #expect(try settings(", trust_config: false") == before)
    #expect(try settings(", trust_config: true") != before)
  }
}
