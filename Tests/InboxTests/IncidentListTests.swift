import Foundation
import GRDB
import Incidents
import JSON
import Testing
import TestSupport

@testable import Inbox

/// The list is chosen, sorted and counted in the database.
@Suite struct IncidentListTests {
  let directory: TemporaryDirectory
  let inbox: Inbox
  let now = Date(timeIntervalSince1970: 1_795_000_000)
  init() throws {
    directory = try TemporaryDirectory(inMemory: true)
    inbox = try Inbox.open(path: directory.path("exchange.sqlite"), key: InboxPrivateKey())
  }

  func incident(
    _ id: String, _ state: String = "open", _ severity: String = "sev2", age: Double = 60,
    codename: String? = nil, kind: String = "github_pat", alive: Bool = false, waits: String? = nil,
    repository: String = "shop/orders", events: Int = 500
  ) -> (kind: String, id: String, document: JSONValue) {
    (
      "incident", id,
      [
        "id": .string(id), "codename": .string(codename ?? "name-\(id)"), "kind": .string(kind),
        "severity": .string(severity), "state": .string(state), "drill": false,
        "detected": .string(Timestamp.text(now.addingTimeInterval(-age))),
        "credentials": [
          ["id": "bot", "subject": "leaked", "state": alive ? "alive" : "dead"],
          ["id": "bot", "subject": "replacement", "state": "alive"],
        ],
        "waiting": waits.map { [["step": "a", "for": .string($0)]] } ?? [],
        "places": [["repository": .string(repository), "path": "deploy/compose.yaml"]],
        "timeline": .array((0..<events).map { ["text": .string("event \($0)")] }),
        "steps": [["step": "a", "state": "done"], ["step": "b", "state": "pending"]],
      ]
    )
  }

  func ids(_ query: IncidentQuery = IncidentQuery()) throws -> [String] {
    try inbox.incidents(query, limit: 200).entries.map(\.id)
  }

  @Test func `open stands before contained before closed, the worst first, then the oldest`() throws {
    try inbox.publish([
      incident("e", "closed", "sev1"), incident("d", "contained", "sev1"), incident("c", "open", "sev3"),
      incident("b", "open", "sev1", age: 10), incident("a", "open", "sev1", age: 90),
    ])
    #expect(try ids() == ["a", "b", "c", "d", "e"])
    var query = IncidentQuery()
    query.order = .newest
    #expect(try ids(query).first == "b")
    query.order = .changed
    try inbox.publish([incident("d", "contained", "sev2")])
    #expect(try ids(query).first == "d")
    query.order = .name
    #expect(try ids(query) == ["a", "b", "c", "d", "e"])
  }

  @Test func `filters and words choose, and the count is of what is chosen`() throws {
    try inbox.publish([
      incident("a", alive: true), incident("b", "closed", "sev4", kind: "slack_token"),
      incident("c", codename: "Amber-Heron", waits: "approval"),
      incident("d", waits: "lock", repository: "ML/eval"),
    ])
    func chosen(_ change: (inout IncidentQuery) -> Void) throws -> [String] {
      var query = IncidentQuery()
      change(&query)
      let page = try inbox.incidents(query, limit: 1)
      #expect(try page.total == ids(query).count)
      return try ids(query)
    }
    #expect(try chosen { $0.states = [.closed] } == ["b"])
    #expect(try chosen { $0.severities = [1, 4] } == ["b"])
    #expect(try chosen { $0.kind = "slack_token" } == ["b"])
    #expect(try chosen { $0.isAlive = true } == ["a"])
    #expect(try chosen { $0.asks = true } == ["c"])
    #expect(try chosen { $0.text = "amber  HERON" } == ["c"])
    #expect(try chosen { $0.text = "ml/eval compose" } == ["d"])
    #expect(try chosen { $0.text = "100% _" } == [])
    #expect(try chosen { $0.assigned = "maria" } == [])
    #expect(try inbox.incidentKinds() == ["github_pat", "slack_token"])
    let counts = try inbox.incidentCounts()
    let numbers: [Int] = [counts.open, counts.contained, counts.closed, counts.alive, counts.asks]
    #expect(numbers == [3, 0, 1, 1, 1])
  }

