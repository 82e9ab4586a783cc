import Capabilities
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

@testable import TicketSystems

@Suite struct StandardWebhookTests {
  private static let moment = Date(timeIntervalSince1970: 1_614_265_330)

  private static func tracker(
    _ url: String, _ more: [String: JSONValue] = [:], _ secrets: [String: Secret] = [:]
  )
    throws -> StandardWebhook
  {
    let settings: [String: JSONValue] = ["url": .string(url), "secret": "env:W"]
    return try StandardWebhook(
      TargetConfiguration(
        name: "hook", kind: "standard-webhooks", settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(),
        secrets: ["env:W": Secret("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")].merging(secrets) { _, new in
          new
        },
        now: { moment }))
  }

  static func message(
    _ event: TicketMessage.Event = .opened, body: String = "Contained.", sequence: Int = 1,
    id: String = "msg_1"
  ) -> TicketMessage {
    TicketMessage(
      id: id, incident: "inc-1", event: event, sequence: sequence, title: "Amber Heron", body: body,
      severity: .sev2,
      isDrill: false, at: moment)
  }

  @Test func `the specification's own example signs to the same bytes`() throws {
    // https://github.com/standard-webhooks/standard-webhooks, libraries' test vector.
    let key = try StandardWebhook.key(Secret("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    let signature = StandardWebhook.signature(
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek", seconds: 1_614_265_330,
      payload: Array(#"{"test": 2432232314}"#.utf8),
      key: key)
    #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
  }

  @Test func `a message arrives signed, with its id, and reads as documented`() async throws {
    let server = try LoopbackServer { _ in .answer(202) }
    _ = try await Self.tracker(server.url + "/hook").deliver(Self.message(), to: nil, under: .forTests())
    let request = try #require(server.requests.first)
    #expect(request.headers["webhook-id"] == "msg_1")
    #expect(request.headers["idempotency-key"] == "msg_1")
    #expect(request.headers["webhook-timestamp"] == "1614265330")
    let key = try StandardWebhook.key(Secret("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    #expect(
      request.headers["webhook-signature"]
        == StandardWebhook.signature(
          id: "msg_1", seconds: 1_614_265_330, payload: Array(request.body), key: key))
    let json = try JSONValue(parsing: request.body)
    #expect(json["type"] == "incident.opened")
    #expect(json["data"]?["incident"] == "inc-1")
    #expect(json["data"]?["severity"] == "sev2")
    #expect(json["data"]?["drill"] == false)
  }

  @Test func `each event is a type of its own`() {
    let events: [TicketMessage.Event] = [.detected, .opened, .contained, .updated, .closed]
    let types = events.compactMap { event in
      // What is no JSON has no type.
      try? JSONValue(parsing: StandardWebhook.payload(Self.message(event)))["type"]?.string
    }
    #expect(
      types == [
        "incident.detected", "incident.opened", "incident.contained", "incident.updated", "incident.closed",
      ])
  }

  @Test func `while the secret changes over both sign`() async throws {
    let server = try LoopbackServer { _ in .answer(200) }
    let tracker = try Self.tracker(
      server.url, ["old_secret": "env:OLD"], ["env:OLD": Secret("raw-old-secret")])
    _ = try await tracker.deliver(Self.message(), to: nil, under: .forTests())
    let signatures = server.requests.first?.headers["webhook-signature"]?.split(separator: " ") ?? []
    #expect(signatures.count == 2)
    #expect(Set(signatures).count == 2)
  }

  @Test(arguments: [
    (301, CapabilityError.Class.configuration), (400, .invalid), (401, .refused), (404, .notFound),
    (408, .timeout), (410, .configuration), (429, .rateLimit), (500, .serverError), (503, .serverError),
  ])
  func `each refusal has its class`(status: Int, expected: CapabilityError.Class) async throws {
    let server = try LoopbackServer { _ in
      .answer(status, headers: ["retry-after": "7", "location": "http://127.0.0.1:1/"])
    }
    let error = await #expect(throws: CapabilityError.self) {
      try await Self.tracker(server.url + "/secret-path").deliver(Self.message(), to: nil, under: .forTests())
    }
    #expect(error?.class == expected)
    #expect(error?.description.contains("secret-path") == false)
    if status == 429 { #expect(error?.retryAfter == .seconds(7)) }
    #expect(server.requests.count == 1)
  }

  @Test func `a lost reply leaves the outcome unknown, and the repetition has the same id`() async throws {
    let server = try LoopbackServer { _ in .hangUp }
    let tracker = try Self.tracker(server.url)
    for _ in 0..<2 {
      let error = await #expect(throws: CapabilityError.self) {
        try await tracker.deliver(Self.message(), to: nil, under: .forTests())
      }
      #expect(error?.class == .unknownOutcome)
    }
    #expect(Set(server.requests.map { $0.headers["webhook-id"] }).count == 1)
    #expect(tracker.isIdempotent)
    #expect(!tracker.canLookUp)
  }

  @Test(arguments: ["x", "\"\\\n", "é"])
  func `a long body is shortened below the receivers' limit`(character: String) throws {
    let message = Self.message(body: String(repeating: character, count: 60_000))
    let payload = StandardWebhook.payload(message)
    #expect(payload.count <= 19_000)
    #expect(payload.count > 9_000)
    #expect(try JSONValue(parsing: payload)["data"]?["body"]?.string?.hasSuffix("[shortened]") == true)
  }

  @Test func `a signing secret that is cut short is refused without being shown`() {
    let error = #expect(throws: CapabilityError.self) { try StandardWebhook.key(Secret("whsec_AAAA")) }
    #expect(error?.class == .configuration)
    #expect(error?.description.contains("AAAA") == false)
  }
}
