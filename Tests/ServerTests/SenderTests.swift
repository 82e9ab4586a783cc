import Cryptography
import Foundation
import Inbox
import JSON
import Secrets
import TestSupport
import Testing

@testable import Server

/// Each sender, as it really signs, against the running server.
@Suite(.timeLimit(.minutes(3))) struct SenderTests {
  static let stored: [RouteKind] = RouteKind.allCases.filter {
    TestKeys.request($0) != nil && $0 != .slack
  }

  @Test(arguments: stored)
  func `a signed delivery is stored, sealed and acknowledged without a body`(kind: RouteKind) async throws {
    try await RunningReceiver.with([TestKeys.route(kind)]) { server async throws in
      let request = try #require(TestKeys.request(kind))
      let response = try await server.send(request)
      #expect(response.status == (kind == .gitlabRevocation ? 204 : 202))
      #expect(response.body.isEmpty)
      let delivery = try #require(try server.deliveries().first)
      #expect(delivery.source == kind.rawValue)
      #expect(delivery.body.exposeAsBytes() == request.body)
      #expect(delivery.receivedAt == Date(timeIntervalSince1970: TestKeys.now))
      try Self.expectSealed(server, String(decoding: request.body, as: UTF8.self))
    }
  }

  /// Looks for the text, and any secret of it, in every file beside the exchange file.
  static func expectSealed(_ server: RunningReceiver, _ text: String) throws {
    for name in try FileManager.default.subpathsOfDirectory(atPath: server.directory.path) {
      guard let bytes = FileManager.default.contents(atPath: server.directory.path(name)) else { continue }
      for form in SecretForms.all(of: Secret(text)) + SecretForms.all(of: Secret(TestKeys.key)) {
        #expect(bytes.range(of: Data(form)) == nil, "\(name)")
      }
    }
  }

  @Test(arguments: stored)
  func `a delivery that comes again is acknowledged without work`(kind: RouteKind) async throws {
    try await RunningReceiver.with([TestKeys.route(kind)]) { server async throws in
      let request = try #require(TestKeys.request(kind))
      let first = try await server.send(request)
      let second = try await server.send(request)
      #expect(first.status == second.status)
      #expect(try server.deliveries().count == 1)
    }
  }

  @Test(arguments: RouteKind.allCases.filter { TestKeys.request($0) != nil })
  func `whoever cannot prove itself gets one constant answer`(kind: RouteKind) async throws {
    try await RunningReceiver.with([TestKeys.route(kind)]) { server async throws in
      let good = try #require(TestKeys.request(kind))
      var answers: Set<String> = []
      var changed = good
      changed.body += [0x20]
      let tokenOnly: Set<RouteKind> = [.gitlab, .gitlabRevocation, .alertmanager, .cloudEvents, .report]
      let proofs = [
        "X-Hub-Signature-256", "X-Gitlab-Token", "Authorization", "Gitguardian-Signature",
        "webhook-signature",
        "X-PagerDuty-Signature", "X-Slack-Signature",
      ]
      let name = try #require(proofs.first { proof in good.fields.contains { $0.0 == proof } })
      var attempts = [
        good.with(name, nil), good.with(name, "sha256=" + String(repeating: "0", count: 64)),
        good.with(name, ""),
        good.with(name, "Bearer "), good.with(name, "v1="),
      ]
      if !tokenOnly.contains(kind) { attempts.append(changed) }
      for attempt in attempts {
        let response = try await server.send(attempt)
        #expect(response.status == 401)
        answers.insert(response.body)
      }
      var twice = good
      twice.fields.append((name, good.fields.first { $0.0 == name }?.1 ?? ""))
      #expect(try await server.send(twice).status == 401)
      #expect(answers == ["unauthorized\n"])
      #expect(try server.deliveries().isEmpty)
    }
  }

  @Test(arguments: [RouteKind.gitguardian, .slack, .standardWebhooks])
  func `a signed time that is more than 300 seconds away is refused`(kind: RouteKind) async throws {
    try await RunningReceiver.with([TestKeys.route(kind)]) { server async throws in
      for (away, status) in [(-301, 401), (301, 401)] {
        let request = try #require(TestKeys.request(kind, at: Int(TestKeys.now) + away))
        #expect(try await server.send(request).status == status)
      }
      let request = try #require(TestKeys.request(kind, at: Int(TestKeys.now) - 299))
      #expect(try await server.send(request).status < 300)
    }
  }

  @Test func `a GitHub form is stored as the JSON that it carries`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      let request = TestKeys.github("payload=%7B%22action%22%3A%22created%22%7D&x=1")
        .with("Content-Type", "application/x-www-form-urlencoded")
      #expect(try await server.send(request).status == 202)
      #expect(try server.deliveries().first?.body.exposeAsText() == #"{"action":"created"}"#)
    }
  }

  @Test func `a ping is 200, and an event that nobody needs is 202, without work`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      #expect(try await server.send(TestKeys.github(#"{"zen":"x"}"#, event: "ping")).status == 200)
      #expect(try await server.send(TestKeys.github(#"{"a":1}"#, event: "star")).status == 202)
      #expect(try server.deliveries().isEmpty)
    }
  }

  @Test(arguments: [
    "secret_scanning_alert", "secret_scanning_alert_location", "secret_scanning_scan",
    "bypass_request_secret_scanning",
  ])
  func `GitHub's events about secrets are stored with their name`(event: String) async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      #expect(try await server.send(TestKeys.github(event: event)).status == 202)
      #expect(try server.deliveries().first?.event == event)
    }
  }

  @Test func `GitHub's unsigned delivery id does not let a body in twice`() async throws {
    try await RunningReceiver.with([TestKeys.route(.github)]) { server async throws in
      #expect(try await server.send(TestKeys.github(id: "1")).status == 202)
      #expect(try await server.send(TestKeys.github(id: "2")).status == 202)
      #expect(try server.deliveries().count == 1)
    }
  }

  @Test func `addresses in a payload are never asked`() async throws {
    let inside = try LoopbackServer { _ in .answer(200) }
    try await RunningReceiver.with([TestKeys.route(.github)], fetching: CurlFetching()) {
      server async throws in
      let body = #"{"alert":{"number":1,"url":"\#(inside.url)/a","locations_url":"\#(inside.url)/b"}}"#
      #expect(try await server.send(TestKeys.github(body)).status == 202)
      #expect(try server.deliveries().count == 1)
    }
    #expect(inside.requests.isEmpty)
  }

  @Test func `GitLab's signature is checked even beside a good token`() async throws {
    var route = TestKeys.route(.gitlab)
    route.signingKeys = [.inherited("signing")]
    try await RunningReceiver.with([route]) { server async throws in
      let token = try #require(TestKeys.request(.gitlab))
      #expect(try await server.send(token).status == 202)
      let bad = token.with("webhook-id", "1").with("webhook-timestamp", "\(Int(TestKeys.now))")
        .with("webhook-signature", "v1,AAAA")
      #expect(try await server.send(bad).status == 401)
    }
  }

  @Test func `GitLab learns which token types it may send`() async throws {
    try await RunningReceiver.with([TestKeys.route(.gitlabRevocation)]) { server async throws in
      let path = "/gitlab-revocation/v1/revocable_token_types"
      let response = try await server.send(RawRequest(path, [("Authorization", TestKeys.key)], method: "GET"))
      #expect(response.status == 200)
      #expect(response.body == #"{"types":["gitleaks_rule_id_aws"]}"#)
      #expect(try await server.send(RawRequest(path, [], method: "GET")).status == 401)
    }
  }

  @Test func `CloudEvents' handshake is granted to known origins only`() async throws {
    try await RunningReceiver.with([TestKeys.route(.cloudEvents)]) { server async throws in
      func ask(_ origin: String) async throws -> RawResponse {
        try await server.send(
          RawRequest("/cloudevents", [("WebHook-Request-Origin", origin)], method: "OPTIONS"))
      }
      let granted = try await ask("eventemitter.example.org")
      #expect(granted.status == 200)
      #expect(granted.fields["webhook-allowed-origin"] == "eventemitter.example.org")
      let other = try await ask("evil.example.org")
      #expect(other.status == 405)
      #expect(other.fields["webhook-allowed-origin"] == nil)
    }
  }

  @Test func `a structured CloudEvent is known by its source and id`() async throws {
    try await RunningReceiver.with([TestKeys.route(.cloudEvents)]) { server async throws in
      func event(_ id: String, _ data: Int) -> RawRequest {
        RawRequest(
          "/cloudevents",
          [
            ("Content-Type", "application/cloudevents+json; charset=utf-8"),
            ("Authorization", "Bearer " + TestKeys.key),
          ],
          body: #"{"specversion":"1.0","id":"\#(id)","source":"/s","type":"t","data":\#(data)}"#)
      }
      #expect(try await server.send(event("1", 1)).status == 202)
      #expect(try await server.send(event("1", 2)).status == 202)
      #expect(try await server.send(event("2", 3)).status == 202)
      #expect(try server.deliveries().map(\.id) == ["/s 1", "/s 2"])
    }
  }

  @Test func `each event of a batch is a delivery of its own, and a batch that holds a bad one is none`()
    async throws
  {
    try await RunningReceiver.with([TestKeys.route(.cloudEvents)]) { server async throws in
      func batch(_ events: String) -> RawRequest {
        RawRequest(
          "/cloudevents",
          [
            ("Content-Type", "application/cloudevents-batch+json"),
            ("Authorization", "Bearer " + TestKeys.key),
          ], body: "[\(events)]")
      }
      let first = #"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"b":1,"a":2}}"#
      #expect(
        try await server.send(batch(first + "," + first.replacing("\"1\",", with: "\"2\","))).status == 202)
      #expect(try await server.send(batch(first)).status == 202)
      #expect(try await server.send(batch("")).status == 202)
      #expect(try await server.send(batch(first.replacing("\"1\",", with: "\"3\",") + ",{}")).status == 400)
      let large = batch(Array(repeating: "{}", count: 1001).joined(separator: ","))
      #expect(try await server.send(large).status == 413)
      let stored = try server.deliveries()
      #expect(stored.map(\.id) == ["/s 1", "/s 2"])
      #expect(stored.allSatisfy { $0.contentType == "application/cloudevents+json" && $0.event == "t" })
      let body = try JSONValue(parsing: try #require(stored.first).body.exposeAsBytes())
      #expect(try body == JSONValue(parsing: first))
    }
  }

  @Test func `two binary CloudEvents may say the same`() async throws {
    try await RunningReceiver.with([TestKeys.route(.cloudEvents)]) { server async throws in
      for id in ["1", "2", "1"] {
        let event = RawRequest(
          "/cloudevents",
          [
            ("Content-Type", "application/json"), ("Authorization", "Bearer " + TestKeys.key), ("ce-id", id),
            ("ce-source", "/s"), ("ce-type", "t"), ("ce-specversion", "1.0"),
          ], body: #"{"same":true}"#)
        #expect(try await server.send(event).status == 202)
      }
      #expect(try server.deliveries().map(\.id) == ["/s 1", "/s 2"])
    }
  }

  @Test func `Alertmanager may use Basic authentication`() async throws {
    try await RunningReceiver.with([TestKeys.route(.alertmanager)]) { server async throws in
      let request = try #require(TestKeys.request(.alertmanager))
      let good = Data("prometheus:\(TestKeys.key)".utf8).base64EncodedString()
      #expect(try await server.send(request.with("Authorization", "Basic " + good)).status == 202)
      let bad = Data("prometheus:x".utf8).base64EncodedString()
      #expect(try await server.send(request.with("Authorization", "Basic " + bad)).status == 401)
    }
  }

  @Test func `Slack gets the open incidents, with its markup escaped`() async throws {
    try await RunningReceiver.with(
      [TestKeys.route(.slack)],
      prepare: { inbox in
        try inbox.publish([
          (
            "incident", "INC-1",
            [
              "id": "INC-1", "codename": "calm-otter-000001", "kind": "openai_api_key", "severity": "sev2",
              "state": "open", "next": ["text": "look at <!channel>\u{202E}"],
            ]
          ),
          ("incident", "INC-2", ["id": "INC-2", "state": "closed"]),
        ])
      }
    ) { server async throws in
      let response = try await server.send(try #require(TestKeys.request(.slack)))
      #expect(response.status == 200)
      let text = try JSONValue(parsing: response.body)["text"]?.string
      #expect(
        text
          == "1 open:\n• INC-1 · calm-otter-000001 · openai_api_key · sev2 · open · look at &lt;!channel&gt;")
    }
  }

  @Test func `the partner program's keys come from the configured API, once a minute at most`() async throws {
    let partner = try await PartnerKey()
    let list =
      #"{"public_keys":[{"key_identifier":"k1","key":\#(JSONValue.string(partner.publicKey).canonicalText),"is_current":true}]}"#
    let fetching = TableFetching([
      "https://api.example.org/meta/public_keys/secret_scanning": Array(list.utf8)
    ])
    try await RunningReceiver.with([TestKeys.route(.githubPartner)], fetching: fetching) {
      server async throws in
      func request(_ id: String, _ body: String) async throws -> RawRequest {
        let signature = try await partner.signature(of: body)
        return RawRequest(
          "/github-partner",
          [
            ("Content-Type", "application/json"), ("Github-Public-Key-Identifier", id),
            ("Github-Public-Key-Signature", signature),
          ], body: body)
      }
      let planted = FakeSecrets.value("npm_token")
      #expect(
        try await server.send(await request("k1", #"[{"token":"\#(planted)","type":"t","url":""}]"#)).status
          == 202)
      #expect(try await server.send(await request("k2", "[]")).status == 401)
      #expect(try await server.send(await request("k3", "[]")).status == 401)
      #expect(fetching.asked.count == 1)
      try Self.expectSealed(server, planted)
    }
  }
}

/// A P-256 key as GitHub's, made and used by `openssl`.
private struct PartnerKey {
  private let directory: TemporaryDirectory
  let publicKey: String

  init() async throws {
    directory = try TemporaryDirectory()
    _ = try await Program.run(
      ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem"],
      in: directory.path)
    publicKey = try await Program.run(["openssl", "ec", "-in", "key.pem", "-pubout"], in: directory.path)
  }

  func signature(of body: String) async throws -> String {
    let file = directory.path + "/" + UUID().uuidString
    try Data(body.utf8).write(to: URL(filePath: file))
    _ = try await Program.run(
      ["openssl", "dgst", "-sha256", "-sign", "key.pem", "-out", file + ".signature", file],
      in: directory.path)
    return try Data(contentsOf: URL(filePath: file + ".signature")).base64EncodedString()
  }
}
