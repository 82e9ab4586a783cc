import Foundation
import Inbox
import JSON
import TestSupport
import Testing

@testable import Server

/// What a browser is sent about the page that it shows: what changed, and nothing else.
@Suite struct LivePageTests {
  private let console: ConsoleCaller
  private let visitor = Visitor(
    person: "maria", roles: ["responder"], csrf: "the-token", proof: .header, mayApprove: true,
    client: "192.0.2.0", address: "192.0.2.7")

  init() throws { console = try ConsoleCaller() }

  private func changes(_ page: String, _ state: inout LiveState) throws -> JSONValue? {
    let address = try #require(try LiveAddress(page))
    return try console.console.changes(on: address, for: visitor, at: ConsoleCaller.start, since: &state)
  }

  private func change(_ id: String, _ members: [String: JSONValue]) throws {
    let old = try #require(try console.inbox.document(kind: "incident", id: id)?.document.object)
    try console.inbox.publish([("incident", id, .object(old.merging(members) { _, new in new }))])
  }

  @Test func `of the list the row that changed is sent, and the order when it is another one`() throws {
    var state = LiveState()
    let first = try #require(try changes("/incidents", &state))
    #expect(
      first["order"]?.array?.count == 4 && first["rows"]?.object?.count == 4, "the closed one is not in it")
    #expect(try changes("/incidents", &state) == nil)
    try change("inc-9xqd", ["next": ["text": "Something else", "command": nil]])
    let news = try #require(try changes("/incidents", &state))
    #expect(news["rows"]?.object?.keys.sorted() == ["inc-9xqd"])
    #expect(news["rows"]?["inc-9xqd"]?.string?.contains("Something else") == true)
    #expect(news["parts"]?.object?.isEmpty == true)
    try change("inc-9xqd", ["state": "closed"])
    let gone = try #require(try changes("/incidents", &state))
    #expect(gone["order"] == ["inc-4t8a", "inc-d001", "inc-2c9v"] && gone["rows"]?.object?.isEmpty == true)
    #expect(gone["parts"]?["tally"]?.string?.contains("2 closed") == true)
  }

  @Test func `a page of the list hears nothing of incidents that it does not show`() throws {
    var state = LiveState()
    _ = try changes("/incidents?state=closed", &state)
    try change("inc-9xqd", ["next": ["text": "Something else", "command": nil]])
    #expect(try changes("/incidents?state=closed", &state) == nil)
  }

  @Test func `of an incident the region that changed is sent, however the clock runs`() throws {
    var state = LiveState()
    let first = try #require(try changes("/incidents/inc-4t8a", &state))
    let names = Set(try #require(first["parts"]?.object).keys)
    #expect(
      names.isSuperset(of: [
        "first", "facts", "next", "places", "notes", "decide", "steps", "plan", "timeline",
      ]))
    console.pass(30)
    try change("inc-9xqd", ["codename": "another"])
    #expect(try changes("/incidents/inc-4t8a", &state) == nil, "another incident is not its business")
    try change("inc-4t8a", ["notes": [["text": "a new note", "role": "responder"]]])
    let news = try #require(try changes("/incidents/inc-4t8a", &state))
    #expect(news["parts"]?.object?.keys.sorted() == ["notes"])
    #expect(news.canonicalText.utf8.count < 1000)
  }

  @Test func `a storm, a silent worker and a message on its way are heard on every page`() throws {
    for page in ["/incidents", "/incidents/inc-4t8a", "/outbox", "/people", "/plans/plan-7k2m"] {
      var state = LiveState()
      _ = try changes(page, &state)
      let board = BoardFixture(now: ConsoleCaller.start)
      try console.inbox.publish([board.storm])
      #expect(
        try changes(page, &state)?["parts"]?["storm"]?.string?.contains("212 new incidents") == true,
        "\(page)")
      try console.inbox.publish([], removing: [("storm", "current")])
      #expect(try changes(page, &state)?["parts"]?["storm"] != nil, "\(page)")
      console.pass(61)
      let silent = try changes(page, &state)?["parts"]?["stale"]?.string
      #expect(silent?.contains("What you see may be old") == true, "\(page)")
      console.pass(-61)
      _ = try changes(page, &state)
    }
  }

  @Test func `a page that is no more says so, and what is no page is none`() throws {
    var state = LiveState()
    _ = try changes("/incidents/inc-4t8a", &state)
    try console.inbox.publish([], removing: [("incident", "inc-4t8a")])
    #expect(try changes("/incidents/inc-4t8a", &state) == ["gone": true])
    for text in ["", "incidents", "https://evil.test/", "//evil.test", "/", "/a%00b"] {
      #expect(try LiveAddress(text) == nil, "\(text)")
    }
  }
}
