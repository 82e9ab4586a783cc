import Capabilities
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

@testable import TicketSystems

/// Against the simulation in TestSupport, over libcurl.
@Suite struct GitHubIssuesTests {
  private static func tracker(_ server: GitHubSimulation, _ more: [String: JSONValue] = [:]) throws
    -> GitHubIssues
  {
    let settings: [String: JSONValue] = [
      "repository": .string(server.repository), "token": "env:T", "base_url": .string(server.url),
    ]
    return try GitHubIssues(
      TargetConfiguration(
        name: "gh", kind: "github-issues", settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(), secrets: ["env:T": Secret(server.token)],
        now: { Date(timeIntervalSince1970: 1_000_000) }))
  }

  private func message(
    _ event: TicketMessage.Event, id: String = UUID().uuidString, body: String = "The details."
  )
    -> TicketMessage
  {
    StandardWebhookTests.message(event, body: body, id: id)
  }

  @Test func `a ticket is opened, told and closed`() async throws {
    let server = try GitHubSimulation()
    let tracker = try Self.tracker(server, ["public": false])
    let ref = try #require(try await tracker.deliver(message(.opened), to: nil, under: .forTests()))
    #expect(ref.id == "1")
    #expect(ref.url?.hasSuffix("/issues/1") == true)
    _ = try await tracker.deliver(message(.contained), to: ref, under: .forTests())
    _ = try await tracker.deliver(message(.closed), to: ref, under: .forTests())
    let issue = try #require(server.issues.first)
    #expect(issue.title == "Amber Heron")
    #expect(issue.body.contains("The details."))
    #expect(issue.labels == ["staunch"])
    #expect(issue.comments.count == 2)
    #expect(issue.state == "closed")
  }

  @Test func `every message carries the journal's head, and the tracker reads it back`() async throws {
    let server = try GitHubSimulation()
    let tracker = try Self.tracker(server, ["public": false])
    let identity = LocalIdentity()
    func queued(_ event: TicketMessage.Event, _ sequence: Int) throws -> TicketMessage {
      message(event).queued(
        as: 1,
        head: try JournalHead(
          journal: "j", sequence: sequence, hash: String(repeating: "ab", count: 32),
          at: Date(timeIntervalSince1970: 1_000_000), by: identity))
    }
    let ref = try #require(try await tracker.deliver(try queued(.opened, 7), to: nil, under: .forTests()))
    _ = try await tracker.deliver(try queued(.updated, 9), to: ref, under: .forTests())
    server.write("seen, thanks <!-- staunch head nonsense -->", onIssue: 1)
    let newest = try #require(try await tracker.heads(in: nil))
    #expect(newest.map(\.head.sequence).sorted() == [7, 9])
    #expect(newest.allSatisfy { $0.place == "acme/incidents#1" && $0.head.isSigned(by: identity.publicKey) })
    #expect(try await tracker.heads(in: ref)?.map(\.head.sequence) == [9])
  }

  @Test func `a lost reply is found by label and marker, and no second ticket is made`() async throws {
    let server = try GitHubSimulation()
    let tracker = try Self.tracker(server)
    let opened = message(.opened)
    #expect(try await tracker.find(opened) == nil)
    server.loseReply(to: "POST", "/issues")
    let error = await #expect(throws: CapabilityError.self) {
      try await tracker.deliver(opened, to: nil, under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
    #expect(try await tracker.find(opened)?.id == "1")
    #expect(try await tracker.deliver(opened, to: nil, under: .forTests())?.id == "1")
    #expect(server.issues.count == 1)
  }

  @Test func `the first message opens the ticket, and the playbook's own opening is told on it, once`()
    async throws
  {
    let server = try GitHubSimulation()
    let tracker = try Self.tracker(server)
    let detected = message(.detected, body: "A plan waits.")
    #expect(try await tracker.deliver(detected, to: nil, under: .forTests())?.id == "1")
    let opened = message(.opened)
    for _ in 1...2 {
      #expect(try await tracker.deliver(opened, to: nil, under: .forTests())?.id == "1")
      #expect(try await tracker.deliver(detected, to: nil, under: .forTests())?.id == "1")
    }
    #expect(server.issues.count == 1)
    let issue = try #require(server.issues.first)
    #expect(issue.body.contains("A plan waits."))
    #expect(issue.comments.count == 1)
    #expect(issue.comments.first?.contains("The details.") == true)
  }

  @Test func `a lost reply to a comment is not posted twice`() async throws {
    let server = try GitHubSimulation()
    let tracker = try Self.tracker(server)
    let ref = try await tracker.deliver(message(.opened), to: nil, under: .forTests())
    let update = message(.updated)
    server.loseReply(to: "POST", "/issues/1/comments")
    await #expect(throws: CapabilityError.self) {
      try await tracker.deliver(update, to: ref, under: .forTests())
    }
    _ = try await tracker.deliver(update, to: ref, under: .forTests())
    #expect(server.issues.first?.comments.count == 1)
  }

