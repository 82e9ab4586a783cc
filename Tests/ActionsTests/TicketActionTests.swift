import Synchronization
import Actions
import Capabilities
import Foundation
import Incidents
import Testing
import TestSupport

@Suite struct TicketActionTests {
  private static let open: [String: Value] = [
    "tracker": .tracker("security"), "title": .string("OpenAI key leaked by @alice"),
  ]

  @Test func `a private ticket has the playbook's title, without mentions`() async throws {
    let stage = Stage()
    let result = try await stage.run("ticket.open", Self.open)
    let message = try #require(stage.tracker.delivered.first)
    #expect(message.title == "OpenAI key leaked by (at)alice")
    #expect(!message.body.contains("@"))
    #expect(message.event == .opened)
    #expect(result.outputs["id"] == .string("T-1"))
    #expect(result.outputs["url"] == .url("https://tickets.example/T-1"))
  }

  @Test func `a public ticket says nothing before containment`() async throws {
    let stage = Stage(tracker: FakeTracker(isPublic: true))
    var inputs = Self.open
    inputs["body"] = .string("see https://git.example/leak")
    try await stage.run("ticket.open", inputs)
    let message = try #require(stage.tracker.delivered.first)
    #expect(message.title == "Credential hygiene task")
    #expect(!message.body.contains("leak"))
  }

  @Test func `a public ticket may speak after containment`() async throws {
    let stage = Stage(tracker: FakeTracker(isPublic: true), briefing: FakeBriefing(isContained: true))
    try await stage.run("ticket.close", ["tracker": .tracker("security")])
    #expect(stage.tracker.delivered.first?.title == "quiet-heron")
  }

  @Test func `a drill's message says so in title and body`() async throws {
    let stage = Stage()
    try await stage.run("ticket.open", Self.open, mode: .drill)
    let message = try #require(stage.tracker.delivered.first)
    #expect(message.isDrill)
    #expect(message.title.hasPrefix("DRILL: "))
    #expect(message.body.hasPrefix("**DRILL"))
  }

  @Test func `a tracker that is down does not fail the step, and its message waits`() async throws {
    let stage = Stage()
    stage.tracker.world.withLock {
      $0.errors = [CapabilityError(.network, "POST", because: "connection refused")]
    }
    let result = try await stage.run("ticket.open", Self.open)
    #expect(result.outputs["id"] == .null)
    #expect(stage.outbox.rows.withLock { $0.map(\.entry.state) } == [.pending])
    #expect(stage.tracker.delivered.isEmpty)

    stage.clock.advance(3600)
    try await stage.run("ticket.update", ["tracker": .tracker("security")])
    #expect(stage.outbox.rows.withLock { $0.map(\.entry.state) }.allSatisfy { $0 == .sent })
    #expect(stage.tracker.delivered.first?.event == .opened)
  }

  @Test func `a message that is sent later goes to the ticket that its step names`() async throws {
    let stage = Stage()
    stage.tracker.world.withLock {
      $0.errors = [CapabilityError(.network, "POST", because: "connection refused")]
    }
    try await stage.run("ticket.update", ["tracker": .tracker("security"), "ticket": .string("T-99")])
    stage.clock.advance(3600)
    // As `staunch ticket send` does: nobody has the step's inputs any more.
    let outcome = try await OutboxDelivery(
      outbox: stage.outbox, targets: stage.environment.targets, now: stage.environment.now
    ).deliverDue(under: try ExecutionAuthority.forTests())
    #expect(outcome.delivered == 1)
    #expect(outcome.unanswered.isEmpty)
    #expect(stage.tracker.world.withLock { $0.tickets } == ["T-99", "T-99"])
  }

  @Test func `a retry waits as long as the tracker asks`() async throws {
    let stage = Stage()
    stage.tracker.world.withLock {
      $0.errors = [
        CapabilityError(.rateLimit, "POST", because: "429", retryAfter: .seconds(90))
      ]
    }
    try await stage.run("ticket.open", Self.open)
    let next = stage.outbox.rows.withLock { $0[0].next }
    #expect(next >= stage.clock.now.addingTimeInterval(90))
  }

  @Test(arguments: [
    (FakeTracker(canLookUp: true), QueuedMessage.State.sent),
    (FakeTracker(canLookUp: false, isIdempotent: true), .sent),
    (FakeTracker(canLookUp: false), .dead),
  ])
  func `a message whose reply was lost arrives once`(tracker: FakeTracker, state: QueuedMessage.State)
    async throws
  {
    let stage = Stage(tracker: tracker)
    tracker.world.withLock {
      $0.errors = [CapabilityError(.unknownOutcome, "POST", because: "the reply was lost")]
      $0.arrivesAnyway = true
    }
    try await stage.run("ticket.open", Self.open)
    #expect(stage.outbox.rows.withLock { $0.map(\.entry.state) } == [.unknown])
    stage.clock.advance(3600)
    try await OutboxDelivery(
      outbox: stage.outbox, targets: stage.environment.targets, now: stage.environment.now
    ).deliverDue(under: try ExecutionAuthority.forTests())
    #expect(tracker.delivered.count == 1)
    #expect(stage.outbox.rows.withLock { $0.map(\.entry.state) } == [state])
  }

