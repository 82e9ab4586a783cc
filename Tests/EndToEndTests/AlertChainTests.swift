@testable import Drills
import Foundation
import Inbox
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// From GitHub's message to the resolved alert, with the built binary: the platform and the provider are stand-ins.
@Suite struct AlertChainTests {
  @Test func `an alert becomes a plan, and is resolved as revoked once the key is proven dead, not before`()
    async throws
  {
    let world = try await LiveWorld()
    let platform = try SecretScanningSimulation(["acme/training": 42])
    try platform.token.write(toFile: world.root.path("token"), atomically: true, encoding: .utf8)
    let file = world.sandbox.configuration
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let sources = """

      sources:
        - {kind: github, base_url: "\(platform.url)", token: "file:\(world.root.path("token"))", repositories: [acme/training]}

      """
    try (text + sources).write(toFile: file, atomically: true, encoding: .utf8)
    let key = try #require(world.sandbox.secrets["leaked openai_api_key"]).exposeAsText()
    platform.put(
      SecretScanningSimulation.Alert(
        type: "openai_api_key", secret: key, paths: ["train.py"], validity: "active"), 7, in: "acme/training")
    var outputs: [String] = []
    func staunch(_ arguments: [String]) async throws -> StaunchBinary.Outcome {
      let outcome = try await world.binary.run(arguments)
      outputs += [outcome.output, outcome.errors]
      return outcome
    }

    // The first round leaves the public key beside the exchange file; the endpoint is played by the test.
    platform.refuse(503)
    #expect(try await staunch(["work", "--once"]).status == 0)
    platform.refuse(nil)
    let exchange = world.home + "/state/exchange"
    let inbox = try Inbox.open(
      path: exchange + "/exchange.sqlite",
      sealingTo: InboxPublicKey(
        text: try String(contentsOfFile: exchange + "/inbox.pub", encoding: .utf8)))
    let message: JSONValue = [
      "action": "created", "alert": ["number": 7, "secret_type": "openai_api_key", "validity": "active"],
      "repository": ["id": 42, "full_name": "acme/training"],
    ]
    _ = try await inbox.append(
      NewDelivery(
        route: "/hooks/github", source: "github", id: "d1", isIDSigned: false, bodyDigest: "d1",
        event: "secret_scanning_alert", contentType: "application/json", receivedAt: Date(),
        body: message.canonicalBytes))
    #expect(try await staunch(["work", "--once"]).status == 0)
    let incidents = try JSONValue(parsing: Array(try await staunch(["incidents", "--json"]).output.utf8))
    let incident = try #require(incidents["incidents"]?.array?.first)
    let plan = try #require(incident["plan"]?["id"]?.string)
    let digest = try #require(incident["plan"]?["digest"]?.string)
    #expect(platform.alert(7, in: "acme/training")?.state == "open")

    let run = try await staunch(["run", plan, "--live", "--approve", digest, "--no-input", "--json"])
    #expect(run.status == 0, "\(run.errors)")
    let alert = try #require(platform.alert(7, in: "acme/training"))
    #expect(alert.state == "resolved")
    #expect(
      alert.comment?.hasPrefix("Revoked and proven dead; staunch-run-") == true, "\(alert.comment ?? "")")
    #expect(platform.requests.filter { $0.method == "PATCH" }.count == 1)
    // In the journal the proof stands before the word to the platform.
    let journal = try await staunch(["journal", "export"]).output.split(separator: "\n")
    let proof = try #require(
      journal.lastIndex { $0.contains("credential.probed") && $0.contains("\"dead\"") })
    let told = try #require(
      journal.firstIndex { $0.contains("step.intent") && $0.contains("alert.resolve") })
    #expect(proof < told)
    #expect(try world.leaks(outputs: outputs) == [])
    await world.stop()
  }
}
