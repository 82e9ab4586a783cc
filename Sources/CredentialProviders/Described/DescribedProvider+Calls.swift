import Capabilities
import Foundation
import Incidents
import JSON
import Playbooks
import RESTClient
import Secrets

// How a call of a provider file becomes a request, and an answer a value.
extension DescribedProvider {
  typealias Names = [String: Value]

  /// Rate limits and what a status means, as every JSON API has it.
  var api: RESTClient {
    RESTClient(
      base: settings.base, login: .nobody, trust: settings.trust, environment: environment,
      fix: "the runner's credential needs: \(description.privilege)")
  }

  func failure(of answer: HTTPResponse, _ operation: String, changes: Bool) -> CapabilityError? {
    api.failure(of: answer, operation, changes: changes)
  }

  /// Method and path without what stands in its holes and query: `GET /v3/api_keys/{}`.
  func shown(_ call: ProviderCall) -> String {
    let path: String
    switch call.path {
    case .text(let pieces):
      path = pieces.map { if case .literal(let text) = $0 { text } else { "{}" } }.joined()
    case .literal(let value): path = value.text ?? ""
    case .expression, .list, .record: path = "/{}"
    }
    return "\(call.method.rawValue) " + api.shown(path)
  }

  // MARK: questions

  func fetch(_ call: ProviderCall, _ names: Names, leaked: Secret? = nil, query: String? = nil)
    async throws(CapabilityError) -> HTTPResponse
  {
    try await environment.http.fetch(try await question(call, names, leaked: leaked, query: query))
  }

  /// - Throws: what a status outside 2xx means.
  func checked(_ call: ProviderCall, _ names: Names, leaked: Secret? = nil, query: String? = nil)
    async throws(CapabilityError) -> HTTPResponse
  {
    let answer = try await fetch(call, names, leaked: leaked, query: query)
    if let failure = failure(of: answer, shown(call), changes: false) { throw failure }
    return answer
  }

  /// - Parameter user: HTTP basic: whose `leaked` is; nil: whose the file says.
  func question(
    _ call: ProviderCall, _ names: Names, leaked: Secret?, query: String? = nil, user: String? = nil
  )
    async throws(CapabilityError) -> SafeRequest
  {
    let login = user.map { ProviderLogin.basic(user: .literal(.string($0))) }
    let request = try await request(call, names, leaked: leaked, fresh: nil, query: query, login: login)
    let safe: SafeRequest
    switch call.method {
    case .get: safe = .get(request.url, headers: request.headers)
    case .post:
      safe = .post(
        request.url, headers: request.headers, body: request.body,
        readOnlyBecause: "the provider file declares it as a question; its lint refuses other methods")
    case .head, .options, .put, .patch, .delete:
      throw CapabilityError(
        .configuration, shown(call), because: "a question must only look", fix: "correct \(description.file)")
    }
    return safe.trusting(settings.trust)
  }

  // MARK: requests

