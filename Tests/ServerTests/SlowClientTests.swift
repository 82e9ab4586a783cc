import Foundation
import Secrets
import TestSupport
import Testing

@testable import Server

/// Slow clients. Each test waits for the close event; the time-outs are shortened by settings.
@Suite(.timeLimit(.minutes(3))) struct SlowClientTests {
  /// Only the named limit is short, so that nothing else can close the connection.
  private func expectClose(
    _ sent: [String], _ change: @escaping @Sendable (inout ReceiverLimits) -> Void
  ) async throws {
    let limits = ReceiverLimits.roomy(change)
    try await RunningReceiver.with([TestKeys.route(.github), TestKeys.route(.gitguardian)], limits: limits) {
      server in
      let connection = try await server.connect()
      for text in sent { try await connection.send(text) }
      let answer = try await connection.rest()
      #expect(answer.isEmpty || answer.contains("200 OK") || answer.contains("404 Not Found"))
    }
  }

  @Test func `a client that says nothing is closed`() async throws {
    try await expectClose([]) { $0.headerSeconds = 0.05 }
  }

  @Test func `a head that does not end is closed`() async throws {
    try await expectClose(["POST /github HTTP/1.1\r\nHost: r\r\nX-A: "]) { $0.headerSeconds = 0.05 }
  }

  @Test func `a head that trickles after a good request is closed by the head's deadline, not the idle one`()
    async throws
  {
    try await RunningReceiver.with(limits: .roomy { $0.headerSeconds = 0.2 }) { server async throws in
      for _ in 0..<50 {
        let connection = try await server.connect()
        try await connection.send(RawRequest("/healthz", method: "GET").bytes)
        // Closed before its first answer: the machine was slower than the deadline. Once more.
        guard try await connection.receive() != nil else { continue }
        try await connection.send("GET /he")
        #expect(try await connection.rest().isEmpty)
        return
      }
      Issue.record("no request was answered within the head's deadline")
    }
  }

  @Test func `a body that does not end is closed`() async throws {
    try await expectClose([
      "POST /gitguardian HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    ]) {
      $0.bodySeconds = 0.05
    }
  }

  @Test func `a large route gives its own, longer time`() async throws {
    let limits = ReceiverLimits.roomy { $0.bodySeconds = 0.05 }
    try await RunningReceiver.with([TestKeys.route(.github), TestKeys.route(.gitguardian)], limits: limits) {
      server async throws in
      let request = TestKeys.github()
      let large = try await server.connect()
      try await large.send(request.head)
      try await server.untilInFlight(1)
      let small = try await server.connect()
      try await small.send(try #require(TestKeys.request(.gitguardian)).head)
      #expect(try await small.rest().isEmpty)
      // The small one began later and is over; the large one still may send.
      try await large.send(request.body)
      #expect(try await large.response().status == 202)
    }
  }

  @Test func `a large route has a deadline too`() async throws {
    try await expectClose([
      "POST /github HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    ]) {
      $0.largeBodySeconds = 0.1
    }
  }

  @Test func `a body slower than 1 KiB a second is closed`() async throws {
    try await expectClose([
      "POST /github HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    ]) {
      $0.rateSeconds = 0.05
    }
  }

  @Test func `an idle connection is closed`() async throws {
    try await expectClose(["GET /healthz HTTP/1.1\r\nHost: r\r\n\r\n"]) { $0.idleSeconds = 0.05 }
  }

  @Test func `a client that keeps sending after its last answer is closed`() async throws {
    try await RunningReceiver.with { server async throws in
      let connection = try await server.connect()
      try await connection.send("POST /nothing HTTP/1.1\r\nHost: r\r\nContent-Length: 1000000\r\n\r\naaaa")
      #expect(try await connection.rest().hasPrefix("HTTP/1.1 404"))
      // It keeps its side open; the server ends the connection all the same: only the one that asks is left.
      try await server.connect().until("staunch_receiver_connections 1\n")
      try await connection.send("aaaa")
    }
  }
}
