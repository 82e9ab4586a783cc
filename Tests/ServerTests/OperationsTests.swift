import Foundation
import Inbox
import JSON
import Secrets
import TestSupport
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(3))) struct OperationsTests {
  @Test func `health, readiness and metrics answer the operator`() async throws {
    try await RunningReceiver.with(
      [TestKeys.route(.github)],
      prepare: { inbox in
        try inbox.publish([
          (
            "summary", "all",
            [
              "incidents": ["state": ["open": 3], "severity": ["hi\"gh": 1]],
              "step_seconds": ["buckets": ["1": 2, "10": 5], "sum": .number(12.5), "count": 6],
              "odd_seconds": ["buckets": ["1": "many"], "sum": .null],
            ]
          )
        ])
      }
    ) { server async throws in
      #expect(try await server.send(RawRequest("/healthz", method: "GET")).body == "ok\n")
      #expect(try await server.send(RawRequest("/readyz", method: "GET")).body == "ready\n")
      _ = try await server.send(TestKeys.github())
      _ = try await server.send(TestKeys.github())
      _ = try await server.send(TestKeys.github().with("X-Hub-Signature-256", nil))
      let text = try await server.send(RawRequest("/metrics", method: "GET")).body
      for line in [
        #"staunch_receiver_deliveries_total{route="/github",status="202"} 2"#,
        #"staunch_receiver_deliveries_total{route="/github",status="401"} 1"#,
        #"staunch_receiver_refusals_total{route="/github",reason="signature_missing"} 1"#,
        #"staunch_receiver_duplicates_total{route="/github"} 1"#, "staunch_receiver_append_seconds_count 2",
        "staunch_receiver_queue 1", #"staunch_incidents_by_state{state="open"} 3"#,
        #"staunch_incidents_by_severity{severity="hi\"gh"} 1"#, #"staunch_step_seconds_bucket{le="+Inf"} 6"#,
        "staunch_step_seconds_sum 12.5",
      ] {
        #expect(text.contains(line + "\n"), "\(line) is not in\n\(text)")
      }
      #expect(!text.contains("\nstaunch_odd_seconds"), "what is no number is not shown as 0")
    }
  }

  @Test func `readiness fails when the exchange file cannot be written`() async throws {
    try await RunningReceiver.with { server async throws in
      try server.inbox.close()
      #expect(try await server.send(RawRequest("/readyz", method: "GET")).status == 503)
      #expect(try await server.send(RawRequest("/healthz", method: "GET")).status == 200)
    }
  }

  @Test func `a delivery that could not be stored counts more than a probe, until the next one is`()
    async throws
  {
    try await RunningReceiver.with { server async throws in
      let readiness = Readiness(memory: .seconds(86_400))
      #expect(await readiness.isReady(server.inbox))
      readiness.failed()
      #expect(await !readiness.isReady(server.inbox))
      readiness.stored()
      #expect(await readiness.isReady(server.inbox))
    }
  }

  @Test func `metrics and readiness are hidden from everybody else`() async throws {
    try await RunningReceiver.with(operators: ["10.0.0.1"]) { server async throws in
      for path in ["/metrics", "/readyz"] {
        #expect(try await server.send(RawRequest(path, method: "GET")).status == 404)
        // Claiming an operator's address does not help without a configured proxy.
        let claim = RawRequest(path, [("X-Forwarded-For", "10.0.0.1")], method: "GET")
        #expect(try await server.send(claim).status == 404)
      }
      #expect(try await server.send(RawRequest("/healthz", method: "GET")).status == 200)
    }
  }

  @Test func `a proxy that is not configured does not lend its loopback address`() async throws {
    try await RunningReceiver.with { server async throws in
      let request = RawRequest("/metrics", [("X-Forwarded-For", "203.0.113.9")], method: "GET")
      #expect(try await server.send(request).status == 404)
    }
    try await RunningReceiver.with(proxies: ["127.0.0.1"], operators: ["10.0.0.1"]) { server async throws in
      let request = RawRequest("/metrics", [("X-Forwarded-For", "10.0.0.1")], method: "GET")
      #expect(try await server.send(request).status == 200)
    }
  }

  @Test(arguments: [
    (["203.0.113.9"], "203.0.113.9"), (["10.9.9.9, 203.0.113.9"], "203.0.113.9"),
    (["10.9.9.9, 203.0.113.9, 127.0.0.1"], "203.0.113.9"), (["10.9.9.9", "203.0.113.9"], "203.0.113.9"),
    ([], "127.0.0.1"),
  ])
  func `X-Forwarded-For is read from the right`(forwarded: [String], client: String) {
    let address = ClientAddress(peer: "127.0.0.1", forwarded: forwarded, proxies: ["127.0.0.1"])
    #expect(address.address == client)
    let stranger = ClientAddress(peer: "192.0.2.1", forwarded: forwarded, proxies: ["127.0.0.1"])
    #expect(stranger.address == "192.0.2.1")
  }
}
