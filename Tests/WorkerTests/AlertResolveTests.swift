import Actions
import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import ResponseSupport
import TestSupport
import Testing

@testable import Response
@testable import Worker

/// `alert.resolve` at the (mock) platform: once, whatever happens on the way.
@Suite struct AlertResolveTests {
  private struct Quiet: ProgressSink {
    func progress(_ phase: String, done: Int, total: Int?, unit: String) {}
  }

  private struct Site {
    let platform: SecretScanningSimulation
    let rig: WorkerRig
    let incident: IncidentID

    init() async throws {
      let directory = try TemporaryDirectory()
      platform = try SecretScanningSimulation(["acme/app": 42, "acme/lib": 43])
      try platform.token.write(toFile: directory.path("token"), atomically: true, encoding: .utf8)
      rig = try WorkerRig(
        """
        sources:
          - {kind: github, base_url: "\(platform.url)", token: "file:DIR/token", repositories: [acme/app, acme/lib]}
        """, in: directory)
      for (number, name) in [(7, "acme/app"), (8, "acme/lib")] {
        platform.put(
          SecretScanningSimulation.Alert(
            type: "openai_api_key", secret: FakeSecrets.value("openai_api_key", "one"),
            paths: ["\(number).py"]),
          number, in: name)
      }
      // No message at all: both are found by reconciliation, fetched, and turn out to be one secret.
      try await rig.work()
      try #require(try rig.incidents().count == 1)
      incident = try #require(try rig.incidents().first)
    }

    var action: any EffectAction {
      get throws {
        guard case .effect(let action)? = rig.installation.actions["alert.resolve"] else {
          throw CapabilityError(.invalid, "test", because: "there is no such action")
        }
        return action
      }
    }

    var call: ActionCall {
      ActionCall(
        run: "run-1", incident: incident, step: "alerts", item: nil, attempt: 1,
        inputs: ["incident": .incident(incident)], earlier: [:], marker: "staunch-run-1-alerts-1",
        secrets: rig.installation.journal, progress: Quiet())
    }

    /// How often the platform was told.
    var words: Int { platform.requests.filter { $0.method == "PATCH" }.count }
  }

  @Test func `every alert of the incident is resolved as revoked, and the plan says which`() async throws {
    let site = try await Site()
    let planned = try await site.action.plan(site.call)
    #expect(planned.will == "resolve acme/app#7, acme/lib#8 as revoked")
    let result = try await site.action.perform(
      site.call, phase: "perform", prepared: Preparation(), under: .forTests())
    #expect(result.outputs["resolved"] == .integer(2))
    for (number, name) in [(7, "acme/app"), (8, "acme/lib")] {
      #expect(site.platform.alert(number, in: name)?.state == "resolved")
      #expect(site.platform.alert(number, in: name)?.comment?.contains("staunch-run-1-alerts-1") == true)
    }
    _ = try await site.action.perform(
      site.call, phase: "perform", prepared: Preparation(), under: .forTests())
    #expect(site.words == 2, "what is resolved is left alone")
  }

  @Test func `after a lost reply it is asked, not said again`() async throws {
    let site = try await Site()
    site.platform.loseReply(to: "PATCH", "/repos/acme/lib/secret-scanning/alerts/8")
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await site.action.perform(
        site.call, phase: "perform", prepared: Preparation(), under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
    let settled = try await site.action.settle(
      site.call, phase: "perform", prepared: Preparation(), under: .forTests())
    guard case .done = settled else {
      Issue.record("\(settled)")
      return
    }
    #expect(site.words == 2)
  }
}