  /// - Parameters:
  ///   - leaked: the credential that the call is about.
  ///   - fresh: a new value for a body.
  ///   - query: of the next page.
  ///   - login: how `leaked` is shown; nil: as the file says.
  func request(
    _ call: ProviderCall, _ names: Names, leaked: Secret?, fresh: Secret?, query: String? = nil,
    login: ProviderLogin? = nil
  )
    async throws(CapabilityError) -> HTTPRequest
  {
    let scope = scope(names)
    var path = try address(call.path, scope, call)
    if let query { path += (path.contains("?") ? "&" : "?") + query }
    var headers: [(name: String, value: HTTPField)] = []
    for header in description.headers + call.headers {
      headers.append((header.name, .text(try headerText(header.value, scope, call))))
    }
    switch call.presenter {
    case .nobody: break
    case .leaked:
      guard let leaked else { throw missingSecret(call) }
      if let login = try field(login ?? description.login, leaked, scope, call) { headers.append(login) }
    case .runner:
      for runner in description.runner {
        let own = try await self.login(runner, scope)
        if let login = try field(runner.login, own, scope, call) { headers.append(login) }
      }
    }
    var request = HTTPRequest(call.method, base(of: call) + path, headers: headers, timeout: .seconds(30))
    request.trust = settings.trust
    if let body = call.body {
      var json = try json(body, scope, secret: leaked, fresh: fresh, call)
      if !call.keeps.isEmpty { json = try await kept(json, of: call, names, leaked: leaked) }
      let type = call.isForm ? "application/x-www-form-urlencoded" : "application/json"
      if !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
        request.headers.append(("Content-Type", .text(type)))
      }
      request.body = .secret(
        call.isForm ? Self.form(json) : Secret(SecretBytes(copying: json.canonicalBytes)))
    }
    return request
  }

  /// The members of `body` on top of those that stay. Whoever changes the thing between this look and the call is overwritten:
  /// such an API has no better way.
  private func kept(_ body: JSONValue, of call: ProviderCall, _ names: Names, leaked: Secret?)
    async throws(CapabilityError) -> JSONValue
  {
    let answer = ProviderAnswer(try await checked(call.looking, names, leaked: leaked))
    let operation = shown(call.looking)
    guard let present = answer.body.object else {
      throw CapabilityError(
        .invalid, operation, because: "the answer has nothing that could stay as it is",
        fix: "check base_url; nothing was changed")
    }
    var members = call.keeps == ["*"] ? present : [:]
    for name in call.keeps where name != "*" {
      guard let member = present[name] else {
        throw CapabilityError(
          .invalid, operation, because: "the answer has no \"\(name)\", which must stay as it is",
          fix: "the provider file may be older than the API; nothing was changed")
      }
      members[name] = member
    }
    return .object(members.merging(body.object ?? [:]) { _, new in new })
  }

  private func base(of call: ProviderCall) -> String {
    settings.isBaseOwn ? settings.base : call.base ?? settings.base
  }

  func scope(_ names: Names) -> Scope {
    Scope(items: names.merging(["settings": .record(settings.scope)]) { own, _ in own })
  }

  /// The path: what an expression gives is one part of it, whatever it holds.
  func address(_ template: Template, _ scope: Scope, _ call: ProviderCall) throws(CapabilityError)
    -> String
  {
    func part(_ expression: Playbooks.Expression) throws(CapabilityError) -> String {
      let text = try evaluated(expression, scope).text
      guard let text, !text.isEmpty, text != ".", text != ".." else {
        throw CapabilityError(
          .invalid, "\(call.method.rawValue) of \(settings.name)",
          because: "a part of the address would be empty or a dot",
          fix: "check \(description.file)")
      }
      return RESTClient.escaped(text)
    }
    switch template {
    case .literal(let value): return value.text ?? "/"
    case .expression(let expression): return "/" + (try part(expression))
    case .text(let pieces):
      var path = ""
      for piece in pieces {
        switch piece {
        case .literal(let text): path += text
        case .expression(let expression): path += try part(expression)
        }
      }
      return path
    case .list, .record: return "/"
    }
  }

  func headerText(_ template: Template, _ scope: Scope, _ call: ProviderCall) throws(CapabilityError)
    -> String
  {
    let text: String?
    do throws(EvaluationError) { text = try template.value(in: scope).text } catch { text = nil }
    guard let text, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      throw CapabilityError(
        .invalid, "\(call.method.rawValue) of \(settings.name)",
        because: "a header would not be printable text",
        fix: "check the settings of the entry")
    }
    return text
  }

  /// Secrets are put in place last and alone, so that their characters are never taken for anything else.
  func json(
    _ body: ProviderBody, _ scope: Scope, secret: Secret?, fresh: Secret?, _ call: ProviderCall
  )
    throws(CapabilityError) -> JSONValue
  {
    switch body {
    case .secret:
      guard let secret else { throw missingSecret(call) }
      return .string(secret.exposeAsText())
    case .fresh:
      guard let fresh else {
        throw CapabilityError(.invalid, shown(call), because: "there is no new value to send")
      }
      return .string(fresh.exposeAsText())
    case .template(let template):
      let value: Value
      do throws(EvaluationError) { value = try template.value(in: scope) } catch {
        throw CapabilityError(.invalid, shown(call), because: error.because, fix: error.fix)
      }
      switch value {
      case .null: return .null
      case .boolean(let truth): return .boolean(truth)
      case .integer(let number): return .integer(number)
      default:
        guard let text = value.text else {
          throw CapabilityError(
            .invalid, shown(call), because: "a part of the body is not known",
            fix: "check the settings of the entry")
        }
        return .string(text)
      }
    case .list(let elements):
      var found: [JSONValue] = []
      for element in elements { found.append(try json(element, scope, secret: secret, fresh: fresh, call)) }
      return .array(found)
    case .record(let members):
      var found: [String: JSONValue] = [:]
      for (name, member) in members {
        found[name] = try json(member, scope, secret: secret, fresh: fresh, call)
      }
      return .object(found)
    }
  }

  private static func form(_ json: JSONValue) -> Secret {
    let members = (json.object ?? [:]).sorted { $0.key < $1.key }
    let pairs = members.map { name, value in
      let text = value.string ?? value.canonicalText
      return RESTClient.escaped(name) + "=" + RESTClient.escaped(text)
    }
    return Secret(pairs.joined(separator: "&"))
  }

  private func missingSecret(_ call: ProviderCall) -> CapabilityError {
    CapabilityError(
      .invalid, shown(call), because: "only the id of the leak is known, and this needs its value",
      fix: "give the value (--secret env:NAME), or stop it by its id \(place)")
  }

  // MARK: answers

  func value(_ expression: Playbooks.Expression, _ names: Names) throws(CapabilityError) -> Value {
    try evaluated(expression, scope(names))
  }

  private func evaluated(_ expression: Playbooks.Expression, _ scope: Scope) throws(CapabilityError) -> Value
  {
    do throws(EvaluationError) { return try expression.value(in: scope) } catch {
      throw CapabilityError(
        .invalid, "read \(settings.name)", because: error.because, fix: "check \(description.file)")
    }
  }

  /// Nil where the answer does not have it.
  func text(_ template: Template, _ names: Names) -> String? {
    do throws(EvaluationError) { return try template.value(in: scope(names)).text } catch { return nil }
  }

  /// - Returns: nil where it depends on what is not there.
  func truth(_ expression: Playbooks.Expression?, _ names: Names) throws(CapabilityError) -> Bool? {
    guard let expression else { return nil }
    do throws(EvaluationError) { return try expression.truth(in: scope(names)) } catch {
      throw CapabilityError(
        .invalid, "read \(settings.name)", because: error.because, fix: "check \(description.file)")
    }
  }
}
