import Foundation
import Inbox
import Incidents
import JSON
import Journal
import ResponseSupport
import TestSupport
import Testing

@testable import Response
@testable import Worker

/// What no message brought is found by asking the (mock) platforms, at intervals of a clock that the test moves.
@Suite struct ReconciliationTests {
  private static func site() throws -> (SecretScanningSimulation, WorkerRig) {
    let directory = try TemporaryDirectory()
    let platform = try SecretScanningSimulation(["acme/app": 42])
    try platform.token.write(toFile: directory.path("token"), atomically: true, encoding: .utf8)
    let rig = try WorkerRig(
      """
      sources:
        - {kind: github, base_url: "\(platform.url)", token: "file:DIR/token", repositories: [acme/app], every: 5m}
        - {kind: gitguardian, base_url: "\(platform.url)", token: "file:DIR/token"}
      receiver:
        routes: [{path: /hooks/github, kind: github, keys: ["file:DIR/token"]}]
      """, in: directory)
    return (platform, rig)
  }

  private static func alert(_ secret: String) -> SecretScanningSimulation.Alert {
    SecretScanningSimulation.Alert(
      type: "openai_api_key", secret: FakeSecrets.value("openai_api_key", secret), paths: ["a.py"])
  }

  private static func payload(_ number: Int) -> JSONValue {
    [
      "action": "created", "alert": ["number": .integer(number), "secret_type": "openai_api_key"],
      "repository": ["id": 42, "full_name": "acme/app"],
    ]
  }

  @Test func `an alert without a message is found, at the interval and not before`() async throws {
    let (platform, rig) = try Self.site()
    try await rig.work()
    #expect(try rig.incidents().isEmpty)
    platform.put(Self.alert("one"), 7, in: "acme/app")
    rig.clock.advance(299)
    try await rig.work()
    #expect(try rig.incidents().isEmpty)
    rig.clock.advance(1)
    #expect(await rig.worker.hasNews())
    try await rig.work()
    #expect(try rig.incidents().count == 1)
    rig.clock.advance(300)
    try await rig.work()
    #expect(try rig.events([.incidentOpened]).count == 1)
    // Its message comes late: a place at most, no second incident.
    _ = try await rig.deliver(Self.payload(7), id: "late", source: "github", route: "/hooks/github")
    try await rig.work()
    #expect(try rig.events([.incidentOpened]).count == 1)
  }

  @Test func `a delivery that failed is taken in under its own id, so a redelivery is a duplicate`()
    async throws
  {
    let (platform, rig) = try Self.site()
    platform.put(Self.alert("one"), 7, in: "acme/app")
    platform.put(Self.alert("two"), 8, in: "acme/app")
    platform.deliver(Self.payload(7), guid: "guid-7", status: 503)
    platform.deliver(Self.payload(8), guid: "guid-8", status: 202)
    platform.deliver(["action": "opened"], guid: "guid-9", event: "push", status: 500)
    _ = try await rig.deliver(Self.payload(8), id: "guid-8", source: "github", route: "/hooks/github")
    try await rig.work()
    #expect(try rig.incidents().count == 2)
    let redelivered = try await rig.deliver(
      Self.payload(7), id: "guid-7", source: "github", route: "/hooks/github")
    #expect(redelivered == .duplicate)
    let fetched = platform.requests.map(\.path).filter { $0.hasPrefix("/repos/acme/app/hooks/5/deliveries/") }
    #expect(fetched == ["/repos/acme/app/hooks/5/deliveries/100"], "only what was lost is fetched")
  }

  @Test func `a GitGuardian incident without a message is found once`() async throws {
    let (platform, rig) = try Self.site()
    platform.open([
      "id": 3759, "date": "2026-01-02T03:04:05Z", "status": "TRIGGERED", "validity": "valid",
      "detector": ["name": "openai_apikey", "display_name": "OpenAI Key"],
      "gitguardian_url": "https://dashboard.example/incidents/3759",
    ])
    try await rig.work()
    rig.clock.advance(900)
    try await rig.work()
    #expect(try rig.events([.incidentOpened]).count == 1)
    #expect(try rig.inbox.counts().done == 1)
  }

  @Test func `a platform that is down is said and asked again, and the rest of the work goes on`()
    async throws
  {
    let (platform, rig) = try Self.site()
    platform.refuse(500)
    _ = try await rig.deliver(
      WorkerRig.report([(FakeSecrets.value("openai_api_key", "x"), "a.py")]), id: "r")
    try await rig.work()
    #expect(try rig.incidents().count == 1)
    platform.refuse(nil)
    platform.put(Self.alert("one"), 7, in: "acme/app")
    rig.clock.advance(900)
    try await rig.work()
    #expect(try rig.incidents().count == 2)
  }
}
