import Foundation
import Inbox
import Secrets
import TestSupport
import Testing

@testable import Server

/// The receiver checklist, row by row, by raw sockets against the running server.
@Suite(.timeLimit(.minutes(3))) struct ChecklistTests {
  @Test func `an unknown route is 404, another method 405, a query 404`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      #expect(try await server.send(RawRequest("/nothing", method: "GET")).status == 404)
      #expect(try await server.send(TestKeys.github(path: "/github/")).status == 404)
      let get = try await server.send(RawRequest("/github", method: "GET"))
      #expect(get.status == 405)
      #expect(get.fields["allow"] == "POST")
      #expect(try await server.send(TestKeys.github(path: "/github?token=x")).status == 404)
    }
  }

  @Test func `a body above its route's limit is 413, before it is read`() async throws {
    let limits = ReceiverLimits.roomy {
      $0.bodyBytes = 1000
      $0.largeBodyBytes = 5000
    }
    try await RunningReceiver.with([TestKeys.route(.github), TestKeys.route(.gitguardian)], limits: limits) {
      server in
      for (path, length, status) in [("/gitguardian", 1001, 413), ("/github", 5001, 413)] {
        let connection = try await server.connect()
        // Only the head: the answer must come without the body.
        try await connection.send(
          "POST \(path) HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nContent-Length: \(length)\r\n\r\n"
        )
        let response = try await connection.response()
        #expect(response.status == status)
        #expect(response.fields["connection"] == "close")
      }
      // Without a length: chunks beyond the limit.
      let connection = try await server.connect()
      try await connection.send(
        "POST /gitguardian HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
      )
      try await connection.send("3f0\r\n" + String(repeating: "a", count: 0x3F0) + "\r\n")
      #expect(try await connection.response().status == 413)
      #expect(try await server.send(TestKeys.github(Self.object(4900))).status == 202)
    }
  }

  static func object(_ bytes: Int) -> String {
    #"{"a":""# + String(repeating: "a", count: bytes - 8) + #""}"#
  }

  @Test(arguments: ["gzip", "deflate", "br", "gzip, identity"])
  func `a compressed body is 415`(coding: String) async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      #expect(try await server.send(TestKeys.github().with("Content-Encoding", coding)).status == 415)
      #expect(try await server.send(TestKeys.github().with("Content-Encoding", "identity")).status == 202)
    }
  }

  @Test func `another media type is 415`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      for type in ["text/xml", "", "application/jsonx"] {
        #expect(try await server.send(TestKeys.github().with("Content-Type", type)).status == 415)
      }
      let charset = TestKeys.github().with("Content-Type", "Application/JSON; charset=utf-8")
      #expect(try await server.send(charset).status == 202)
    }
  }

  @Test func `a route beyond its rate is 429 with Retry-After, another route is not`() async throws {
    let limits = ReceiverLimits.roomy {
      $0.rate = 20
      $0.burst = 3
    }
    try await RunningReceiver.with([TestKeys.route(.github), TestKeys.route(.pagerduty)], limits: limits) {
      server in
      var statuses: [Int] = []
      for index in 0..<4 {
        statuses.append(try await server.send(TestKeys.github(#"{"n":\#(index)}"#)).status)
      }
      #expect(statuses == [202, 202, 202, 429])
      let response = try await server.send(TestKeys.github())
      #expect(response.fields["retry-after"] != nil)
      #expect(try await server.send(try #require(TestKeys.request(.pagerduty))).status == 202)
    }
  }

  @Test func `a flood without a good signature takes nothing from the rate of whoever has one`() async throws
  {
    let limits = ReceiverLimits.roomy {
      $0.rate = 20
      $0.burst = 3
    }
    let routes = [TestKeys.route(.github), TestKeys.route(.report), TestKeys.route(.cloudEvents)]
    try await RunningReceiver.with(routes, limits: limits) { server async throws in
      for index in 0..<10 {
        let unsigned = TestKeys.github(#"{"n":\#(index)}"#).with("X-Hub-Signature-256", nil)
        #expect(try await server.send(unsigned).status == 401)
        let stranger = try #require(TestKeys.request(.report)).with("Authorization", "Bearer no")
        #expect(try await server.send(stranger).status == 401)
        let handshake = RawRequest(
          "/cloudevents", [("WebHook-Request-Origin", "eventemitter.example.org")], method: "OPTIONS")
        #expect(try await server.send(handshake).status == 200)
      }
      for kind in [RouteKind.github, .report, .cloudEvents] {
        #expect(try await server.send(try #require(TestKeys.request(kind))).status == 202)
      }
    }
  }

  @Test func `a bucket fills again at its rate`() {
    let bucket = TokenBucket(rate: 20, burst: 100)
    let start = Date(timeIntervalSince1970: 0)
    #expect((0..<150).filter { _ in bucket.take(at: start) }.count == 100)
    #expect((0..<150).filter { _ in bucket.take(at: start.addingTimeInterval(1)) }.count == 20)
  }

  @Test func `when the disk refuses, it is 503 with Retry-After and nothing is acknowledged`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github), TestKeys.route(.report)]) {
      server async throws in
      try server.inbox.close()
      for request in [TestKeys.github(), try #require(TestKeys.request(.report))] {
        let response = try await server.send(request)
        #expect(response.status == 503)
        #expect(response.fields["retry-after"] != nil)
      }
    }
  }

  @Test(arguments: [RouteKind.github, .report])
  func `requests beyond the in-flight cap are 503 from their head on, and the place is given back`(
    kind: RouteKind
  )
    async throws
  {
    let limits = ReceiverLimits.roomy { $0.inFlight = 2 }
    try await RunningReceiver.with([TestKeys.route(.github), TestKeys.route(.report)], limits: limits) {
      server async throws in
      var held: [(connection: RawConnection, rest: [UInt8])] = []
      for index in 0..<2 {
        let connection = try await server.connect()
        let request =
          kind == .github
          ? TestKeys.github(#"{"held":\#(index)}"#)
          : try #require(TestKeys.request(.report, body: "row \(index)"))
        try await connection.send(Array(request.head.utf8) + request.body.prefix(1))
        held.append((connection, Array(request.body.dropFirst())))
      }
      try await server.untilInFlight(2)
      let refused = try await server.send(TestKeys.github())
      #expect(refused.status == 503)
      #expect(refused.fields["retry-after"] != nil)
      for (connection, rest) in held {
        try await connection.send(rest)
        #expect(try await connection.response().status == 202)
      }
      #expect(try await server.send(TestKeys.github(#"{"after":1}"#)).status == 202)
    }
  }

  /// Another process holds the exchange file, as a stuck worker would.
  private static let holder = """
    exec python3 -c '
    import sqlite3, sys
    database = sqlite3.connect(sys.argv[1], isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    print("ready", flush=True)
    sys.stdin.read()
    ' "$1"
    """

  @Test(arguments: [RouteKind.github, .report])
  func `when the disk takes longer than the answer may, it is 503, and the repetition is no second delivery`(
    kind: RouteKind
  ) async throws {
    let limits = ReceiverLimits.roomy { $0.answerSeconds = 0.05 }
    try await RunningReceiver.with([TestKeys.route(kind)], limits: limits) { server async throws in
      let holder = try SupervisedServer(Self.holder, arguments: [server.exchange])
      let request = try #require(TestKeys.request(kind))
      let response = try await server.send(request)
      #expect(response.status == 503)
      #expect(response.fields["retry-after"] != nil)
      let metrics = try await server.send(RawRequest("/metrics", method: "GET")).body
      let path = "/" + kind.rawValue
      #expect(metrics.contains(#"staunch_receiver_refusals_total{route="\#(path)",reason="late"} 1"# + "\n"))
      holder.stop()
      var status = 503
      for _ in 0..<2000 where status == 503 { status = try await server.send(request).status }
      #expect(status == 202)
      #expect(try server.deliveries().map { $0.body.exposeAsBytes() } == [request.body])
    }
  }

  @Test func `bodies together never hold more memory than their bound`() async throws {
    let limits = ReceiverLimits.roomy { $0.heldBytes = 3000 }
    try await RunningReceiver.with([TestKeys.route(.github)], limits: limits) { server async throws in
      #expect(try await server.send(TestKeys.github(Self.object(3500))).status == 503)
      #expect(try await server.send(TestKeys.github(Self.object(2900))).status == 202)
      #expect(try await server.send(TestKeys.github(Self.object(2901))).status == 202)
    }
  }

  @Test func `heads above 16 KiB or 64 fields are 431`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      let large = TestKeys.github().with("X-Padding", String(repeating: "a", count: 17 << 10))
      #expect(try await server.send(large).status == 431)
      var several = TestKeys.github()
      several.fields += (0..<3).map { ("X-\($0)", String(repeating: "a", count: 6 << 10)) }
      #expect(try await server.send(several).status == 431)
      var many = TestKeys.github()
      many.fields += (0..<70).map { ("X-\($0)", "1") }
      #expect(try await server.send(many).status == 431)
      #expect(try server.deliveries().isEmpty)
    }
  }

  @Test(arguments: [
    "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: +5\r\n", "Content-Length: -1\r\n", "Transfer-Encoding: chunked, identity\r\n",
    "Content-Length : 5\r\n",
  ])
  func `a length that two readers could read differently is refused`(fields: String) async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      let connection = try await server.connect()
      try await connection.send(
        "POST /github HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\n\(fields)\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: r\r\n\r\n"
      )
      let text = try await connection.rest()
      #expect(text.hasPrefix("HTTP/1.1 400"), "\(text)")
      #expect(!text.contains("200 OK"))
    }
  }

  @Test(arguments: [
    "{\"a\":\"\\u0000\"}", "{\"a\":1,\"a\":2}", "{\"a\":\"\u{FFFD}", "{", "",
    "{\"a\":" + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}",
    "{\"n\":" + String(repeating: "1", count: 65) + "}",
    "{\"s\":\"" + String(repeating: "x", count: (1 << 20) + 1) + "\"}",
  ])
  func `JSON outside its limits is 400, also when it is signed`(body: String) async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      #expect(try await server.send(TestKeys.github(body)).status == 400)
      #expect(try server.deliveries().isEmpty)
    }
  }

  @Test(arguments: [
    "{\"a\":" + String(repeating: "[", count: 63) + String(repeating: "]", count: 63) + "}",
    "{\"n\":" + String(repeating: "1", count: 18) + "}",
    "{\"s\":\"" + String(repeating: "x", count: 1 << 20) + "\"}",
  ])
  func `JSON at its limits is taken`(body: String) async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      #expect(try await server.send(TestKeys.github(body)).status == 202)
    }
  }

  @Test func `bytes that are no UTF-8 are 400`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      var request = TestKeys.github()
      request.body = Array("{\"a\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8)
      request = request.with("X-Hub-Signature-256", "sha256=" + Hex.text(TestKeys.mac(request.body)))
      #expect(try await server.send(request).status == 400)
    }
  }

  @Test func `200,000 JSON values are the most`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      let bomb = "{\"a\":[" + Array(repeating: "1", count: 200_001).joined(separator: ",") + "]}"
      #expect(try await server.send(TestKeys.github(bomb)).status == 400)
    }
  }

  @Test func `SHA-1 alone is refused`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      let request = TestKeys.github().with("X-Hub-Signature-256", nil).with(
        "X-Hub-Signature", "sha1=" + String(repeating: "a", count: 40))
      #expect(try await server.send(request).status == 401)
    }
  }

  /// So many connections are served, and the next one is closed at once.
  private static func expectRoom(for count: Int, at server: RunningReceiver) async throws {
    var open: [RawConnection] = []
    for _ in 0..<count {
      let connection = try await server.connect()
      try await connection.send(RawRequest("/healthz", method: "GET").bytes)
      #expect(try await connection.response().status == 200)
      open.append(connection)
    }
    #expect(try await server.connect().rest().isEmpty)
    #expect(open.count == count)
  }

  @Test func `connections of one address beyond the cap are closed at once`() async throws {
    let limits = ReceiverLimits.roomy { $0.connectionsPerClient = 3 }
    try await RunningReceiver.with([TestKeys.route(.github)], limits: limits) { server async throws in
      try await Self.expectRoom(for: 3, at: server)
    }
  }

  @Test func `a proxy speaks for many, but not beyond the total cap`() async throws {
    let limits = ReceiverLimits.roomy {
      $0.connectionsPerClient = 1
      $0.connections = 3
    }
    try await RunningReceiver.with([TestKeys.route(.github)], limits: limits, proxies: ["127.0.0.1"]) {
      server in
      try await Self.expectRoom(for: 3, at: server)
    }
  }

  @Test func `a report is spooled sealed, whatever its size and form`() async throws {
    try await RunningReceiver.with([TestKeys.route(.report)]) { server async throws in
      let planted = FakeSecrets.value("github_pat_classic")
      var request = try #require(TestKeys.request(.report))
      request.body = Array((String(repeating: "x", count: 3 << 20) + planted).utf8)
      #expect(try await server.send(request).status == 202)
      try SenderTests.expectSealed(server, planted)
      let delivery = try #require(try server.deliveries().first)
      #expect(delivery.body.exposeAsBytes() == request.body)
      #expect(delivery.contentType == "text/csv")
      #expect(try await server.send(request).status == 202)
      #expect(try server.deliveries().count == 1)
    }
  }

  @Test func `a report without a good token is refused before its body is read`() async throws {
    try await RunningReceiver.with([TestKeys.route(.report)]) { server async throws in
      let connection = try await server.connect()
      try await connection.send(
        "POST /report HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer no\r\nContent-Length: 1000000\r\n\r\n")
      #expect(try await connection.response().status == 401)
      #expect(!FileManager.default.fileExists(atPath: server.exchange + ".spool"))
    }
  }

  @Test func `a report that breaks off leaves nothing`() async throws {
    try await RunningReceiver.with([TestKeys.route(.report)]) { server async throws in
      let connection = try await server.connect()
      var request = try #require(TestKeys.request(.report))
      request.hasLength = false
      request.fields.append(("Content-Length", "100000"))
      try await connection.send(request.bytes)
      connection.finish()
      _ = try await connection.rest()
      #expect(try server.deliveries().isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: server.exchange + ".spool").isEmpty)
    }
  }
}
