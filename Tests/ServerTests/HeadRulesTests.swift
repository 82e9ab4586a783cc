import Foundation
import TestSupport
import Testing

@testable import Server

/// What RFC 9112 and 9110 demand of heads beyond the decoder, and what counts as one client.
@Suite(.timeLimit(.minutes(3))) struct HeadRulesTests {
  @Test(arguments: [
    "GET /healthz HTTP/1.1\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET /healthz HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
    "POST /github HTTP/1.0\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /github HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ])
  func `a head without one host, or with a length that could be read differently, is refused`(head: String)
    async throws
  {
    try await RunningReceiver.with([TestKeys.route(.github)], limits: .roomy) { server async throws in
      let connection = try await server.connect()
      try await connection.send(head)
      let text = try await connection.rest()
      #expect(text.hasPrefix("HTTP/1.1 400") || text.hasPrefix("HTTP/1.0 400"), "\(text)")
      #expect(!text.contains("200 OK"))
    }
  }

  @Test func `an old client needs no host, and whoever asks whether to go on is told`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)], limits: .roomy) { server async throws in
      let old = try await server.connect()
      try await old.send("GET /healthz HTTP/1.0\r\n\r\n")
      #expect(try await old.rest().contains("200 OK"))
      let asking = try await server.connect()
      let request = TestKeys.github().with("Expect", "100-continue")
      try await asking.send(request.head)
      var text = ""
      while !text.contains("\r\n\r\n"), let more = try await asking.receive() {
        text += String(decoding: more, as: UTF8.self)
      }
      #expect(text == "HTTP/1.1 100 Continue\r\n\r\n")
      try await asking.send(request.body)
      #expect(try await asking.response().status == 202)
    }
  }

  @Test func `a nearly full disk asks senders to come again, and says that it is not ready`() async throws {
    let limits = ReceiverLimits.roomy { $0.reserveBytes = .max }
    try await RunningReceiver.with([TestKeys.route(.github)], limits: limits) { server async throws in
      let answer = try await server.send(TestKeys.github())
      #expect(answer.status == 503)
      #expect(answer.fields["retry-after"] != nil)
      #expect(try await server.send(RawRequest("/readyz", method: "GET")).status == 503)
      #expect(try server.deliveries().isEmpty)
    }
  }

  @Test func `one customer's IPv6 addresses are one client`() {
    #expect(ClientNetwork.of("2001:db8:1:2::1") == ClientNetwork.of("2001:db8:1:2:ffff::9"))
    #expect(ClientNetwork.of("2001:db8:1:2::1") != ClientNetwork.of("2001:db8:1:3::1"))
    #expect(ClientNetwork.of("192.0.2.1") == "192.0.2.1")
    #expect(ClientNetwork.of("") == "")
  }
}
