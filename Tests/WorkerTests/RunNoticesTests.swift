import Capabilities
import Execution
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import Response
import ResponseSupport
import Synchronization
import TestSupport
import Testing

@testable import Worker

/// What people are told of runs that nobody sees at a terminal, and when nobody answers.
@Suite struct RunNoticesTests {
  /// An installation with a tracker and a second one, whose runs do what the test says.
  private final class Site: Sendable {
    typealias Course = @Sendable (Plan) throws -> [NewEvent]

    let rig: WorkerRig
    let sink: LoopbackServer
    let pager: LoopbackServer
    private let script: Script

    private final class Script: Sendable {
      private let courses = Mutex<[Course]>([])
      func add(_ course: @escaping Course) { courses.withLock { $0.append(course) } }
      func next() -> Course? { courses.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
    }

    init(_ policy: String = "", fault: @escaping Worker.Fault = { _, _ in }) throws {
      let directory = try TemporaryDirectory()
      let script = Script()
      self.script = script
      sink = try LoopbackServer { _ in .json(200, "{}") }
      pager = try LoopbackServer { _ in .json(200, "{}") }
      try "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".write(
        toFile: directory.path("hook"), atomically: true, encoding: .utf8)
      rig = try WorkerRig(
        """
        trackers:
          security: {kind: standard-webhooks, url: "\(sink.url)/hook", secret: "file:DIR/hook"}
          pager: {kind: standard-webhooks, url: "\(pager.url)/hook", secret: "file:DIR/hook"}
        routes:
          - {playbook: generic-secret, tracker: security}
        policy: {critical_kinds: [openai_api_key]\(policy)}
        """, in: directory, fault: fault,
        carryOn: { installation, plan, _ in
          guard let course = script.next() else { return }
          try installation.journal.append(course(plan))
        })
    }

    /// The next run does this; without one it does nothing.
    func run(_ course: @escaping Course) { script.add(course) }

    /// A report, and its plan.
    func plan() async throws -> Plan {
      let value = FakeSecrets.value("openai_api_key", "one")
      _ = try await rig.deliver(WorkerRig.report([(value, "a.py")]), id: "1")
      try await rig.work()
      return try Plan(json: try #require(try rig.installation.journal.plans().first).document)
    }

    func approve(_ plan: Plan) throws {
      let word = try rig.installation.identity.approve(
        plan.digest, role: "responder", at: rig.installation.now())
      try Approver(journal: rig.installation.journal, policy: rig.installation.policy)
        .record(word, for: plan, via: Worker.via)
    }

    func messages(_ server: LoopbackServer) -> [JSONValue] {
      server.requests.compactMap { try? JSONValue(parsing: $0.body)["data"] }  // none is no JSON
    }
    var titles: [String] { messages(sink).compactMap { $0["title"]?.string } }
    var pages: [String] { messages(pager).compactMap { $0["title"]?.string } }
    func stop() {
      sink.stop()
      pager.stop()
    }
  }

  private static func event(_ kind: EventKind, of plan: Plan, _ body: JSONValue) -> NewEvent {
    NewEvent(kind, run: plan.run, incident: plan.incident, body)
  }

  private static func began(_ plan: Plan) -> NewEvent {
    event(.runStarted, of: plan, ["mode": "live", "plan": .string(plan.id.rawValue)])
  }

  private static func waits(_ plan: Plan, _ subject: String, until: Date? = nil) -> [NewEvent] {
    var body: [String: JSONValue] = ["step": "go", "for": .string(subject), "prompt": "say yes"]
    body["until"] = until.map { .string(Timestamp.text($0)) }
    return [
      event(.stepWaiting, of: plan, .object(body)),
      event(.runEnded, of: plan, ["state": "waiting", "reason": "go: say yes"]),
    ]
  }

  private static let courses: [(name: String, course: Site.Course, title: String?)] = [
    (
      "failed", { [event(.runEnded, of: $0, ["state": "failed", "reason": "no connection"])] }, "A run failed"
    ),
    (
      "aborted", { [event(.runEnded, of: $0, ["state": "aborted", "reason": "a mistake"])] },
      "A run was taken back"
    ),
    ("done", { [event(.runEnded, of: $0, ["state": "done"])] }, nil),
    ("gate", { waits($0, "approval") }, "A gate is open"),
    ("manual", { waits($0, "manual") }, "A run waits for a person"),
    ("others", { waits($0, "containment") }, nil),
  ]

