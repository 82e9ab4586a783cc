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
}
