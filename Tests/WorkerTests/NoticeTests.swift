import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Secrets
import Synchronization
import ResponseSupport
import TestSupport
import Testing

@testable import Response
@testable import Worker

/// What people are told of new incidents and of further places, how often, and in whose words.
@Suite struct NoticeTests {
  /// A tracker that keeps what it gets, and an installation that routes to it.
  private struct Site {
    let sink: LoopbackServer
    var rig: WorkerRig
    private let configuration: String

    /// - Parameters:
    ///   - routes: one a line; the tracker is `security`.
    ///   - critical: kinds that start at once.
    ///   - storm: more new incidents of one delivery are held.
    ///   - more: of the tracker's settings.
    init(
      _ routes: String = "- {playbook: generic-secret, tracker: security}",
      critical: String = "openai_api_key", storm: Int = 50, more: String = "",
      answer: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply = { _ in .json(200, "{}") }
    ) throws {
      let directory = try TemporaryDirectory()
      sink = try LoopbackServer(answer)
      try "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".write(
        toFile: directory.path("hook"), atomically: true, encoding: .utf8)
      configuration = """
        trackers:
          security: {kind: standard-webhooks, url: "\(sink.url)/hook", secret: "file:DIR/hook"\(more)}
        routes:
          \(routes)
        policy: {critical_kinds: [\(critical)], storm: {in_delivery: \(storm), per_provider: 1000}}
        """
      rig = try WorkerRig(configuration, in: directory)
    }

    /// Another process takes the worker's place.
    mutating func restart() throws {
      rig = try WorkerRig(configuration, in: rig.directory, at: rig.clock.now)
    }

    func report(_ findings: [(name: String, path: String)], id: String, validity: String? = nil) async throws
    {
      let findings = findings.map { name, path in
        var finding: [String: JSONValue] = [
          "kind": "openai_api_key", "value": .string(FakeSecrets.value("openai_api_key", name)),
          "repository": "acme/app", "path": .string(path), "line": 1,
        ]
        finding["validity"] = validity.map { .string($0) }
        return JSONValue.object(finding)
      }
      _ = try await rig.deliver(["schema": "staunch.findings/1", "findings": .array(findings)], id: id)
    }

    /// What arrived, in order.
    var messages: [JSONValue] {
      sink.requests.compactMap { try? JSONValue(parsing: $0.body) }  // none is no JSON
    }
    var types: [String] { messages.compactMap { $0["type"]?.string } }
    var titles: [String] { messages.compactMap { $0["data"]?["title"]?.string } }
    var bodies: [String] { messages.compactMap { $0["data"]?["body"]?.string } }

    func plan() throws -> String {
      try #require(try rig.events([.planSaved]).last?.body["plan"]?.string)
    }
  }

  private static func many(_ count: Int) -> [(name: String, path: String)] {
    (0..<count).map { ("many \($0)", "src/\($0).py") }
  }

  // MARK: one incident

  @Test func `a new incident is told once: what it is, which plan waits and what to type`() async throws {
    let site = try Site()
    try await site.report([("one", "a.py"), ("one", "b.py")], id: "1")
    try await site.rig.work()
    let incident = try #require(try site.rig.incidents().first)
    #expect(site.types == ["incident.detected"])
    let message = try #require(site.messages.first?["data"])
    #expect(message["incident"]?.string == incident.rawValue)
    #expect(message["title"]?.string?.hasSuffix("(openai_api_key)") == true)
    let body = try #require(message["body"]?.string)
    #expect(body.contains("2 places in `acme/app`"), "\(body)")
    #expect(body.contains("\(try site.plan()) waits for approval."), "\(body)")
    #expect(body.contains("`staunch show \(incident)`"), "\(body)")
    try await site.report([("one", "a.py")], id: "2")
    site.rig.clock.advance(7200)
    try await site.rig.work()
    #expect(site.messages.count == 1)
    site.sink.stop()
  }

