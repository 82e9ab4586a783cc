import ConsolePages
import Foundation
import HummingbirdCore
import JSON
import Logging
import People
import Secrets

extension Console {
  // MARK: Sign-in

  func signInPage(_ exchange: ConsoleExchange, failure: Failure? = nil, status: Int = 200, to: String? = nil)
    throws
    -> Response
  {
    let destination = Console.ownPath(to ?? exchange.query("to"))
    // The form's token belongs to a cookie of this browser: nobody can sign a victim in as somebody else.
    let known = authentication.formCookie(exchange.request, exchange.client)
    let cookie = known ?? Sessions.randomToken()
    let page = pages.signIn(
      token: authentication.formToken(cookie), destination: destination, failure: failure, in: try frame(nil))
    let fields =
      known == nil
      ? [("Set-Cookie", authentication.setCookie(cookie, exchange.request, exchange.client, suffix: "-form"))]
      : []
    return ConsoleResponse.page(page, status: status, fields: fields)
  }

  func signIn(_ exchange: ConsoleExchange) async throws -> Response {
    let form = try await exchange.form()
    guard authentication.isSameOrigin(exchange.request),
      let cookie = authentication.formCookie(exchange.request, exchange.client), let token = form["csrf"],
      isSameToken(token, authentication.formToken(cookie))
    else {
      return try signInPage(
        exchange,
        failure: Failure(
          "Not signed in.", because: "The form was too old, or came from elsewhere. Try again."),
        status: 403)
    }
    let to = form["to"]
    switch await doorman.check(
      name: form["name"] ?? "", password: Secret(form["password"] ?? ""), people: try people(),
      client: ClientNetwork.of(exchange.client.address), now: now())
    {
    case .identity(_, let person):
      let (session, _) = sessions.begin(person.name, fingerprint: person.fingerprint, now: now())
      signInLog.note(.done, client: exchange.client.address, way: "form", request: exchange.id)
      return ConsoleResponse.redirect(
        Console.ownPath(to),
        fields: [("Set-Cookie", authentication.setCookie(session, exchange.request, exchange.client))])
    case .wrong:
      signInLog.note(.wrong, client: exchange.client.address, way: "form", request: exchange.id)
      return try signInPage(
        exchange, failure: Failure("Not signed in.", because: "Name or password is wrong."), status: 403,
        to: to)
    case .tooMany:
      signInLog.note(.tooMany, client: exchange.client.address, way: "form", request: exchange.id)
      return try signInPage(
        exchange, failure: Failure("Not signed in.", because: "Too many tries. Wait a minute."), status: 429,
        to: to)
    case .busy:
      signInLog.note(.busy, client: exchange.client.address, way: "form", request: exchange.id)
      return try signInPage(
        exchange, failure: Failure("Not signed in.", because: "Too many sign-ins at once. Try again."),
        status: 503,
        to: to)
    }
  }

  func signOut(_ exchange: ConsoleExchange, _ visitor: Visitor?) async throws -> Response {
    let form = try await exchange.form()
    guard let visitor, case .cookie(let token) = visitor.proof else {
      return ConsoleResponse.redirect("/sign-in")
    }
    guard isGenuine(form["csrf"], exchange, visitor) else { return try forged(visitor) }
    sessions.end(token)
    return ConsoleResponse.redirect(
      "/sign-in", fields: [("Set-Cookie", authentication.setCookie(nil, exchange.request, exchange.client))])
  }

  /// A path of ours, never another site: `//host` and `/\host` are addresses of others.
  static func ownPath(_ text: String?) -> String {
    guard let text, text.wholeMatch(of: /\/(?:[A-Za-z0-9._~%-][A-Za-z0-9._~%\/-]*)?/) != nil, text.count < 512
    else {
      return "/incidents"
    }
    return text == "/" ? "/incidents" : text
  }

  // MARK: Decisions

  /// Whether a change was asked for by our own page in this session.
  func isGenuine(_ token: String?, _ exchange: ConsoleExchange, _ visitor: Visitor) -> Bool {
    guard authentication.isSameOrigin(exchange.request), let token else { return false }
    return isSameToken(token, visitor.csrf)
  }

  func forged(_ visitor: Visitor) throws -> Response {
    ConsoleResponse.page(
      pages.message(
        "Not taken",
        "The form was too old, or came from elsewhere. Go back, load the page again and repeat it.",
        in: try frame(visitor.viewer)), status: 403)
  }

  /// A form beside an incident, a plan or the storm. Stored: redirect. Refused: the same page with the reason.
  func decide(_ path: [String], _ exchange: ConsoleExchange, _ visitor: Visitor) async throws -> Response {
    let form = try await exchange.form()
    guard isGenuine(form["csrf"], exchange, visitor) else { return try forged(visitor) }
    var fields = DecisionFields(
      kind: form["kind"] ?? "", incident: nil, plan: form["plan"].flatMap { $0.isEmpty ? nil : $0 },
      digest: form["digest"], step: form["step"], role: form["role"], confirm: form["confirm"],
      text: form["text"], answers: form.all(behind: "field-"),
      password: form["password"].map { Secret($0) })
    switch path[0] {
    case "incidents": fields.incident = path[1]
    case "plans": fields.plan = path[1]
    default: fields.kind = "acknowledge"  // the storm's banner has no other form
    }
    do {
      let number = try await decisions.store(fields, by: visitor)
      let here = path[0] == "storm" ? "/incidents" : "/\(path[0])/\(Console.escaped(path[1]))"
      return ConsoleResponse.redirect(here + "?said=\(number)#said")
    } catch let refusal as DecisionRefusal {
      let kept = KeptForm(kind: fields.kind, text: fields.text ?? "")
      let here = path[0] == "storm" ? "/incidents" : "/\(path[0])/\(Console.escaped(path[1]))"
      let around = try frame(visitor.viewer, here: here)
      let page =
        path[0] == "incidents"
        ? try incidentPage(path[1], visitor, around, failure: refusal.failure, kept: kept)
        : path[0] == "plans" ? try planPage(path[1], visitor, around, failure: refusal.failure) : nil
      return ConsoleResponse.page(
        page ?? pages.message(refusal.failure.what, refusal.failure.because, in: around),
        status: refusal.status)
    }
  }

  private static func escaped(_ segment: String) -> String {
    segment.addingPercentEncoding(
      withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~")))
      ?? ""
  }
}
