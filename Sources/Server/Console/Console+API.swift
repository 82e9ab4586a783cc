import ConsolePages
import Foundation
import HTTPTypes
import HummingbirdCore
import Inbox
import Incidents
import JSON
import People
import Secrets

extension Console {
  /// The JSON API (docs/CONSOLE.md). Errors are problem documents.
  func api(_ path: [String], _ exchange: ConsoleExchange) async throws -> Response {
    let (operations, parameters) = APIOperation.at(path)
    guard !operations.isEmpty else {
      return ConsoleResponse.problem(404, "not found", detail: "There is no such path.")
    }
    guard let operation = operations.first(where: { $0.method == exchange.request.method.rawValue }) else {
      return notAllowed(operations.map(\.method).joined(separator: ", "))
    }
    let visitor = try authentication.visitor(
      exchange.request, client: exchange.client, peer: exchange.peer, now: now())
    if operation.isOpen { return try await open(operation, exchange) }
    guard let visitor else {
      return ConsoleResponse.problem(
        401, "unauthorized", detail: "POST /api/v1/session with name and password gives a token.",
        fields: [("WWW-Authenticate", "Bearer")])
    }
    if operation.method != "GET", !isGenuineCall(exchange, visitor) {
      return ConsoleResponse.problem(403, "forbidden", detail: "With a cookie, send the header X-CSRF-Token.")
    }
    return try await answer(operation, parameters, exchange, visitor)
  }

  /// No other site can send a bearer token; a cookie it can.
  private func isGenuineCall(_ exchange: ConsoleExchange, _ visitor: Visitor) -> Bool {
    if case .bearer = visitor.proof { return true }
    let token = HTTPField.Name("X-CSRF-Token").flatMap { exchange.request.headers[$0] }
    return isGenuine(token, exchange, visitor)
  }

  private func answer(
    _ operation: APIOperation, _ parameters: [String], _ exchange: ConsoleExchange, _ visitor: Visitor
  ) async throws -> Response {
    switch operation {
    case .listIncidents: return try list(APIQuery(try exchange.fields(), of: operation))
    case .getIncident: return try document("incident", parameters[0])
    case .getPostMortem: return try document("postmortem", parameters[0])
    case .getPlan: return try document("plan", parameters[0])
    case .getOutbox: return try outbox(APIQuery(try exchange.fields(), of: operation))
    case .getStorm:
      let storm = try inbox.document(kind: "storm", id: "current")?.document
      return ConsoleResponse.json(["schema": 1, "held": .boolean(storm != nil), "storm": storm ?? .null])
    case .releaseStorm: return try await releaseStorm(exchange, visitor)
    case .getDecision: return try decision(parameters[0])
    case .postDecision: return try await decide(exchange, visitor)
    case .endSession:
      switch visitor.proof {
      case .cookie(let token), .bearer(let token): sessions.end(token)
      case .header: break  // the proxy keeps it
      }
      return ConsoleResponse.make(204, nil, [])
    case .beginSession, .getOpenAPI: return try await open(operation, exchange)
    }
  }

  private func open(_ operation: APIOperation, _ exchange: ConsoleExchange) async throws -> Response {
    guard operation == .beginSession else { return ConsoleResponse.json(OpenAPI.document) }
    let fields = try await object(exchange, members: ["name", "password"])
    guard let name = fields["name"]?.string, let password = fields["password"]?.string else {
      return ConsoleResponse.problem(422, "unprocessable content", detail: "name and password are texts.")
    }
    let answer = await doorman.check(
      name: name, password: Secret(password), people: try people(),
      client: ClientNetwork.of(exchange.client.address), now: now())
    signInLog.note(answer.outcome, client: exchange.client.address, way: "api", request: exchange.id)
    switch answer {
    case .wrong: return ConsoleResponse.problem(403, "forbidden", detail: "Name or password is wrong.")
    case .tooMany:
      return ConsoleResponse.problem(
        429, "too many requests", detail: "Too many tries. Wait a minute.", fields: [("Retry-After", "60")])
    case .busy: return ConsoleResponse.problem(503, "try again", fields: [("Retry-After", "5")])
    case .identity(_, let person):
      let (token, session) = sessions.begin(person.name, fingerprint: person.fingerprint, now: now())
      return ConsoleResponse.json(
        ["schema": 1, "token": .string(token), "expires": .string(Timestamp.text(session.expires))],
        status: 201)
    }
  }

  private func document(_ kind: String, _ id: String) throws -> Response {
    guard let found = try inbox.document(kind: kind, id: id) else {
      return ConsoleResponse.problem(404, "not found", detail: "The board has no such \(kind).")
    }
    return ConsoleResponse.json(found.document)
  }

