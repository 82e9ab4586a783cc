import Capabilities
import Chronicle
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import People
import ResponseSupport
import TestSupport
import Testing

@testable import Response
@testable import Worker

/// Many findings, few responses.
@Suite struct FloodTests {
  /// Where messages arrive, and an installation that tells it about everything.
  private static func site(_ policy: String = "", prepare: (TemporaryDirectory) throws -> Void = { _ in })
    async throws -> (LoopbackServer, WorkerRig)
  {
    let directory = try TemporaryDirectory()
    let sink = try LoopbackServer { _ in .json(200, "{}") }
    try "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".write(
      toFile: directory.path("hook"), atomically: true, encoding: .utf8)
    try prepare(directory)
    let rig = try WorkerRig(
      """
      trackers:
        security: {kind: standard-webhooks, url: "\(sink.url)/hook", secret: "file:DIR/hook"}
      routes:
        - {playbook: generic-secret, tracker: security}
      policy: {critical_kinds: [openai_api_key]\(policy)}
      """, in: directory)
    return (sink, rig)
  }

  /// A report as a scanner writes it, one finding after the other.
  private static func report(_ count: Int, value: (Int) -> String) -> [UInt8] {
    var text = Array(#"{"schema":"staunch.findings/1","findings":["#.utf8)
    for index in 0..<count {
      if index > 0 { text.append(0x2C) }
      text += Array(
        (#"{"kind":"openai_api_key","value":""# + value(index)
          + #"","repository":"acme/app","path":"src/\#(index).py","line":1}"#).utf8)
    }
    return text + Array("]}".utf8)
  }

  private static func deliver(_ body: [UInt8], to rig: WorkerRig) async throws {
    _ = try await rig.inbox.append(
      NewDelivery(
        route: "/reports", source: "report", id: UUID().uuidString, isIDSigned: true, bodyDigest: "",
        receivedAt: rig.clock.now, body: body))
  }

  @Test func `50,000 findings of one secret are one incident and one plan`() async throws {
    let (sink, rig) = try await Self.site()
    let secret = FakeSecrets.value("openai_api_key", "flood")
    try await Self.deliver(Self.report(50_000) { _ in secret }, to: rig)
    try await rig.work()
    let opened = try rig.events([.incidentOpened])
    #expect(opened.count == 1)
    let places = opened.first?.body["locations"]?.array?.count ?? 0
    #expect(places + (opened.first?.body["further_findings"]?.integer ?? 0) == 50_000)
    #expect(try rig.plans() == 1)
    // The same report again brings nothing: one event says that it was seen.
    let before = try rig.installation.journal.head().sequence
    try await Self.deliver(Self.report(50_000) { _ in secret }, to: rig)
    try await rig.work()
    #expect(try rig.installation.journal.head().sequence == before + 1)
    #expect(try rig.events([.incidentUpdated]).last?.sighting?.places == 50_000)
    #expect(sink.requests.count == 1)
    sink.stop()
  }

  @Test func `10,000 secrets at once are a storm: everything is kept, nothing starts, one message is sent`()
    async throws
  {
    let (sink, rig) = try await Self.site()
    let start = "sk-" + "proj-" + String(repeating: "Ab3", count: 20)
    let end = "T3Blbk" + "FJ" + String(repeating: "x9Z", count: 20)
    try await Self.deliver(Self.report(10_000) { "\(start)\($0 + 10_000)\(end)" }, to: rig)
    try await rig.work()
    #expect(try rig.events([.incidentOpened]).count == 10_000)
    #expect(try rig.plans() == 0)
    #expect(try rig.events([.planSaved]).isEmpty)
    #expect(sink.requests.count == 1)
    #expect(
      try rig.inbox.document(kind: "storm", id: "current")?.document["text"]?.string?.contains("10000")
        == true)
    // A little more: still the same storm.
    try await Self.deliver(Self.report(100) { "\(start)\($0 + 90_000)\(end)" }, to: rig)
    try await rig.work()
    #expect(try rig.events([.incidentOpened]).count == 10_100)
    #expect(sink.requests.count == 1)
    sink.stop()
  }

  @Test func `a storm is released by a person's signature for this storm and reason, and by nothing else`()
    async throws
  {
    let maria = LocalIdentity()
    let (sink, rig) = try await Self.site(", storm: {in_delivery: 3}") { directory in
      try FileManager.default.createDirectory(
        atPath: directory.path("state"), withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      let trust: JSONValue = [
        "schema": 1,
        "people": [
          [
            "name": "maria", "key": .string(maria.publicKey.base64EncodedString()), "roles": ["responder"],
          ]
        ],
      ]
      try trust.canonicalText.write(
        toFile: directory.path("state/people.trust.json"), atomically: true, encoding: .utf8)
    }
    try await Self.deliver(Self.report(4) { FakeSecrets.value("openai_api_key", "storm \($0)") }, to: rig)
    try await rig.work()
    #expect(try rig.plans() == 0)
    let storm = try #require(try rig.inbox.document(kind: "storm", id: "current")?.document["id"]?.string)
    func say(_ reason: String, signed decision: SignedDecision?, by identity: LocalIdentity) async throws
      -> String?
    {
      var said = NewDecision(
        at: rig.clock.now, person: "maria", roles: ["responder"], kind: .acknowledge, text: reason,
        via: .password)
      if let decision {
        let word = try decision.signed(by: identity, role: "responder", at: rig.clock.now)
        said.approval = NewDecision.Signature(
          identity: word.identity, role: "responder", at: word.at, signature: word.signature)
      }
      let number = try await rig.inbox.append(said)
      try await rig.work()
      return try rig.inbox.outcome(ofDecision: number)
    }
    let right = SignedDecision.releaseStorm(storm: storm, reason: "a new rule")
    let wrong: [(String, SignedDecision?, LocalIdentity)] = [
      ("a new rule", nil, maria), ("another reason", right, maria), ("a new rule", right, LocalIdentity()),
      ("a new rule", .releaseStorm(storm: "storm-1", reason: "a new rule"), maria),
    ]
    for (reason, decision, identity) in wrong {
      #expect(try await say(reason, signed: decision, by: identity)?.hasPrefix("refused") == true)
      #expect(try rig.plans() == 0)
    }
    #expect(try await say("a new rule", signed: right, by: maria)?.hasPrefix("released") == true)
    #expect(try rig.plans() == 4)
    #expect(try rig.inbox.document(kind: "storm", id: "current") == nil)
    #expect(sink.requests.count == 5, "the storm's, and one for each incident after it")
    sink.stop()
  }
}
