import Capabilities
import Foundation
import HTTPTypes
import Inbox
import Incidents
import JSON
import People
import TestSupport
import Testing

@testable import Server

/// What people say on the console about a run, an incident, or several: what is signed, and what is refused.
@Suite struct ConsoleActsTests {
  /// The fixture's first incident, waiting for a hand and for an answer to a step that nobody can tell.
  private static func waitForPeople(_ console: ConsoleCaller) throws {
    var incident = try #require(try console.inbox.document(kind: "incident", id: "inc-4t8a")?.document.object)
    incident["waiting"] = [
      [
        "step": "call[1]", "for": "manual",
        "fields": [["name": "told", "type": "timestamp"], ["name": "who"]],
      ],
      ["step": "disable-old", "for": "decision"],
    ]
    try console.inbox.publish([("incident", "inc-4t8a", .object(incident))])
  }

  @Test func `what a manual step asks for is signed, all of it and nothing else`() async throws {
    let console = try ConsoleCaller()
    try Self.waitForPeople(console)
    let session = try #require(try await console.signIn())
    let answer = [
      "kind": "answer", "step": "call[1]", "field-told": "2026-11-18T10:00:00Z", "field-who": " the owner ",
      "password": ConsoleCaller.password,
    ]
    for (change, status) in [
      (["field-who": " "], 422), (["field-more": "x"], 422), (["step": "call[2]"], 409),
      (["password": "wrong password 1"], 403),
    ] {
      let refused = try await console.post(
        "/incidents/inc-4t8a/decisions", answer.merging(change) { _, new in new }, session)
      #expect(refused.status == status, "\(change)")
    }
    #expect(try console.pending().isEmpty)
    #expect(try await console.post("/incidents/inc-4t8a/decisions", answer, session).status == 303)
    let decision = try #require(try console.pending().first)
    let fields = ["told": "2026-11-18T10:00:00Z", "who": "the owner"]
    #expect(decision.fields == fields && decision.run == "run-3f7c" && decision.step == "call[1]")
    let signed = try #require(decision.approval)
    func isSigned(_ fields: [String: String]) -> Bool {
      SignedDecision.answer(PlanDigest(BoardFixture.planDigest), step: "call", fields: fields).isSigned(
        signed.signature, role: "responder", at: signed.at, publicKey: console.publicKey("maria"))
    }
    #expect(isSigned(fields) && !isSigned(["told": "2026-11-18T10:00:00Z", "who": "another"]))
  }

  @Test func `a run is taken back and a step done again with a signature, and gone on with without one`()
    async throws
  {
    let console = try ConsoleCaller()
    try Self.waitForPeople(console)
    let session = try #require(try await console.signIn())
    func post(_ fields: [String: String], to incident: String = "inc-4t8a") async throws -> Int {
      try await console.post("/incidents/\(incident)/decisions", fields, session).status
    }
    let signed = ["text": "because", "password": ConsoleCaller.password]
    #expect(try await post(["kind": "abort", "text": "because"]) == 403)
    #expect(try await post(["kind": "abort", "password": ConsoleCaller.password]) == 422)
    #expect(try await post(signed.merging(["kind": "retry", "step": "scrub"]) { _, new in new }) == 409)
    #expect(try await post(signed.merging(["kind": "abort"]) { _, new in new }, to: "inc-2c9v") == 409)
    #expect(try console.pending().isEmpty)
    #expect(try await post(["kind": "resume"]) == 303)
    #expect(try await post(signed.merging(["kind": "abort"]) { _, new in new }) == 303)
    #expect(
      try await post(signed.merging(["kind": "retry", "step": "disable-old"]) { _, new in new }) == 303)
    let (decisions, key) = (try console.pending(), console.publicKey("maria"))
    #expect(decisions.map(\.kind) == [.resume, .abort, .retry] && decisions[0].approval == nil)
    let digest = PlanDigest(BoardFixture.planDigest)
    for (decision, meant) in zip(
      decisions.dropFirst(),
      [
        SignedDecision.abort(digest, reason: "because"),
        .retry(digest, step: "disable-old", reason: "because"),
      ])
    {
      let word = try #require(decision.approval)
      #expect(meant.isSigned(word.signature, role: "responder", at: word.at, publicKey: key))
    }
  }

  @Test func `an incident is closed only when it is contained, and given to people that there are`()
    async throws
  {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let close = ["kind": "close", "text": "over", "password": ConsoleCaller.password]
    #expect(try await console.post("/incidents/inc-4t8a/decisions", close, session).status == 409)
    #expect(try await console.post("/incidents/inc-2c9v/decisions", close, session).status == 303)
    let word = try #require(try console.pending().first?.approval)
    #expect(
      SignedDecision.close(incident: "inc-2c9v", reason: "over").isSigned(
        word.signature, role: "responder", at: word.at, publicKey: console.publicKey("maria")))
    for (name, status) in [("jonas", 303), ("", 303), ("nobody else", 409)] {
      let assign = ["kind": "assign", "text": name]
      #expect(try await console.post("/incidents/inc-4t8a/decisions", assign, session).status == status)
    }
  }

  @Test
  func
    `several plans are approved with one password, each signed by itself, and what does not wait is named`()
    async throws
  {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let page = try await console.call(.get, "/decide", headers: ["Cookie": session.cookie])
    #expect(page.status == 200 && page.body.contains("name=\"pick-inc-9xqd\""))
    #expect(!page.body.contains("pick-inc-0001"), "nothing of it waits")
    let form = [
      "kind": "approve", "pick-inc-9xqd": "1", "pick-inc-4t8a": "1", "confirm": "2",
      "password": ConsoleCaller.password,
    ]
    for (change, status) in [
      (["confirm": "3"], 422), (["password": "wrong password 1"], 403), (["kind": "close"], 422),
    ] {
      #expect(
        try await console.post("/decide", form.merging(change) { _, new in new }, session).status == status)
    }
    #expect(try console.pending().isEmpty)
    let answer = try await console.post("/decide", form, session)
    #expect(answer.status == 200 && answer.body.contains("1 decision is stored."))
    #expect(answer.body.contains("no plan of it waits for a yes"))
    let decision = try #require(try console.pending().first)
    let word = try #require(decision.approval)
    #expect(decision.incident == "inc-9xqd" && decision.plan == "plan-9xqd" && decision.digest == "77aa")
    #expect(
      SignedDecision.approve(PlanDigest("77aa"), step: nil).isSigned(
        word.signature, role: "responder", at: word.at, publicKey: console.publicKey("maria")))
    let forged = try await console.post("/decide", form, (session.cookie, "x"))
    #expect(forged.status == 403)
  }
}