  @Test(arguments: courses.indices)
  func `how a run of the worker's stands is told once, and what goes on is not`(_ index: Int) async throws {
    let (_, course, title) = Self.courses[index]
    let site = try Site()
    let plan = try await site.plan()
    site.run { try [Self.began($0)] + course($0) }
    try site.approve(plan)
    try await site.rig.work()
    #expect(site.titles.count == (title == nil ? 1 : 2), "\(site.titles)")
    if let title {
      let message = try #require(site.messages(site.sink).last)
      #expect(message["title"]?.string?.hasPrefix(title) == true, "\(site.titles)")
      #expect(message["body"]?.string?.contains(plan.run.rawValue) == true, "\(message)")
    }
    for _ in 0..<2 {
      site.rig.clock.advance(3600)
      try await site.rig.work()
    }
    #expect(site.titles.count == (title == nil ? 1 : 2), "\(site.titles)")
    #expect(site.pages.isEmpty, "nobody asked for a second tracker")
    site.stop()
  }

  @Test func `a run that was stopped is told when it does not go on by itself`() async throws {
    let site = try Site()
    let plan = try await site.plan()
    site.run {
      [
        Self.began($0),
        Self.event(.runEnded, of: $0, ["state": "waiting", "reason": "stopped on request"]),
      ]
    }
    try site.approve(plan)
    try await site.rig.work()
    #expect(site.titles.count == 1)
    site.rig.clock.advance(61)
    try await site.rig.work()
    #expect(site.titles.last?.hasPrefix("A run was stopped") == true, "\(site.titles)")
    site.stop()
  }

  @Test func `a run that cannot go on, because somebody else's process holds it, is tried again and told`()
    async throws
  {
    let site = try Site()
    let plan = try await site.plan()
    for _ in 0..<3 {
      site.run { _ in
        throw JournalError(.locked, "take the lock run/1", because: "h 1 executes it", fix: "staunch status")
      }
    }
    try site.approve(plan)
    try await site.rig.work()
    #expect(site.titles.count == 1, "the lock may be free soon")
    site.rig.clock.advance(61)
    try await site.rig.work()
    #expect(site.titles.last?.hasPrefix("A run cannot go on") == true, "\(site.titles)")
    #expect(site.messages(site.sink).last?["body"]?.string?.contains("h 1 executes it") == true)
    site.run { [Self.began($0), Self.event(.runEnded, of: $0, ["state": "done"])] }
    for _ in 0..<3 {
      site.rig.clock.advance(3600)
      try await site.rig.work()
    }
    #expect(try site.rig.events([.runEnded]).count == 1, "the lock is free")
    #expect(site.titles.count == 2)
    site.stop()
  }

  @Test func `when nobody answers in its time a second tracker is told, once`() async throws {
    let site = try Site(", escalation: {after: 15m, tracker: pager}")
    let plan = try await site.plan()
    site.rig.clock.advance(14 * 60)
    try await site.rig.work()
    #expect(site.pages.isEmpty)
    #expect(await !site.rig.worker.hasNews())
    site.rig.clock.advance(61)
    #expect(await site.rig.worker.hasNews(), "time alone makes it due")
    try await site.rig.work()
    #expect(site.pages.count == 1 && site.pages[0].hasPrefix("Nobody has answered"), "\(site.pages)")
    // A gate that is open for less long than that.
    let until = site.rig.clock.now.addingTimeInterval(300)
    site.run { [Self.began($0)] + Self.waits($0, "approval", until: until) }
    try site.approve(plan)
    try await site.rig.work()
    #expect(site.titles.last?.hasPrefix("A gate is open") == true, "\(site.titles)")
    #expect(site.pages.count == 1)
    site.rig.clock.advance(301)
    try await site.rig.work()
    #expect(site.pages.count == 2, "\(site.pages)")
    site.rig.clock.advance(7200)
    try await site.rig.work()
    #expect(site.pages.count == 2)
    site.stop()
  }

  @Test func `a board that does not follow for a minute is told`() async throws {
    let isBroken = Mutex(true)
    let site = try Site { point, _ in
      guard point == .publish, isBroken.withLock({ $0 }) else { return }
      throw JournalError(.diskFull, "publish the board", because: "the disk is full")
    }
    let value = FakeSecrets.value("openai_api_key", "one")
    _ = try await site.rig.deliver(WorkerRig.report([(value, "a.py")]), id: "1")
    try await site.rig.work()
    // The loops' own look sees that the board is behind; its lane has a pause.
    #expect(await !site.rig.worker.hasNews())
    site.rig.clock.advance(61)
    try await site.rig.work()
    #expect(site.titles.last == "The console's board does not follow", "\(site.titles)")
    #expect(site.messages(site.sink).last?["body"]?.string?.contains("the disk is full") == true)
    site.rig.clock.advance(61)
    try await site.rig.work()
    #expect(site.titles.count == 2, "once")
    isBroken.withLock { $0 = false }
    site.rig.clock.advance(61)
    try await site.rig.work()
    #expect(try site.rig.inbox.documents(kind: "incident").count == 1)
    site.stop()
  }
}