  @Test func `a message that is sent settles as done, with its ticket`() async throws {
    let settlement = try await Stage().lose("ticket.open", phase: "perform", Self.open)
    guard case .done(let result, _) = settlement else {
      Issue.record("\(settlement)")
      return
    }
    #expect(result.outputs["id"] == .string("T-1"))
  }

  @Test func `a refusal goes to the dead letters at once`() async throws {
    let stage = Stage()
    stage.tracker.world.withLock { $0.errors = [CapabilityError(.refused, "POST", because: "403")] }
    try await stage.run("ticket.open", Self.open)
    #expect(stage.outbox.rows.withLock { $0.map(\.entry.state) } == [.dead])
  }

  private static func other(_ number: Int, of incident: IncidentID) -> TicketMessage {
    TicketMessage(
      id: "older-\(number)", incident: incident, event: .opened, sequence: 1, title: "older", body: "b",
      severity: .sev2, isDrill: false, at: Date(timeIntervalSince1970: 1))
  }

  @Test func `before containment a step sends its own message and no other`() async throws {
    let stage = Stage()
    for number in 1...3 {
      _ = try await stage.outbox.enqueue(
        Self.other(number, of: IncidentID("inc-9999999\(number)")), to: "security", run: "run-00000009")
    }
    try await stage.run("ticket.open", Self.open)
    #expect(stage.tracker.delivered.map(\.incident) == ["inc-00000001"])
    #expect(stage.outbox.rows.withLock { $0.count { $0.entry.state == .pending } } == 3)
  }

  @Test func `after containment a step sends what waits about its own incident and no other`() async throws {
    let stage = Stage(briefing: FakeBriefing(isContained: true))
    _ = try await stage.outbox.enqueue(
      Self.other(1, of: "inc-00000001"), to: "security", run: "run-00000001")
    _ = try await stage.outbox.enqueue(
      Self.other(2, of: "inc-99999999"), to: "security", run: "run-00000009")
    try await stage.run("ticket.update", ["tracker": .tracker("security"), "event": .string("contained")])
    #expect(stage.tracker.delivered.map(\.event) == [.opened, .contained])
    #expect(
      stage.outbox.rows.withLock { $0.filter { $0.entry.state == .pending }.map(\.entry.message.id) } == [
        "older-2"
      ])
  }

  @Test func `while the secret works a step holds its run up for two seconds at most`() async throws {
    let open = Stage()
    #expect(try await open.effect("ticket.open").patience(for: open.call(Self.open)) == .seconds(2))
    #expect(try await open.effect("notify.send").patience(for: open.call(Self.open)) == .seconds(2))
    let contained = Stage(briefing: FakeBriefing(isContained: true))
    #expect(
      try await contained.effect("ticket.close").patience(for: contained.call(Self.open)) == .seconds(20))
  }

  @Test func `a tracker that does not answer is asked once in a round, however much waits`() async throws {
    let stage = Stage()
    for number in 1...6 {
      _ = try await stage.outbox.enqueue(
        Self.other(number, of: IncidentID("inc-9999999\(number)")), to: "security", run: "run-00000009")
    }
    let silence = CapabilityError(.unknownOutcome, "POST", because: "no answer within 20 s")
    stage.tracker.world.withLock { $0.errors = Array(repeating: silence, count: 6) }
    let outcome = try await OutboxDelivery(
      outbox: stage.outbox, targets: stage.environment.targets, now: stage.environment.now
    ).deliverDue(under: try ExecutionAuthority.forTests())
    #expect(outcome.delivered == 0)
    #expect(
      outcome.unanswered == ["security"], "who did not answer is left alone for a while, and nobody else")
    #expect(stage.tracker.world.withLock { $0.errors.count } == 5)
    #expect(stage.outbox.rows.withLock { $0.map(\.entry.attempts) } == [1, 0, 0, 0, 0, 0])
  }

  @Test func `a message that was dropped is not sent by a step that is done again`() async throws {
    let stage = Stage()
    let action = try stage.effect("ticket.open")
    let message = Self.other(1, of: "inc-00000001")
    _ = try await stage.outbox.enqueue(
      TicketMessage(
        id: "staunch-run-00000001-step", incident: message.incident, event: .opened, sequence: 1,
        title: "t", body: "b", severity: .sev2, isDrill: false, at: message.at), to: "security",
      run: "run-00000001")
    try await stage.outbox.settle(
      "staunch-run-00000001-step", as: .dropped, remote: nil, reason: "told by phone", next: nil)
    let settlement = try await action.settle(
      stage.call(Self.open), phase: "perform", prepared: Preparation(), under: .forTests())
    #expect(settlement.word == "done")
    #expect(stage.tracker.delivered.isEmpty)
  }
}
