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
    let frame = try frame(visitor.viewer, here: exchange.here)
    switch (path.count, path[0]) {
    case (1, "incidents"):
      return ConsoleResponse.page(
        pages.incidents(try listing(ListAddress(try exchange.fields())).listing, in: frame))
    case (1, "outbox"):
      return ConsoleResponse.page(
        pages.outbox(try outbox(page: ListAddress(try exchange.fields()).page), in: frame))
    case (1, "people"):
      let known = try people().people.map {
        ConsolePages.Person(name: $0.name, roles: $0.roles, fingerprint: $0.fingerprint)
      }
      return ConsoleResponse.page(pages.people(known, in: frame))
    case (2, "plans"):
      guard let page = try planPage(path[1], visitor, said: try said(exchange)) else {
        return try missing("plan", visitor)
      }
      return ConsoleResponse.page(page)
    case (2, "incidents"):
      guard let page = try incidentPage(path[1], visitor, said: try said(exchange)) else {
        return try missing("incident", visitor)
      }
      return ConsoleResponse.page(page)
    default:  // the three forms of a post-mortem
      guard let incident = try inbox.document(kind: "incident", id: path[1])?.document else {
        return try missing("incident", visitor)
      }
      let draft = try inbox.document(kind: "postmortem", id: path[1])?.document
      switch path[2] {
      case "postmortem.html":
        guard let html = draft?["html"]?.string else { return try missing("document", visitor) }
        return ConsoleResponse.document(html)
      case "postmortem.md":
        guard let markdown = draft?["markdown"]?.string else { return try missing("document", visitor) }
        return ConsoleResponse.make(200, "text/markdown; charset=utf-8", Array(markdown.utf8))
      default:  // the page itself
        return ConsoleResponse.page(pages.postMortem(draft, incident: incident, in: frame))
      }
    }
  }

  func incidentPage(
    _ id: String, _ visitor: Visitor, failure: Failure? = nil, kept: KeptForm? = nil,
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
      incident, plan: plan, in: try frame(visitor.viewer), viewer: visitor.viewer, failure: failure,
      kept: kept,
      said: said, pending: pending)
  }

  func planPage(
    _ id: String, _ visitor: Visitor, failure: Failure? = nil, said: (what: String, outcome: String)? = nil
  ) throws -> String? {
    guard let plan = try inbox.document(kind: "plan", id: id)?.document else { return nil }
    let incident = try plan["incident"]?.string.flatMap {
      try inbox.document(kind: "incident", id: $0)?.document
    }
    return pages.plan(
      plan, incident: incident, in: try frame(visitor.viewer), viewer: visitor.viewer, failure: failure,
      said: said)
  }

  private func said(_ exchange: ConsoleExchange) throws -> (what: String, outcome: String)? {
    guard let number = exchange.query("said").flatMap({ Int($0) }), number > 0 else { return nil }
    let outcome = try inbox.outcome(ofDecision: number)
    return ("Decision \(number) is stored.", outcome ?? "The worker has not applied it yet.")
  }

  private func stream(_ exchange: ConsoleExchange, _ visitor: Visitor?) throws -> Response {
    guard let visitor else { return ConsoleResponse.problem(401, "unauthorized") }
    let isOver: @Sendable () -> Bool
    switch visitor.proof {
    case .cookie(let token), .bearer(let token):
      isOver = { [sessions, now] in !sessions.isLive(token, now: now()) }
    case .header: isOver = { false }
    }
    guard
      let response = events.response(
        exchange.request, isConnected: exchange.isConnected, person: visitor.person, isOver: isOver)
    else {
      return ConsoleResponse.problem(503, "too many streams", fields: [("Retry-After", "30")])
    }
    return response
  }
}
