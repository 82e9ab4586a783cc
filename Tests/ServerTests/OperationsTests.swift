import Foundation
import Inbox
import JSON
import Secrets
import Synchronization
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
        "staunch_step_seconds_sum 12.5", "staunch_receiver_queue_oldest_seconds 0", "staunch_storm_held 0",
        "staunch_worker_heartbeat_timestamp_seconds 1790000000", "staunch_incidents_waiting 0",
      ] {
        #expect(text.contains(line + "\n"), "\(line) is not in\n\(text)")
      }
      #expect(!text.contains("\nstaunch_odd_seconds"), "what is no number is not shown as 0")
    }
  }

  @Test func `whoever asks for the head alone gets it`() async throws {
    try await RunningReceiver.with { server async throws in
      let connection = try await server.connect()
      for path in ["/healthz", "/readyz", "/metrics"] {
        try await connection.send(RawRequest(path, method: "HEAD").head)
      }
      try await connection.send(RawRequest("/healthz", [("Connection", "close")], method: "GET").head)
      let text = try await connection.rest()
      #expect(text.components(separatedBy: "HTTP/1.1 200 OK").count == 5)
      #expect(text.components(separatedBy: "ok\n").count == 2, "only GET has a body: \(text)")
    }
  }

  @Test func `a receiver whose worker is dead, or never came, is not ready`() async throws {
    let start = TestKeys.now
    let clock = Mutex(start)
    try await RunningReceiver.with(now: { Date(timeIntervalSince1970: clock.withLock { $0 }) }) {
      server async throws in
      clock.withLock { $0 = start + 60 }
      #expect(try await server.send(RawRequest("/readyz", method: "GET")).status == 200)
      clock.withLock { $0 = start + 61 }
      let dead = try await server.send(RawRequest("/readyz", method: "GET"))
      #expect(dead.status == 503 && dead.body == "the worker has been silent for 61 s\n")
      try server.inbox.beat(at: Date(timeIntervalSince1970: start + 61))
      #expect(try await server.send(RawRequest("/readyz", method: "GET")).status == 200)
    }
  }

  @Test func `what was refused is kept with its reason and the client, and nothing of its body`() async throws
  {
    let server = try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      _ = try await server.send(TestKeys.github().with("X-Hub-Signature-256", nil))
      _ = try await server.send(TestKeys.github("[]"))
      return server
    }
    let kept = try server.inbox.refusals(limit: 9).map(\.refusal)
    #expect(kept.map(\.reason) == ["malformed", "signature_missing"])
    #expect(kept.allSatisfy { $0.route == "/github" && $0.client == "127.0.0.1" && !$0.request.isEmpty })
    #expect(kept.last?.because == "the header X-Hub-Signature-256 is missing")
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