  private func decision(_ text: String) throws -> Response {
    guard let number = Int(text), number > 0 else {
      return ConsoleResponse.problem(
        400, "bad request", detail: "A decision's number is a whole number from 1.")
    }
    let outcome = try inbox.outcome(ofDecision: number)
    guard try outcome != nil || inbox.holdsDecision(number) else {
      return ConsoleResponse.problem(404, "not found", detail: "There is no such decision.")
    }
    return ConsoleResponse.json([
      "schema": 1, "decision": .integer(number), "applied": .boolean(outcome != nil),
      "outcome": outcome.map { .string($0) } ?? .null,
    ])
  }

  private func decide(_ exchange: ConsoleExchange, _ visitor: Visitor) async throws -> Response {
    var sent = try await object(
      exchange,
      members: [
        "kind", "incident", "plan", "digest", "step", "role", "confirm", "text", "password", "fields",
      ])
    let given = sent.removeValue(forKey: "fields") ?? [:]
    let answers = (given.object ?? [:]).compactMapValues(\.string)
    guard answers.count == given.object?.count, answers.values.allSatisfy({ Console.isText($0, 0...4000) })
    else {
      return ConsoleResponse.problem(422, "unprocessable content", detail: "fields are texts.")
    }
    if let problem = misfit(sent) { return problem }
    let fields = DecisionFields(
      kind: sent["kind"]?.string ?? "", incident: sent["incident"]?.string, plan: sent["plan"]?.string,
      digest: sent["digest"]?.string, step: sent["step"]?.string, role: sent["role"]?.string,
      confirm: sent["confirm"]?.string, text: sent["text"]?.string, answers: answers,
      password: sent["password"]?.string.map { Secret($0) })
    return try await store(fields, visitor)
  }

  private func releaseStorm(_ exchange: ConsoleExchange, _ visitor: Visitor) async throws -> Response {
    let sent = try await object(exchange, members: ["reason", "role", "password"])
    if let problem = misfit(sent) { return problem }
    guard sent["reason"] != nil, sent["password"] != nil else {
      return ConsoleResponse.problem(422, "unprocessable content", detail: "reason and password are needed.")
    }
    return try await store(
      DecisionFields(
        kind: NewDecision.Kind.acknowledge.rawValue, role: sent["role"]?.string, text: sent["reason"]?.string,
        password: sent["password"]?.string.map { Secret($0) }), visitor)
  }

  private func store(_ fields: DecisionFields, _ visitor: Visitor) async throws -> Response {
    do {
      let number = try await decisions.store(fields, by: visitor)
      return ConsoleResponse.json(
        ["schema": 1, "decision": .integer(number)], status: 201,
        fields: [("Location", "/api/v1/decisions/\(number)")])
    } catch let refusal as DecisionRefusal {
      let fix = refusal.failure.fix.map { " " + $0 } ?? ""
      return ConsoleResponse.problem(
        refusal.status, refusal.failure.what, detail: refusal.failure.because + fix)
    }
  }

  /// Whether a text is as long as the document of the API says; characters are Unicode scalars there.
  private static func isText(_ text: String, _ length: ClosedRange<Int>) -> Bool {
    length.contains(text.unicodeScalars.count)
  }

  /// Looked at before anything else: what does not fit is no answer to a question that may be open.
  private func misfit(_ sent: [String: JSONValue]) -> Response? {
    for (name, value) in sent.sorted(by: { $0.key < $1.key }) {
      let length =
        switch name {
        case "text", "reason": 1...4000
        case "password": 0...1024
        default: 1...200  // names
        }
      let isBlank = ["text", "reason"].contains(name) && value.string.map(OpenAPI.isBlank) ?? false
      guard let text = value.string, Console.isText(text, length), !isBlank else {
        return ConsoleResponse.problem(
          422, "unprocessable content", detail: "\(name) is no text of a length that is taken.")
      }
    }
    return nil
  }

  /// A body that is one object with these members and no others.
  private func object(_ exchange: ConsoleExchange, members: Set<String>) async throws(Refusal) -> [String:
    JSONValue]
  {
    let type = (exchange.request.headers[.contentType] ?? "").prefix { $0 != ";" }.lowercased()
    guard type == "application/json" else { throw .mediaType("the body is no application/json") }
    let bytes = try await exchange.bytes()
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue(parsing: bytes) } catch {
      throw .malformed("the body is no JSON: \(error)")
    }
    guard let object = value.object else { throw .malformed("the body is no object") }
    for name in object.keys where !members.contains(name) {
      throw .malformed("the body has a member that is not described")
    }
    return object
  }
}
