import ConsolePages
import HTTPTypes
import Incidents
import Synchronization
import Capabilities
import Foundation
import Inbox
import JSON
import People
import Secrets
import Testing
import TestSupport

@testable import Server

@Suite(.timeLimit(.minutes(3))) struct ConsoleSecurityTests {
  private static let approval = [
    "kind": "approve", "plan": "plan-7k2m", "digest": BoardFixture.planDigest, "step": "disable-old",
    "role": "responder", "confirm": "orders-db", "password": ConsoleCaller.password,
  ]

  @Test func `whoever is not signed in sees the sign-in form and nothing else`() async throws {
    let console = try ConsoleCaller()
    for path in ["/incidents", "/incidents/inc-4t8a", "/plans/plan-7k2m", "/outbox", "/people"] {
      let answer = try await console.call(.get, path)
      #expect(answer.status == 303)
      #expect(answer.header("Location") == "/sign-in?to=" + path)
    }
    #expect(try await console.call(.get, "/events").status == 401)
    #expect(try await console.call(.get, "/api/v1/incidents").status == 401)
  }

  @Test func `a right password opens a session, a wrong one and an unknown name look alike`() async throws {
    let console = try ConsoleCaller()
    #expect(try await console.signIn() != nil)
    let page = try await console.call(.get, "/sign-in")
    let cookie = ConsoleCaller.cookie(page) ?? ""
    func attempt(_ name: String) async throws -> ConsoleCaller.Answer {
      try await console.call(
        .post, "/sign-in",
        body: ConsoleCaller.form([
          "name": name, "password": "wrong password 1", "csrf": ConsoleCaller.hidden("csrf", page.body),
        ]), headers: ConsoleCaller.formHeaders.merging(["Cookie": cookie]) { old, _ in old })
    }
    let known = try await attempt("maria")
    let unknown = try await attempt("mallory")
    #expect(known.status == 403)
    #expect(known.body.contains("Name or password is wrong."))
    #expect(known.body == unknown.body)
  }

  @Test func `the session's cookie is out of reach of scripts and of other sites`() async throws {
    let console = try ConsoleCaller(isTLS: true)
    let page = try await console.call(.get, "/sign-in")
    let cookie = try #require(page.header("Set-Cookie"))
    #expect(cookie.hasPrefix("__Host-staunch-form="))
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Secure", "; Path=/"] {
      #expect(cookie.contains(attribute))
    }
    #expect(try #require(try await console.signIn()).cookie.hasPrefix("__Host-staunch="))
  }

  @Test(arguments: ["//incidents", "/api//v1/incidents", "//api/v1/incidents", "/incidents/"])
  func `another spelling of a path is no path`(path: String) async throws {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let answer = try? await console.call(.get, path, headers: ["Cookie": session.cookie])
    #expect(answer == nil || answer?.status == 404, "none of the console's")
    #expect(try await console.call(.get, "/incidents", headers: ["Cookie": session.cookie]).status == 200)
  }

  @Test func `ten tries of one client are enough`() async throws {
    let console = try ConsoleCaller()
    for _ in 0..<10 { #expect(try await console.signIn(password: "wrong password 1") == nil) }
    #expect(try await console.signIn() == nil)
    console.pass(7)
    #expect(try await console.signIn() != nil)
  }

  @Test func `strangers who try a name shut out neither the session of its owner nor the place it came from`()
    async throws
  {
    let doorman = try Doorman(cost: ConsoleCaller.cost())
    let people = try ConsoleCaller.people()
    let now = ConsoleCaller.start
    func isIn(_ password: String, from client: String, isSignedIn: Bool = false) async -> Bool? {
      switch await doorman.check(
        name: "maria", password: Secret(password), people: people, client: client, isSignedIn: isSignedIn,
        now: now)
      {
      case .identity: true
      case .wrong: false
      case .tooMany, .busy: nil
      }
    }
    #expect(await isIn(ConsoleCaller.password, from: "192.0.2.1") == true)
    for stranger in 0..<29 {
      #expect(await isIn("wrong password 1", from: "198.51.100.\(stranger)") == false)
    }
    #expect(await isIn("wrong password 1", from: "198.51.100.99") == nil, "thirty are enough")
    #expect(await isIn(ConsoleCaller.password, from: "203.0.113.7") == nil)
    #expect(await isIn(ConsoleCaller.password, from: "192.0.2.1") == true)
    #expect(await isIn(ConsoleCaller.password, from: "203.0.113.7", isSignedIn: true) == true)
    // Its own tries are bounded all the same.
    var answers: [Bool?] = []
    for _ in 0..<10 { answers.append(await isIn("wrong password 1", from: "192.0.2.1")) }
    #expect(answers.last == .some(nil))
  }

  @Test func `a session ends after half an hour without a request, and after twelve hours anyway`()
    async throws
  {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    func isIn() async throws -> Bool {
      try await console.call(.get, "/incidents", headers: ["Cookie": session.cookie]).status == 200
    }
    console.pass(29 * 60)
    #expect(try await isIn())
    console.pass(31 * 60)
    #expect(try await !isIn())
    let other = try #require(try await console.signIn())
    for _ in 0..<25 {
      console.pass(29 * 60)
      _ = try await console.call(.get, "/incidents", headers: ["Cookie": other.cookie])
    }
    #expect(try await console.call(.get, "/incidents", headers: ["Cookie": other.cookie]).status == 303)
  }

  @Test func `whoever is removed is signed out at once`() async throws {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    try console.people.withLock { try $0.remove("maria") }
    #expect(try await console.call(.get, "/incidents", headers: ["Cookie": session.cookie]).status == 303)
  }

  @Test func `signing out ends the session on the server`() async throws {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    #expect(try await console.post("/sign-out", [:], session).status == 303)
    #expect(try await console.call(.get, "/incidents", headers: ["Cookie": session.cookie]).status == 303)
  }

  @Test func `an approval is stored with a signature that the engine's own check accepts`() async throws {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let answer = try await console.post("/incidents/inc-4t8a/decisions", Self.approval, session)
    #expect(answer.status == 303)
    #expect(answer.header("Location") == "/incidents/inc-4t8a?said=1#said")
    let decision = try #require(try console.pending().first)
    #expect(decision.kind == .approve && decision.person == "maria" && decision.via == .password)
    let signed = try #require(decision.approval)
    #expect(
      SignedDecision.approve(PlanDigest(BoardFixture.planDigest), step: "disable-old").isSigned(
        signed.signature, role: "responder", at: signed.at, publicKey: console.publicKey("maria")))
    let page = try await console.call(
      .get, "/incidents/inc-4t8a?said=1", headers: ["Cookie": session.cookie])
    #expect(page.body.contains("Decision 1 is stored."))
    #expect(page.body.contains("maria approved step disable-old: waits for the worker"))
  }

  @Test(arguments: [
    (["password": "wrong password 1"], 403), (["password": ""], 403), (["confirm": "orders"], 422),
    (["digest": "0000"], 409), (["step": "scrub"], 409), (["role": "repository-admin"], 403),
    (["kind": "destroy"], 422), (["plan": "plan-9xqd", "digest": "77aa"], 409),
  ])
  func `an approval that lacks anything signs nothing`(_ change: [String: String], _ status: Int) async throws
  {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let answer = try await console.post(
      "/incidents/inc-4t8a/decisions", Self.approval.merging(change) { _, new in new }, session)
    #expect(answer.status == status)
    #expect(try console.pending().isEmpty)
    #expect(!answer.body.contains(ConsoleCaller.password))
  }

  @Test func `a skip is signed as a skip, with its reason`() async throws {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let answer = try await console.post(
      "/incidents/inc-4t8a/decisions",
      [
        "kind": "skip", "digest": BoardFixture.planDigest, "plan": "plan-7k2m", "step": "scrub",
        "confirm": "scrub",
        "text": "no clone is left", "password": ConsoleCaller.password,
      ], session)
    #expect(answer.status == 303)
    let signed = try #require(try console.pending().first?.approval)
    let digest = PlanDigest(BoardFixture.planDigest)
    let key = console.publicKey("maria")
    #expect(
      SignedDecision.skip(digest, step: "scrub", reason: "no clone is left").isSigned(
        signed.signature, role: "responder", at: signed.at, publicKey: key))
    #expect(
      !SignedDecision.approve(digest, step: "scrub").isSigned(
        signed.signature, role: "responder", at: signed.at, publicKey: key))
  }

  @Test func `a storm is released with a signature for that storm and that reason, and with nothing less`()
    async throws
  {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let release = ["kind": "acknowledge", "text": "a scanner's new rule", "password": ConsoleCaller.password]
    #expect(try await console.post("/storm", release, session).status == 409, "none is held")
    try console.inbox.publish([BoardFixture(now: ConsoleCaller.start).storm])
    for (change, status) in [(["password": "wrong password 1"], 403), (["text": " "], 422)] {
      let answer = try await console.post("/storm", release.merging(change) { _, new in new }, session)
      #expect(answer.status == status)
    }
    #expect(try console.pending().isEmpty)
    #expect(try await console.post("/storm", release, session).status == 303)
    let decision = try #require(try console.pending().first)
    let signed = try #require(decision.approval)
    func isSigned(_ storm: String, _ reason: String) -> Bool {
      SignedDecision.releaseStorm(storm: storm, reason: reason).isSigned(
        signed.signature, role: "responder", at: signed.at, publicKey: console.publicKey("maria"))
    }
    #expect(decision.incident == nil && decision.text == "a scanner's new rule")
    #expect(isSigned("storm-1", "a scanner's new rule"))
    #expect(!isSigned("storm-2", "a scanner's new rule") && !isSigned("storm-1", "another reason"))
  }

  @Test(arguments: [
    ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"], ["Sec-Fetch-Site": "none"],
    ["Origin": "https://evil.test"], ["Sec-Fetch-Site": "", "Origin": "https://evil.test"],
  ])
  func `a form of another site changes nothing, though it carries cookie and token`(
    _ headers: [String: String]
  )
    async throws
  {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    var all = ConsoleCaller.formHeaders.merging(headers) { _, new in new }
    if all["Sec-Fetch-Site"] == "" { all["Sec-Fetch-Site"] = nil }
    all["Cookie"] = session.cookie
    let answer = try await console.call(
      .post, "/incidents/inc-4t8a/decisions",
      body: ConsoleCaller.form(["kind": "note", "text": "x", "csrf": session.csrf]), headers: all)
    #expect(answer.status == 403)
    #expect(try console.pending().isEmpty)
  }

  @Test func `a form without the session's token changes nothing`() async throws {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let other = try #require(try await console.signIn("jonas"))
    let note = ["kind": "note", "text": "x"]
    for csrf in ["", "x", other.csrf] {
      let answer = try await console.post("/incidents/inc-4t8a/decisions", note, (session.cookie, csrf))
      #expect(answer.status == 403)
    }
    #expect(try console.pending().isEmpty)
  }

  @Test(arguments: [
    "//evil.test", "/\\evil.test", "https://evil.test", "/a\r\nSet-Cookie: x", "", "javascript:alert(1)",
  ])
  func `sign-in leads to a page of ours only`(_ to: String) {
    #expect(Console.ownPath(to) == "/incidents")
  }

  @Test func `every page forbids inline script, frames, sniffing, referrers and caches`() async throws {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    for path in ["/sign-in", "/incidents", "/incidents/inc-4t8a", "/plans/plan-7k2m", "/outbox", "/people"] {
      let answer = try await console.call(.get, path, headers: ["Cookie": session.cookie])
      #expect(answer.status == 200)
      #expect(
        answer.header("Content-Security-Policy")
          == "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
          + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
      #expect(answer.header("X-Content-Type-Options") == "nosniff")
      #expect(answer.header("Referrer-Policy") == "no-referrer")
      #expect(answer.header("Cache-Control") == "no-store")
      #expect(
        !answer.body.contains("<script>") && !answer.body.contains("style=\"")
          && !answer.body.contains(" onclick"))
    }
  }

  @Test func `the static files may be kept for ever, because their address holds their hash`() async throws {
    let console = try ConsoleCaller()
    for address in [console.console.assets.addresses.stylesheet, console.console.assets.addresses.script] {
      let answer = try await console.call(.get, address)
      #expect(answer.status == 200)
      #expect(answer.header("Cache-Control") == "public, max-age=31536000, immutable")
    }
    #expect(try await console.call(.get, "/assets/console.0000000000000000.css").status == 404)
  }

  @Test func `a header of a proxy counts from that proxy alone, and may note but not approve`() async throws {
    let console = try ConsoleCaller(
      header: .init(name: "X-Forwarded-User", proxies: ["10.0.0.1"], mayApprove: false))
    let header = ["X-Forwarded-User": "maria"]
    #expect(try await console.call(.get, "/incidents", headers: header, peer: "10.0.0.2").status == 303)
    let page = try await console.call(.get, "/incidents/inc-4t8a", headers: header, peer: "10.0.0.1")
    #expect(page.status == 200)
    let csrf = ConsoleCaller.hidden("csrf", page.body)
    func post(_ fields: [String: String]) async throws -> Int {
      try await console.call(
        .post, "/incidents/inc-4t8a/decisions",
        body: ConsoleCaller.form(fields.merging(["csrf": csrf]) { old, _ in old }),
        headers: ConsoleCaller.formHeaders.merging(header) { old, _ in old }, peer: "10.0.0.1"
      ).status
    }
    #expect(try await post(Self.approval) == 403)
    #expect(try await post(["kind": "note", "text": "seen"]) == 303)
    let decision = try #require(try console.pending().first)
    #expect(decision.via == .header && decision.approval == nil)
  }

  @Test func `hostile text of a board stays text`() async throws {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let hostile = "<script>alert(1)</script>\" onload=\"x\u{202E}\u{0}"
    var incident = try #require(try console.inbox.document(kind: "incident", id: "inc-4t8a")?.document.object)
    incident["codename"] = .string(hostile)
    incident["places"] = [["repository": .string(hostile), "path": .string(hostile)]]
    incident["next"] = ["text": .string(hostile), "command": .string(hostile)]
    try console.inbox.publish([("incident", "inc-4t8a", .object(incident))])
    for path in ["/incidents", "/incidents/inc-4t8a", "/incidents/inc-4t8a/postmortem"] {
      let page = try await console.call(.get, path, headers: ["Cookie": session.cookie])
      #expect(page.status == 200)
      #expect(!page.body.contains("<script>alert") && !page.body.contains("\" onload=\""))
      #expect(!page.body.unicodeScalars.contains("\u{202E}"))
      #expect(page.body.contains("&lt;script&gt;alert(1)"))
    }
  }

  @Test func `the post-mortem document may carry its own style and nothing else`() async throws {
    let console = try ConsoleCaller()
    let session = try #require(try await console.signIn())
    let answer = try await console.call(
      .get, "/incidents/inc-2c9v/postmortem.html", headers: ["Cookie": session.cookie])
    #expect(answer.status == 200)
    let policy = try #require(answer.header("Content-Security-Policy"))
    #expect(
      policy.contains("style-src 'sha256-") && policy.contains("sandbox")
        && policy.contains("default-src 'none'"))
    #expect(!policy.contains("unsafe"))
  }
}
