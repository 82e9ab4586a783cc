import Foundation
import Inbox
import JSON
import TestSupport
import Testing

@Suite struct BoardTests {
  let directory: TemporaryDirectory
  let inbox: Inbox
  init() throws {
    directory = try TemporaryDirectory(inMemory: true)
    inbox = try Inbox.open(path: directory.path("exchange.sqlite"), key: InboxPrivateKey())
  }

  @Test func `a document keeps its version until it changes`() throws {
    #expect(try inbox.boardVersion() == 0)
    try inbox.publish([("incident", "a", ["state": "open"]), ("incident", "b", ["state": "open"])])
    #expect(try inbox.boardVersion() == 1)
    try inbox.publish([("incident", "a", ["state": "open"]), ("incident", "b", ["state": "closed"])])
    #expect(try inbox.documents(kind: "incident").map(\.version) == [1, 2])
    #expect(try inbox.publish([("incident", "a", ["state": "open"])]) == 2)
    #expect(try inbox.document(kind: "incident", id: "b")?.document == ["state": "closed"])
  }

  @Test func `a removed document is gone and raises the version`() throws {
    try inbox.publish([("storm", "current", ["held": 3])])
    try inbox.publish([], removing: [("storm", "current")])
    #expect(try inbox.document(kind: "storm", id: "current") == nil)
    #expect(try inbox.boardVersion() == 2)
    try inbox.publish([], removing: [("storm", "current")])
    #expect(try inbox.boardVersion() == 2)
  }

  @Test func `a decision waits until the worker says what became of it`() async throws {
    let said = NewDecision(
      at: Date(timeIntervalSince1970: 1_790_000_000), person: "ada", roles: ["responder"], kind: .approve,
      incident: "INC-1", plan: "p1", digest: "abc", step: nil, text: "go",
      approval: .init(
        identity: "0123456789abcdef", role: "responder", at: Date(timeIntervalSince1970: 1_790_000_000),
        signature: Data([1, 2, 3])), via: .password)
    let sequence = try await inbox.append(said)
    let waiting = try inbox.pendingDecisions()
    #expect(waiting.map(\.said) == [said])
    #expect(waiting.first?.person == "ada")
    #expect(try inbox.outcome(ofDecision: sequence) == nil)
    try inbox.finishDecision(sequence, outcome: "approved")
    #expect(try inbox.pendingDecisions().isEmpty)
    #expect(try inbox.outcome(ofDecision: sequence) == "approved")
  }
}