  @Test func `a row holds what a list shows and follows its document`() throws {
    try inbox.publish([incident("a")])
    let entry = try #require(try inbox.incidents(IncidentQuery(), limit: 9).entries.first)
    #expect(entry.version == 1)
    #expect(
      entry.summary["timeline"] == nil && entry.summary["steps"] == nil && entry.summary["places"] == nil)
    #expect(entry.summary["progress"] == ["finished": 1, "steps": 2])
    #expect(entry.summary["repositories"] == ["shop/orders"])
    #expect(entry.summary["credentials"]?.array?.count == 2)
    try inbox.publish([incident("a", "closed")])
    #expect(try inbox.incidents(IncidentQuery(), limit: 9).entries.first?.summary["state"] == "closed")
    try inbox.publish([], removing: [("incident", "a")])
    #expect(try inbox.incidents(IncidentQuery(), limit: 9).total == 0)
  }

  @Test func `a walk by cursors meets every row once while others come and go`() throws {
    for order in IncidentQuery.Order.allCases {
      try inbox.publish((0..<25).map { incident("i\($0)", "open", "sev\($0 % 4 + 1)", age: Double($0 % 3)) })
      var query = IncidentQuery()
      query.order = order
      var met: [String] = []
      var cursor: IncidentCursor?
      repeat {
        let page = try inbox.incidents(query, limit: 4, after: cursor)
        met += page.entries.map(\.id)
        cursor = try page.next.map { try #require(IncidentCursor(text: $0.text)) }
        try inbox.publish([], removing: met.prefix(1).map { ("incident", $0) })
      } while cursor != nil
      #expect(met.count == 25 && Set(met).count == 25, "\(order)")
    }
  }

  @Test(arguments: ["", "x", "W10", "WyJ1cmdlbmN5IiwxXQ", "WyJuZXdlc3QiLCJhIiwiYiJd", "!"])
  func `a cursor that is none of ours is none`(_ text: String) {
    #expect(IncidentCursor(text: text) == nil)
  }

  @Test func `a cursor of another order is refused`() throws {
    try inbox.publish([incident("a"), incident("b")])
    let cursor = try #require(try inbox.incidents(IncidentQuery(), limit: 1).next)
    var query = IncidentQuery()
    query.order = .name
    #expect(throws: InboxError.self) { try inbox.incidents(query, limit: 1, after: cursor) }
  }

  @Test func `thousands are listed by the indexes, and a page does not grow with them`() throws {
    try inbox.publish(
      (0..<2_000).map { incident("i\($0)", "open", "sev\($0 % 4 + 1)", age: Double($0), events: 0) })
    let page = try inbox.incidents(IncidentQuery(), limit: 50, offset: 1000)
    #expect(page.total == 2_000 && page.entries.count == 50)
    let bytes = page.entries.map { $0.summary.canonicalText.utf8.count }.reduce(0, +)
    #expect(bytes < 50 * 1200)
    let plan = try inbox.database.read { db in
      try Row.fetchAll(
        db,
        sql: "EXPLAIN QUERY PLAN SELECT id FROM incidents ORDER BY place, severity, detected, id LIMIT 50"
      ).map { $0["detail"] as String }
    }
    #expect(!plan.contains { $0.contains("TEMP B-TREE") })
  }
}

@Suite struct MessageListTests {
  let directory: TemporaryDirectory
  let inbox: Inbox
  init() throws {
    directory = try TemporaryDirectory(inMemory: true)
    inbox = try Inbox.open(path: directory.path("exchange.sqlite"), key: InboxPrivateKey())
  }

  func outbox(_ states: [(String, String)]) -> (kind: String, id: String, document: JSONValue) {
    (
      "outbox", "all",
      [
        "schema": 1,
        "messages": .array(
          states.map { id, state in
            [
              "id": .string(id), "tracker": "jira", "state": .string(state),
              "next": "2026-11-30T10:00:00.000Z",
            ]
          }),
      ]
    )
  }

  @Test func `messages are kept one by one: what did not arrive first, and only what changed is written`()
    throws
  {
    try inbox.publish([outbox([("m1", "sent"), ("m2", "queued"), ("m3", "dropped")])])
    #expect(
      try inbox.messages(limit: 9, offset: 0).messages.compactMap { $0["id"]?.string } == ["m2", "m1", "m3"])
    let counts = try inbox.messageCounts()
    let numbers: [Int] = [counts.undelivered, counts.arrived, counts.dropped]
    #expect(numbers == [1, 1, 1])
    let version = try inbox.boardVersion()
    try inbox.publish([outbox([("m1", "sent"), ("m2", "queued"), ("m3", "dropped")])])
    #expect(try inbox.boardVersion() == version)
    try inbox.publish([outbox([("m1", "sent"), ("m2", "sent")])])
    #expect(try inbox.boardVersion() == version + 1)
    #expect(try inbox.messages(undeliveredOnly: true, limit: 9, offset: 0).total == 0)
    #expect(try inbox.messages(limit: 1, offset: 1).total == 2)
  }

  @Test func `a worker that starts anew finds what an earlier one published`() throws {
    try inbox.publish([outbox([("m1", "queued"), ("m2", "queued")])])
    let later = try Inbox.open(path: directory.path("exchange.sqlite"), key: InboxPrivateKey())
    let version = try later.boardVersion()
    try later.publish([outbox([("m1", "queued")])])
    #expect(try later.messages(limit: 9, offset: 0).messages.compactMap { $0["id"]?.string } == ["m1"])
    #expect(try later.boardVersion() == version + 1)
  }

  @Test func `a sign of life is written once in ten seconds, and a clock set back does not keep it silent`()
    throws
  {
    let now = Date(timeIntervalSince1970: 1_795_000_000)
    #expect(try inbox.lastBeat() == nil)
    try inbox.beat(at: now)
    try inbox.beat(at: now + 9)
    #expect(try inbox.lastBeat() == now)
    try inbox.beat(at: now + 10)
    #expect(try inbox.lastBeat() == now + 10)
    try inbox.beat(at: now - 100)
    #expect(try inbox.lastBeat() == now - 100)
  }
}
