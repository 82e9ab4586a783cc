import Capabilities
import Chronicle
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

/// Runs that the worker carries out and that wait for somebody.
@Suite struct AdoptedRunTests {
  @Test func `a wait that ends by itself brings its run back, once, and not before`() async throws {
    let directory = try TemporaryDirectory()
    try """
    playbook: 1
    id: mine
    title: Mine
    deadline: 1h
    steps: [{id: go, approve: {by: [repository-admin], within: 10m}}, {id: look, manual: Look}]
    """.write(toFile: directory.path("mine.yaml"), atomically: true, encoding: .utf8)
    let rig = try WorkerRig(in: directory, playbooks: directory.path)
    let installation = rig.installation
    let playbook = try installation.library.load("mine", catalogue: ActionSignature.builtin)
    let plan = try await PlanMaker(installation: installation).plan(playbook, inputs: [:], incident: nil)
    let word = try installation.identity.approve(
      plan.digest, role: "responder", at: installation.now())
    try Approver(journal: installation.journal, policy: installation.policy)
      .record(word, for: plan, via: Worker.via)
    try await rig.work()
    let adopted = try #require(
      try FollowedChronicle(installation.journal).current().workersRuns.all.first)
    let until = try #require(adopted.until)
    #expect(until > rig.clock.now)

    func resumed() throws -> Int { try rig.events([.runResumed]).count }
    #expect(await !rig.worker.hasNews())
    rig.clock.advance(until.timeIntervalSince(rig.clock.now) - 10)
    #expect(await !rig.worker.hasNews())
    try await rig.work()
    #expect(try resumed() == 0)
    rig.clock.advance(20)
    #expect(await rig.worker.hasNews(), "time alone made it due")
    try await rig.work()
    #expect(try resumed() == 1)
    rig.clock.advance(200)
    try await rig.work()
    #expect(try resumed() == 1, "it goes on waiting, so it is left alone")
  }
}
