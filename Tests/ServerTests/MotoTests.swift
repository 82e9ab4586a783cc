import Foundation
import Inbox
import JSON
import TestSupport
import Testing

@testable import Server

/// SNS messages from moto's real server. Its signature is a fixed example, which must not verify; its messages, signed anew with a
/// key of the test, must be taken.
@Suite(.timeLimit(.minutes(3))) struct MotoTests {
  private static let script = """
    exec python3 -c '
    import sys
    from moto.server import ThreadedMotoServer
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print("ready", server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    server.stop()
    '
    """

  private func call(_ port: String, _ fields: [String: String]) async throws -> String {
    let body = fields.map {
      "\($0.key)=\($0.value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
    }
    .joined(separator: "&")
    let authorization =
      "AWS4-HMAC-SHA256 Credential=test/20261126/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0"
    return try await Program.run(
      [
        "curl", "-sS", "--fail", "-H", "Authorization: " + authorization, "-d", body,
        "http://127.0.0.1:\(port)/",
      ],
      in: "/")
  }

  @Test func `a message of moto is refused as it is, and taken when it is signed anew`() async throws {
    let moto = try SupervisedServer(Self.script, arguments: [])
    let port = moto.announcement
    _ = try await call(port, ["Action": "CreateTopic", "Name": "leak-alerts", "Version": "2010-03-31"])
    let seen = try LoopbackServer { _ in .answer(200) }
    let sender = try await SNSSender()
    let now = Date()  // after the certificate was made
    let fetching = AnyCertificate(sender.certificate)
    try await RunningReceiver.with([SNSSender.route], fetching: fetching, now: { now }) {
      server async throws in
      for endpoint in ["http://127.0.0.1:\(seen.port)/", "http://127.0.0.1:\(server.port)/aws-sns"] {
        _ = try await call(
          port,
          [
            "Action": "Subscribe", "TopicArn": SNSSender.topic, "Protocol": "http", "Endpoint": endpoint,
            "Version": "2010-03-31",
          ])
      }
      // moto posts to its subscribers before it answers.
      _ = try await call(
        port,
        [
          "Action": "Publish", "TopicArn": SNSSender.topic, "Message": #"{"leak":1}"#, "Subject": "Leak",
          "Version": "2010-03-31",
        ])
      let metrics = try await server.send(RawRequest("/metrics", method: "GET")).body
      #expect(
        metrics.contains(#"staunch_receiver_deliveries_total{route="/aws-sns",status="401"} 1"#), "\(metrics)"
      )
      let request = try #require(
        seen.requests.last { String(decoding: $0.body, as: UTF8.self).contains("leak") })
      var members: [String: String] = [:]
      for (name, value) in try #require(try JSONValue(parsing: request.body).object) {
        members[name] = value.string
      }
      members["SigningCertURL"] = nil
      let body = try await sender.body(members)
      #expect(try await server.send(SNSSender.request(body)).status == 202)
      #expect(try server.deliveries().first?.id == members["MessageId"])
    }
    moto.stop()
  }
}

/// One certificate for every address of SNS.
struct AnyCertificate: Fetching {
  let pem: [UInt8]
  init(_ pem: [UInt8]) { self.pem = pem }
  func get(_ url: String, largest: Int, timeout: Duration) async throws(FetchError) -> [UInt8] { pem }
}