  @Test func `what is only recorded says why`() async throws {
    let site = try Site("- {playbook: generic-secret, tracker: security, autonomy: record}")
    try await site.report([("one", "a.py")], id: "1")
    try await site.rig.work()
    #expect(site.types == ["incident.detected"])
    #expect(site.bodies.first?.contains("Recorded only: the route at") == true, "\(site.bodies)")
    try await site.report([("two", "a.py")], id: "2", validity: "inactive")
    try await site.rig.work()
    #expect(site.bodies.last?.contains("has seen the credential refused") == true, "\(site.bodies)")
    site.sink.stop()
  }

  @Test func `what cannot be planned says why and how to mend it`() async throws {
    let site = try Site("- {playbook: openai-api-key, tracker: security}")
    try await site.report([("one", "a.py")], id: "1")
    try await site.rig.work()
    #expect(site.bodies.first?.contains("No plan could be made: ") == true, "\(site.bodies)")
    #expect(site.bodies.first?.contains("Fix: ") == true, "\(site.bodies)")
    site.sink.stop()
  }

  @Test func `what the policy carries out by itself is named`() async throws {
    let site = try Site(
      "- {playbook: generic-secret, tracker: security, autonomy: contain, actions: [notify.send]}")
    try await site.report([("one", "a.py")], id: "1", validity: "active")
    try await site.rig.work()
    #expect(
      site.bodies.first?.contains("The policy lets notify.send of \(try site.plan()) go ahead") == true,
      "\(site.bodies)")
    site.sink.stop()
  }

  @Test func `people hear of it after the pause in which further places gather, with all of them`()
    async throws
  {
    let site = try Site(critical: "")
    try await site.report([("one", "a.py")], id: "1")
    try await site.rig.work()
    #expect(site.messages.isEmpty)
    site.rig.clock.advance(10)
    try await site.report([("one", "b.py")], id: "2")
    try await site.rig.work()
    site.rig.clock.advance(200)
    #expect(await site.rig.worker.hasNews())
    try await site.rig.work()
    #expect(site.types == ["incident.detected"])
    #expect(site.bodies.first?.contains("2 places") == true)
    site.rig.clock.advance(7200)
    try await site.rig.work()
    #expect(site.messages.count == 1)
    try await site.report([("one", "c.py")], id: "3")
    try await site.rig.work()
    #expect(site.titles.last?.hasPrefix("+1 place: ") == true, "\(site.titles)")
    site.sink.stop()
  }

  @Test func `a route without a tracker tells nobody, and that is no error`() async throws {
    let site = try Site("- {playbook: generic-secret}")
    try await site.report([("one", "a.py")], id: "1")
    try await site.rig.work()
    try await site.report([("one", "b.py")], id: "2")
    try await site.rig.work()
    #expect(try site.rig.incidents().count == 1)
    #expect(try site.rig.installation.journal.outbox().isEmpty)
    site.sink.stop()
  }

  @Test func `a trap is told to somebody in any case, in a storm too`() async throws {
    let site = try Site(
      """
      - {when: {kind: stripe_secret_key}, playbook: generic-secret, tracker: security}
        - {playbook: generic-secret}
      """, storm: 3)
    try await site.report(Self.many(5), id: "1")
    try await site.report([("trap", "t.py")], id: "2", validity: "canary")
    try await site.rig.work()
    let traps = site.titles.filter { $0.hasPrefix("A trap was reported") }
    #expect(traps.count == 1, "\(site.titles)")
    #expect(site.types.sorted() == ["incident.detected", "incident.opened"], "the storm's and the trap's")
    #expect(site.bodies.contains { $0.contains("would burn the trap") })
    try await site.rig.work()
    #expect(site.messages.count == 2)
    site.sink.stop()
  }

  @Test func `a public tracker hears nothing that an attacker could use`() async throws {
    let site = try Site(more: ", public: true")
    try await site.report([("one", "a.py")], id: "1")
    try await site.report(Self.many(26), id: "2")
    try await site.rig.work()
    site.rig.clock.advance(1000)
    try await site.report([("one", "b.py")], id: "3")
    try await site.rig.work()
    #expect(site.types == ["incident.detected", "incident.detected", "incident.updated"])
    #expect(Set(site.titles) == ["Credential hygiene task"])
    #expect(Set(site.bodies) == ["Routine credential maintenance is in progress. Details follow."])
    site.sink.stop()
  }

  @Test func `a name out of a report cannot address people or draw a link`() {
    let text = NoticeText.plain("@dev `x` <!channel> [a](http://e.example)\u{202E}\n")
    #expect(text == "(at)dev x channel a(http://e.example)\\u{202e}\\u{a}".replacing("\\", with: ""))
  }

  // MARK: many at once

  @Test func `25 new incidents of one report have a message each`() async throws {
    let site = try Site()
    try await site.report(Self.many(25), id: "1")
    try await site.rig.work()
    #expect(site.messages.count == 25)
    #expect(Set(site.messages.compactMap { $0["data"]?["incident"]?.string }).count == 25)
    #expect(try site.rig.events([.decision]).isEmpty)
    site.sink.stop()
  }

  @Test func `26 of one report are one message with ten in full, and one record`() async throws {
    let site = try Site()
    try await site.report(Self.many(26), id: "1")
    try await site.report([("alone", "z.py")], id: "2")
    try await site.rig.work()
    #expect(site.types == ["incident.detected", "incident.detected"], "another report counts for itself")
    let summary = try #require(site.bodies.first { $0.contains("- and 16 more") })
    #expect(summary.components(separatedBy: "staunch show inc-").count - 1 == 10)
    #expect(summary.components(separatedBy: "waits for approval").count - 1 == 10)
    let records = try site.rig.events([.decision])
    #expect(records.count == 1)
    #expect(records.first?.body["incidents"]?.array?.count == 26)
    #expect(records.first?.body["role"]?.string == "policy", "no act of a person")
    let parent = try #require(records.first?.body["batch"]?.string)
    #expect(site.messages.contains { $0["data"]?["incident"]?.string == parent })
    site.rig.clock.advance(7200)
    try await site.rig.work()
    #expect(site.messages.count == 2)
    site.sink.stop()
  }

  @Test func `a summary begins with the worst and waits until all of them are decided`() async throws {
    let site = try Site(critical: "")
    try await site.report(
      Self.many(26) + [("many 25", "src/25.py")], id: "1")
    try await site.rig.work()
    #expect(site.messages.isEmpty)
    // One of them works: it is planned at once.
    try await site.report([("many 25", "src/25.py"), ("many 25", "more.py")], id: "2", validity: "active")
    try await site.rig.work()
    #expect(try site.rig.plans() == 1)
    #expect(site.messages.isEmpty)
    site.rig.clock.advance(200)
    try await site.rig.work()
    #expect(site.messages.count == 1)
    let worst = try #require(try site.rig.events([.planSaved]).first?.incident)
    let first = site.bodies.first?.split(separator: "\n").first.map(String.init)
    #expect(first?.contains(worst.rawValue) == true, "\(site.bodies)")
    site.sink.stop()
  }

  @Test func `while a storm is held nothing but its own notice is sent, and afterwards one summary`()
    async throws
  {
    let site = try Site(storm: 30)
    try await site.report([("before", "a.py")], id: "0")
    try await site.rig.work()
    try await site.report(Self.many(31), id: "1")
    try await site.rig.work()
    try await site.report([("many 1", "elsewhere.py"), ("before", "b.py")], id: "2")
    site.rig.clock.advance(7200)
    try await site.rig.work()
    #expect(site.types == ["incident.detected", "incident.opened", "incident.updated"])
    #expect(
      site.titles.last == "32 incidents still wait for a person", "nobody came for an hour: \(site.titles)")
    try Storm(journal: site.rig.installation.journal, configuration: site.rig.installation.configuration)
      .release(because: "I looked", role: "responder")
    try await site.rig.work()
    #expect(site.types.suffix(2).sorted() == ["incident.detected", "incident.updated"])
    #expect(site.titles.contains("31 leaked secrets were reported at once"), "\(site.titles)")
    #expect(site.messages.count == 5)
    site.sink.stop()
  }

  // MARK: further places

  @Test func `further places are told at most once in fifteen minutes, counted, with the total`() async throws
  {
    let site = try Site()
    try await site.report([("one", "a.py")], id: "1")
    try await site.rig.work()
    try await site.report([("one", "b.py"), ("one", "c.py")], id: "2")
    try await site.rig.work()
    site.rig.clock.advance(600)
    try await site.report([("one", "d.py")], id: "3")
    try await site.rig.work()
    #expect(site.messages.count == 1)
    site.rig.clock.advance(299)
    #expect(await !site.rig.worker.hasNews())
    site.rig.clock.advance(1)
    #expect(await site.rig.worker.hasNews(), "the end of the pause alone makes it due")
    try await site.rig.work()
    #expect(site.types == ["incident.detected", "incident.updated"])
    #expect(site.titles.last?.hasPrefix("+3 places: ") == true, "\(site.titles)")
    #expect(site.bodies.last?.contains("4 places in all") == true, "\(site.bodies)")
    #expect(site.bodies.last?.contains("waits for approval") == true, "\(site.bodies)")
    // From there the pause begins anew, and only what is new is counted.
    try await site.report([("one", "e.py")], id: "4")
    site.rig.clock.advance(899)
    try await site.rig.work()
    #expect(site.messages.count == 2)
    site.rig.clock.advance(1)
    try await site.rig.work()
    #expect(site.titles.last?.hasPrefix("+1 place: ") == true, "\(site.titles)")
    #expect(site.bodies.last?.contains("5 places in all") == true, "\(site.bodies)")
    site.rig.clock.advance(7200)
    try await site.rig.work()
    #expect(site.messages.count == 3)
    site.sink.stop()
  }

  @Test func `a restart keeps the pace and repeats nothing`() async throws {
    var site = try Site()
    try await site.report([("one", "a.py")], id: "1")
    try await site.report(Self.many(26), id: "2")
    try await site.rig.work()
    try await site.report([("one", "b.py"), ("many 3", "b.py")], id: "3")
    try await site.rig.work()
    site.rig.clock.advance(800)
    try site.restart()
    try await site.rig.work()
    #expect(site.messages.count == 2)
    site.rig.clock.advance(98)
    try await site.rig.work()
    #expect(site.messages.count == 2)
    site.rig.clock.advance(3)
    #expect(await site.rig.worker.hasNews())
    try await site.rig.work()
    #expect(site.types.suffix(2) == ["incident.updated", "incident.updated"])
    #expect(site.titles.suffix(2).allSatisfy { $0.hasPrefix("+1 place: ") }, "\(site.titles)")
    try site.restart()
    try await site.rig.work()
    #expect(site.messages.count == 4)
    // What was told before is not counted again.
    site.rig.clock.advance(901)
    try await site.report([("one", "c.py")], id: "4")
    try await site.rig.work()
    #expect(site.messages.count == 5)
    #expect(site.titles.last?.hasPrefix("+1 place: ") == true, "\(site.titles)")
    site.sink.stop()
  }

  @Test func `an update that nobody could send is replaced by one that counts its places too`() async throws {
    let isDown = Flag()
    let site = try Site { _ in isDown.value ? .json(503, "{}") : .json(200, "{}") }
    isDown.value = true
    try await site.report([("one", "a.py")], id: "1")
    try await site.rig.work()
    for (number, path) in ["b.py", "c.py"].enumerated() {
      try await site.report([("one", path)], id: "more \(number)")
      site.rig.clock.advance(901)
      try await site.rig.work()
    }
    let waiting = try site.rig.installation.journal.outbox(undelivered: true)
    #expect(waiting.map(\.message.event) == [.detected, .updated])
    #expect(waiting.last?.message.title.hasPrefix("+2 places: ") == true, "\(waiting)")
    site.sink.stop()
  }

  @Test func `a message that is tried again forgets no place and begins no new pause`() async throws {
    let isDown = Flag()
    let site = try Site { _ in isDown.value ? .json(503, "{}") : .json(200, "{}") }
    isDown.value = true
    try await site.report([("one", "a.py")], id: "1")
    try await site.rig.work()
    try await site.report([("one", "b.py")], id: "2")
    try await site.rig.work()
    site.rig.clock.advance(600)
    // It fails once more, and is queued once more.
    try await site.rig.work()
    isDown.value = false
    site.rig.clock.advance(300)
    try await site.rig.work()
    #expect(site.titles.last?.hasPrefix("+1 place: ") == true, "\(site.titles)")
    site.sink.stop()
  }

  @Test func `a closed incident's places are told by nobody`() async throws {
    let site = try Site()
    try await site.report([("one", "a.py")], id: "1")
    try await site.rig.work()
    try await site.report([("one", "b.py")], id: "2")
    try await site.rig.work()
    let incident = try #require(try site.rig.incidents().first)
    try site.rig.installation.journal.append(
      .incidentState, incident: incident, ["state": "closed", "reason": "done"])
    site.rig.clock.advance(7200)
    try await site.rig.work()
    #expect(site.messages.count == 1)
    site.sink.stop()
  }

  // MARK: crashes and old journals

  /// A delivery stands in the journal, and the worker died before it said anything.
  private static func journal(_ count: Int, in rig: WorkerRig, delivery: JSONValue?) throws {
    let state = try StateDirectory(rig.installation.statePath)
    let reading = DeliveryReading(key: try state.fingerprintKey())
    let report = WorkerRig.report(
      many(count).map { (FakeSecrets.value("openai_api_key", $0.name), $0.path) })
    let result = try reading.read(
      .init(report.canonicalText), name: "r", source: "report", id: "1", at: rig.clock.now)
    var desk = IncidentDesk(journal: rig.installation.journal)
    desk.delivery = delivery
    _ = try desk.record(result.incidents)
  }

  @Test(arguments: [2, 26])
  func `a crash after the journal forgets nobody and, after the queue, tells nobody twice`(count: Int)
    async throws
  {
    var site = try Site()
    try Self.journal(count, in: site.rig, delivery: ["id": "1"])
    try await site.rig.work()
    let told = count == 2 ? 2 : 1
    #expect(site.messages.count == told)
    try site.restart()
    try await site.rig.work()
    #expect(site.messages.count == told)
    #expect(try site.rig.events([.decision]).count == (count == 2 ? 0 : 1))
    site.sink.stop()
  }

  @Test func `a crash between a summary's record and its message makes no second record`() async throws {
    var site = try Site()
    try Self.journal(26, in: site.rig, delivery: ["id": "1"])
    let parent = NoticeID.parent(of: .init(delivery: #"{"id":"1"}"#, isTrap: false))
    try site.rig.installation.journal.append(
      .decision,
      [
        "what": "batch", "message": .string(NoticeID.summary(parent, at: "security")), "role": "policy",
        "incidents": .array(try site.rig.incidents().map { .string($0.rawValue) }),
      ])
    try await site.rig.work()
    #expect(site.messages.count == 1)
    #expect(try site.rig.events([.decision]).count == 1)
    try site.restart()
    try await site.rig.work()
    #expect(site.messages.count == 1)
    site.sink.stop()
  }

  @Test func `what was not delivered, or by an older version, is not told`() async throws {
    let site = try Site()
    try Self.journal(2, in: site.rig, delivery: nil)
    try await site.rig.work()
    #expect(try site.rig.plans() == 2)
    #expect(site.messages.isEmpty)
    // A delivery that finds it again tells of the growth.
    try await site.report([("many 0", "more.py")], id: "1")
    try await site.rig.work()
    #expect(site.titles.count == 1)
    #expect(site.titles.first?.hasPrefix("+1 place: ") == true, "\(site.titles)")
    site.sink.stop()
  }
}

/// A word that one thread sets and others read.
final class Flag: Sendable {
  private let word = Mutex(false)
  var value: Bool {
    get { word.withLock { $0 } }
    set { word.withLock { $0 = newValue } }
  }
}
