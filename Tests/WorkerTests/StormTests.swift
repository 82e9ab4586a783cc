import Capabilities
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import Response
import ResponseSupport
import TestSupport
import Testing

@testable import Worker

/// So much at once that a person must look: one thing to decide.
@Suite struct StormTests {
  private struct Site {
    let sink: LoopbackServer
    var rig: WorkerRig
    private let configuration: String

    init(_ playbook: String = "generic-secret", storm: String) throws {
      let directory = try TemporaryDirectory()
      sink = try LoopbackServer { _ in .json(200, "{}") }
      try "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".write(
        toFile: directory.path("hook"), atomically: true, encoding: .utf8)
      configuration = """
        trackers:
          security: {kind: standard-webhooks, url: "\(sink.url)/hook", secret: "file:DIR/hook"}
        routes:
          - {playbook: \(playbook), tracker: security}
        policy: {critical_kinds: [openai_api_key], storm: {\(storm)}}
        """
      rig = try WorkerRig(configuration, in: directory)
    }

    /// Another process takes the worker's place.
    mutating func restart() throws {
      rig = try WorkerRig(configuration, in: rig.directory, at: rig.clock.now)
    }

    func report(_ names: Range<Int>, _ more: [String: JSONValue] = [:], id: String) async throws {
      let findings = names.map { name -> JSONValue in
        var finding: [String: JSONValue] = [
          "kind": "openai_api_key", "value": .string(FakeSecrets.value("openai_api_key", "storm \(name)")),
          "repository": "acme/app", "path": .string("\(name).py"), "line": 1,
        ]
        finding.merge(more) { _, new in new }
        return .object(finding)
      }
      _ = try await rig.deliver(["schema": "staunch.findings/1", "findings": .array(findings)], id: id)
    }

    func release() throws {
      try Storm(journal: rig.installation.journal, configuration: rig.installation.configuration)
        .release(because: "I looked", role: "responder")
    }

    func held() throws -> Bool { try rig.inbox.document(kind: "storm", id: "current") != nil }
  }

  @Test func `what a person has released is not held again, also where it cannot be planned at all`()
    async throws
  {
    // The playbook wants a credential that nobody has written down.
    var site = try Site("openai-api-key", storm: "in_delivery: 100, per_provider: 20")
    try await site.report(0..<25, id: "1")
    try await site.rig.work()
    #expect(try site.held(), "25 rotations wait at one provider")
    try site.release()
    try await site.rig.work()
    #expect(try !site.held() && site.rig.plans() == 0)
    site.rig.clock.advance(7200)
    try await site.rig.work()
    #expect(try !site.held())
    try site.restart()
    try await site.rig.work()
    #expect(try !site.held(), "a start decides anew, and not about this")
    // New ones count from the release on.
    try await site.report(100..<115, id: "2")
    try await site.rig.work()
    #expect(try !site.held())
    try await site.report(200..<221, id: "3")
    try await site.rig.work()
    #expect(try site.held())
    site.sink.stop()
  }

  @Test func `what works and is public is planned and told although a storm is held`() async throws {
    let site = try Site(storm: "in_delivery: 3")
    try await site.report(0..<5, id: "1")
    try await site.rig.work()
    #expect(try site.held() && site.rig.plans() == 0)
    // It opens production, too.
    try await site.report(
      10..<11,
      [
        "kind": "npm_token", "value": .string(FakeSecrets.value("npm_token")), "validity": "active",
        "publicly_leaked": true,
      ], id: "2")
    try await site.rig.work()
    let urgent = try #require(
      try site.rig.events([.incidentOpened]).last { $0.body["publicly_leaked"]?.boolean == true }?.incident)
    #expect(try site.rig.events([.planSaved]).map(\.incident) == [urgent])
    let told = site.sink.requests.compactMap { try? JSONValue(parsing: $0.body)["data"] }  // none is no JSON
    #expect(told.contains { $0["incident"]?.string == urgent.rawValue }, "\(told)")
    #expect(told.count == 2, "the storm's own notice, and this")
    site.sink.stop()
  }

  @Test func `a storm says what it is about, and its release what became of it`() async throws {
    let site = try Site(storm: "in_delivery: 3")
    try await site.report(0..<5, id: "1")
    try await site.rig.work()
    let held = try #require(try site.rig.inbox.document(kind: "storm", id: "current")?.document)
    #expect(held["kinds"] == ["openai_api_key": 5] && held["incidents"] == 5)
    #expect(held["states"] == ["waiting": 5])
    try site.release()
    try await site.rig.work()
    #expect(try !site.held())
    let released = try #require(try site.rig.inbox.document(kind: "storm", id: "released")?.document)
    #expect(released["id"] == held["id"] && released["reason"] == "I looked")
    #expect(released["states"] == ["planned": 5], "\(released)")
    site.sink.stop()
  }
}