  @Test func `a comment whose reply was lost counts as sent only when its own marker is found`() async throws
  {
    let server = try GitHubSimulation()
    let tracker = try Self.tracker(server)
    let ref = try await tracker.deliver(message(.opened), to: nil, under: .forTests())
    let contained = message(.contained)
    server.dropRequest("POST", "/issues/1/comments")
    await #expect(throws: CapabilityError.self) {
      try await tracker.deliver(contained, to: ref, under: .forTests())
    }
    #expect(server.issues.first?.comments == [])
    #expect(try await tracker.find(contained) == nil, "the incident's issue is not the message")
    server.loseReply(to: "POST", "/issues/1/comments")
    await #expect(throws: CapabilityError.self) {
      try await tracker.deliver(contained, to: ref, under: .forTests())
    }
    #expect(try await tracker.find(contained)?.id == "1")
  }

  @Test func `a close whose comment arrived and whose change of state did not is not found`() async throws {
    let server = try GitHubSimulation()
    let tracker = try Self.tracker(server)
    let ref = try await tracker.deliver(message(.opened), to: nil, under: .forTests())
    let closed = message(.closed)
    server.dropRequest("PATCH", "/issues/1")
    await #expect(throws: CapabilityError.self) {
      try await tracker.deliver(closed, to: ref, under: .forTests())
    }
    #expect(server.issues.first?.comments.count == 1)
    #expect(try await tracker.find(closed) == nil)
    _ = try await tracker.deliver(closed, to: ref, under: .forTests())
    #expect(try await tracker.find(closed)?.id == "1")
    #expect(server.issues.first?.comments.count == 1)
  }

  @Test(arguments: ["public", "internal"])
  func `where others read along, nothing is told before it is contained`(visibility: String) async throws {
    let server = try GitHubSimulation(visibility: visibility)
    // staunch.yaml is wrong about it; what GitHub says counts.
    let tracker = try Self.tracker(server, ["public": false])
    let ref = try await tracker.deliver(message(.detected), to: nil, under: .forTests())
    _ = try await tracker.deliver(message(.opened), to: nil, under: .forTests())
    _ = try await tracker.deliver(message(.updated), to: ref, under: .forTests())
    var issue = try #require(server.issues.first)
    #expect(issue.title == "Credential hygiene task")
    #expect(!issue.body.contains("details."))
    #expect(!issue.title.contains("Heron"))
    #expect(issue.comments.isEmpty)
    _ = try await tracker.deliver(message(.contained), to: ref, under: .forTests())
    issue = try #require(server.issues.first)
    #expect(issue.comments.first?.contains("The details.") == true)
  }

  @Test func `a repository is taken as public unless staunch.yaml says otherwise`() throws {
    let server = try GitHubSimulation()
    #expect(try Self.tracker(server).isPublic)
    #expect(try !Self.tracker(server, ["public": false]).isPublic)
  }

  @Test(
    arguments: [
      (403, ["retry-after": "30"], 30), (429, ["retry-after": "5"], 5),
      (403, ["x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000090"], 90), (429, [:], 60),
    ] as [(Int, [String: String], Int)])
  func `rate limits say when to try again`(status: Int, headers: [String: String], seconds: Int) async throws
  {
    let server = try GitHubSimulation()
    server.refuse("POST", "/issues", status, headers)
    let error = await #expect(throws: CapabilityError.self) {
      try await Self.tracker(server).deliver(message(.opened), to: nil, under: .forTests())
    }
    #expect(error?.class == .rateLimit)
    #expect(error?.retryAfter == .seconds(seconds))
    #expect(server.issues.isEmpty)
  }

  @Test(arguments: [
    (401, CapabilityError.Class.refused), (403, .refused), (410, .configuration), (422, .invalid),
  ])
  func `other refusals say what to do`(status: Int, expected: CapabilityError.Class) async throws {
    let server = try GitHubSimulation()
    server.refuse("POST", "/issues", status, [:])
    let error = await #expect(throws: CapabilityError.self) {
      try await Self.tracker(server).deliver(message(.opened), to: nil, under: .forTests())
    }
    #expect(error?.class == expected)
    #expect(error?.description.contains(server.token) == false)
  }

  @Test func `nobody is paged and no marker is forged by a quotation`() async throws {
    let server = try GitHubSimulation()
    let text = "ping @acme/everyone <!-- staunch incident inc-2 -->"
    _ = try await Self.tracker(server).deliver(message(.opened, body: text), to: nil, under: .forTests())
    let body = try #require(server.issues.first?.body)
    #expect(!body.contains("@acme"))
    #expect(!body.contains("<!-- staunch incident inc-2"))
  }

  @Test func `the hundred-and-first ticket is found too`() async throws {
    let server = try GitHubSimulation()
    let tracker = try Self.tracker(server)
    for index in 1...101 {
      let message = TicketMessage(
        id: "m\(index)", incident: IncidentID("inc-\(index)"), event: .opened, sequence: 1, title: "t",
        body: "b",
        severity: .sev3, isDrill: true, at: Date(timeIntervalSince1970: 0))
      _ = try await tracker.deliver(message, to: nil, under: .forTests())
      guard index == 101 else { continue }
      #expect(try await tracker.find(message)?.id == "101")
    }
    #expect(server.issues.allSatisfy { $0.body.contains("DRILL") })
  }

  @Test(arguments: ["acme", "acme/", "a/b/c", "acme/x y", "../x"])
  func `a repository that is not owner and name is refused`(text: String) throws {
    let server = try GitHubSimulation()
    let error = #expect(throws: CapabilityError.self) {
      try Self.tracker(server, ["repository": .string(text)])
    }
    #expect(error?.class == .configuration)
  }
}
