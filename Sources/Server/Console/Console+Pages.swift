import ConsolePages
import Foundation
import HTTPTypes
import HummingbirdCore
import Inbox
import JSON
import People
import Secrets

extension Console {
  /// The pages for people. Nil: no such page, the endpoint says 404.
  func page(_ path: [String], _ exchange: ConsoleExchange) async throws -> Response? {
    let isRead = exchange.request.method == .get || exchange.request.method == .head
    let isPost = exchange.request.method == .post
    let visitor = try authentication.visitor(
      exchange.request, client: exchange.client, peer: exchange.peer, now: now())
    switch (path.count, path.first) {
    case (0, _): return isRead ? ConsoleResponse.redirect("/incidents") : notAllowed("GET, HEAD")
    case (1, "sign-in"):
      return isRead
        ? try signInPage(exchange) : isPost ? try await signIn(exchange) : notAllowed("GET, HEAD, POST")
    case (1, "sign-out"): return isPost ? try await signOut(exchange, visitor) : notAllowed("POST")
    case (1, "decide"):
      guard isRead || isPost else { return notAllowed("GET, HEAD, POST") }
      guard let visitor else { return askToSignIn(exchange) }
      return isRead ? try severalPage(exchange, visitor) : try await decideSeveral(exchange, visitor)
    case (1, "events"): return isRead ? try stream(exchange, visitor) : notAllowed("GET")
    case (1, "incidents"), (1, "outbox"), (1, "people"), (2, "incidents"), (2, "plans"),
      (3, "incidents") where ["postmortem", "postmortem.html", "postmortem.md"].contains(path.last):
      guard isRead else { return notAllowed("GET, HEAD") }
      guard let visitor else { return askToSignIn(exchange) }
      return try show(path, exchange, visitor)
    case (1, "storm"),
      (3, "incidents") where path.last == "decisions", (3, "plans") where path.last == "decisions":
      guard isPost else { return notAllowed("POST") }
      guard let visitor else { return askToSignIn(exchange) }
      return try await decide(path, exchange, visitor)
    default: return nil  // every other path is another's, or nobody's
    }
  }

  private func askToSignIn(_ exchange: ConsoleExchange) -> Response {
    let here = exchange.request.method == .get ? exchange.request.uri.path : "/incidents"
    return ConsoleResponse.redirect("/sign-in?to=" + here)
  }

  private func missing(_ what: String, _ visitor: Visitor) throws -> Response {
    ConsoleResponse.page(
      pages.message("Not found", "There is no such \(what) on the board.", in: try frame(visitor.viewer)),
      status: 404)
  }

  private func show(_ path: [String], _ exchange: ConsoleExchange, _ visitor: Visitor) throws -> Response {
    if path.count == 3, path[2] != "postmortem" { return try document(path, visitor) }
    let frame = try frame(visitor.viewer, here: exchange.here)
    guard let html = try html(path, try exchange.fields(), visitor, frame) else {
      return try missing(path[0] == "plans" ? "plan" : "incident", visitor)
    }
    return ConsoleResponse.page(html)
  }

  /// A page of a signed-in person; nil when the board has nothing of this name.
  func html(_ path: [String], _ query: FormFields?, _ visitor: Visitor, _ frame: Frame) throws -> String? {
    switch (path.count, path[0]) {
    case (1, "incidents"): return pages.incidents(try listing(ListAddress(query)).listing, in: frame)
    case (1, "outbox"): return pages.outbox(try outbox(page: ListAddress(query).page), in: frame)
    case (1, "people"):
      return pages.people(try everybody(), in: frame)
    case (2, "plans"): return try planPage(path[1], visitor, frame, said: try said(query))
    case (2, "incidents"): return try incidentPage(path[1], visitor, frame, said: try said(query))
    case (3, "incidents"):
      guard let incident = try inbox.document(kind: "incident", id: path[1])?.document else { return nil }
      let draft = try inbox.document(kind: "postmortem", id: path[1])?.document
      return pages.postMortem(draft, incident: incident, in: frame)
    default: return nil  // no page of the board
    }
  }

  private func everybody() throws -> [ConsolePages.Person] {
    try people().people.map {
      ConsolePages.Person(name: $0.name, roles: $0.roles, fingerprint: $0.fingerprint)
    }
  }

  /// The post-mortem as a document of its own, or as text.
  private func document(_ path: [String], _ visitor: Visitor) throws -> Response {
    let draft = try inbox.document(kind: "postmortem", id: path[1])?.document
    if path[2] == "postmortem.html", let html = draft?["html"]?.string {
      return ConsoleResponse.document(html)
    }
    if path[2] == "postmortem.md", let markdown = draft?["markdown"]?.string {
      return ConsoleResponse.make(200, "text/markdown; charset=utf-8", Array(markdown.utf8))
    }
    return try missing("document", visitor)
  }

  func incidentPage(
    _ id: String, _ visitor: Visitor, _ frame: Frame, failure: Failure? = nil, kept: KeptForm? = nil,
    said: (what: String, outcome: String)? = nil
  ) throws -> String? {
    guard let incident = try inbox.document(kind: "incident", id: id)?.document else { return nil }
    let plan = try incident["plan"]?["id"]?.string.flatMap {
      try inbox.document(kind: "plan", id: $0)?.document
    }
    let pending = try inbox.pendingDecisions().filter { $0.incident == id }.map {
      "\($0.said.words): waits for the worker"
    }
    return pages.incident(
      incident, plan: plan, in: frame, viewer: visitor.viewer, failure: failure, kept: kept, said: said,
      pending: pending, people: try everybody())
  }

  func planPage(
    _ id: String, _ visitor: Visitor, _ frame: Frame, failure: Failure? = nil,
    said: (what: String, outcome: String)? = nil
  ) throws -> String? {
    guard let plan = try inbox.document(kind: "plan", id: id)?.document else { return nil }
    let incident = try plan["incident"]?.string.flatMap {
      try inbox.document(kind: "incident", id: $0)?.document
    }
    return pages.plan(
      plan, incident: incident, in: frame, viewer: visitor.viewer, failure: failure, said: said)
  }

  private func said(_ query: FormFields?) throws -> (what: String, outcome: String)? {
    guard let number = query?["said"].flatMap({ Int($0) }), number > 0 else { return nil }
    let outcome = try inbox.outcome(ofDecision: number)
    return ("Decision \(number) is stored.", outcome ?? "The worker has not applied it yet.")
  }

  private func stream(_ exchange: ConsoleExchange, _ visitor: Visitor?) throws -> Response {
    guard let visitor else { return ConsoleResponse.problem(401, "unauthorized") }
    guard let address = try LiveAddress(try exchange.fields()?["page"] ?? "/incidents") else {
      return ConsoleResponse.problem(400, "bad request", detail: "page is no address of a page.")
    }
    let (start, isOver) = (now(), isOver(visitor))
    guard
      let response = events.response(
        exchange.request, isConnected: exchange.isConnected, person: visitor.person, isOver: isOver,
        changes: { try changes(on: address, for: visitor, at: start, since: &$0) })
    else {
      return ConsoleResponse.problem(503, "too many streams", fields: [("Retry-After", "30")])
    }
    return response
  }

  /// Whether whoever opened a stream may no longer see it: what it sends is what a page shows, so it asks what a page asks.
  private func isOver(_ visitor: Visitor) -> @Sendable () -> Bool {
    switch visitor.proof {
    case .cookie(let token), .bearer(let token):
      return { [sessions, now, people] in
        guard let session = sessions.peek(token, now: now()) else { return true }
        do {
          return try people()[session.person]?.fingerprint != session.fingerprint
        } catch {
          return true  // a file that cannot be read lets nobody in
        }
      }
    case .header:
      // The proxy knows who is still signed in there: it is asked again by the browser's next stream.
      let end = now().addingTimeInterval(Console.longestHeaderStream)
      return { [now] in now() >= end }
    }
  }

  /// Seconds.
  private static let longestHeaderStream = 600.0
}
