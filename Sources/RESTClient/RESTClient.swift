public import Capabilities
import Foundation
public import JSON
public import Secrets

/// Calls of one system's JSON API below a base address of staunch.yaml, with the runner's own credential.
///
/// What every API asks for alike stands here: the header with the credential, pages, rate limits, what a status means, the
/// target's own trust. An address that an answer names is never followed: pages are asked for by number or cursor. The pace
/// is the transport's (`PacedTransport`); answers never go into errors.
public struct RESTClient: Sendable {
  /// How the runner shows who it is.
  public struct Login: Sendable {
    enum Source: Sendable {
      /// Nobody: an API that anyone may call.
      case nobody
      /// `env:…`, read at each call.
      case reference(String)
      /// What the call is about is its own authority.
      case value(Secret)
      /// Drawn when it is needed, and kept until it is about to end.
      case tokens(AccessTokens)
      /// Asked for at each call; nil: the connection itself shows who we are.
      case asked(@Sendable () async throws(CapabilityError) -> Secret?)
    }
    let header: String
    let prefix: String
    let source: Source

    private init(header: String, prefix: String, source: Source) {
      self.header = header
      self.prefix = prefix
      self.source = source
    }

    /// The runner's own credential, by its reference.
    public init(header: String = "Authorization", prefix: String = "Bearer ", _ reference: String) {
      self.init(header: header, prefix: prefix, source: .reference(reference))
    }

    /// A credential that acts for itself: a leaked token revokes itself.
    public init(header: String = "Authorization", prefix: String = "Bearer ", as secret: Secret) {
      self.init(header: header, prefix: prefix, source: .value(secret))
    }

    /// Access tokens that are drawn as they are needed.
    public init(header: String = "Authorization", prefix: String = "Bearer ", from tokens: AccessTokens) {
      self.init(header: header, prefix: prefix, source: .tokens(tokens))
    }

    /// A token that is asked for at each call; nil: there is none, and the connection itself shows who we are.
    init(asking token: @escaping @Sendable () async throws(CapabilityError) -> Secret?) {
      self.init(header: "Authorization", prefix: "Bearer ", source: .asked(token))
    }

    /// No login at all.
    public static let nobody = Login(header: "", prefix: "", source: .nobody)
  }

  /// Without a slash at its end.
  public let base: String
  public let login: Login
  /// What else the API wants in every request.
  public let headers: [(name: String, value: HTTPField)]
  private let trust: @Sendable () async throws(CapabilityError) -> ServerTrust?
  public let environment: AdapterEnvironment
  /// What the login must be allowed: shown with a refusal.
  public let fix: String
  /// What a status means to this API alone; nil: what it means to all.
  public let exceptions: @Sendable (_ status: Int) -> (because: String, fix: String)?

  public init(
    base: String, login: Login, headers: [(name: String, value: HTTPField)] = [], trust: ServerTrust? = nil,
    environment: AdapterEnvironment, fix: String,
    exceptions: @escaping @Sendable (_ status: Int) -> (because: String, fix: String)? = { _ in nil }
  ) {
    self.init(
      base: base, login: login, headers: headers, trusting: { trust }, environment: environment, fix: fix,
      exceptions: exceptions)
  }

  /// - Parameter trust: asked for at each call.
  init(
    base: String, login: Login, headers: [(name: String, value: HTTPField)] = [],
    trusting trust: @escaping @Sendable () async throws(CapabilityError) -> ServerTrust?,
    environment: AdapterEnvironment, fix: String,
    exceptions: @escaping @Sendable (_ status: Int) -> (because: String, fix: String)? = { _ in nil }
  ) {
    self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
    self.login = login
    self.headers = headers
    self.trust = trust
    self.environment = environment
    self.fix = fix
    self.exceptions = exceptions
  }

  // MARK: questions

  /// One answer as it came, for whoever reads refusals too. - Parameter path: as for ``fetch(_:)``.
  public func answer(_ path: String) async throws(CapabilityError) -> HTTPResponse {
    try await environment.http.fetch(
      SafeRequest.get(base + path, headers: try await allHeaders()).trusting(try await trust()))
  }

  /// One answer, checked. - Parameter path: with or without a query; texts of it are ``escaped(_:)``.
  public func fetch(_ path: String) async throws(CapabilityError) -> HTTPResponse {
    let answer = try await self.answer(path)
    if let failure = failure(of: answer, "GET \(shown(path))", changes: false) { throw failure }
    return answer
  }

  public func get(_ path: String) async throws(CapabilityError) -> JSONValue {
    try json(try await fetch(path), "GET \(shown(path))")
  }

  // MARK: changes

  /// Sends a change; the answer as it came, for whoever reads refusals too. - Parameter body: JSON.
  public func exchange(
    _ method: HTTPRequest.Method, _ path: String, _ body: HTTPRequest.Body = .none,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HTTPResponse {
    var request = HTTPRequest(
      method, base + path, headers: try await allHeaders(), body: body, timeout: .seconds(30))
    switch body {
    case .none: break
    case .bytes, .secret: request.headers.append(("Content-Type", .text("application/json")))
    }
    request.trust = try await trust()
    return try await environment.http.send(request, under: authority)
  }

  /// - Returns: the answer's JSON. - Throws: `.unknownOutcome` also when it was done and the answer cannot be read.
  @discardableResult
  public func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: JSONValue,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> JSONValue {
    let operation = "\(method.rawValue) \(shown(path))"
    let answer = try await exchange(method, path, .bytes(Data(body.canonicalBytes)), under: authority)
    if let failure = failure(of: answer, operation, changes: true) { throw failure }
    guard !answer.body.isEmpty else { return .null }
    do throws(CapabilityError) { return try json(answer, operation) } catch {
      throw CapabilityError(.unknownOutcome, operation, because: "it was done, but the answer is not JSON")
    }
  }

  /// Deletes; what is gone already is fine.
  public func delete(_ path: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let answer = try await exchange(.delete, path, under: authority)
    if let failure = failure(of: answer, "DELETE \(shown(path))", changes: true),
      failure.class != .notFound
    {
      throw failure
    }
  }

  // MARK: small parts

  /// The runner's own credential.
  public func isLogin(_ secret: Secret) async throws(CapabilityError) -> Bool {
    switch login.source {
    case .nobody: return false
    case .reference(let reference):
      return try await environment.sources.resolve(reference).isSame(as: secret)
    case .value(let own): return own.isSame(as: secret)
    case .tokens(let tokens): return try await tokens.current().isSame(as: secret)
    case .asked(let token): return try await token()?.isSame(as: secret) ?? false
    }
  }

  /// `text` as one part of a path or query: everything but unreserved characters is escaped (RFC 3986 §2.3). Full stops are,
  /// too, when there is nothing else: no name is a step upwards.
  public static func escaped(_ text: String) -> String {
    if text.allSatisfy({ $0 == "." }) { return text.replacing(".", with: "%2E") }
    return text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text
  }

  private static let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

  /// As errors show it: the base's path and the path, never the query.
  public func shown(_ path: String) -> String {
    (URLComponents(string: base)?.path ?? "") + path.prefix { $0 != "?" }
  }

  public func json(_ answer: HTTPResponse, _ operation: String) throws(CapabilityError) -> JSONValue {
    do throws(JSONError) { return try JSONValue(parsing: answer.body) } catch {
      throw CapabilityError(.invalid, operation, because: "the answer is not JSON", fix: "check base_url")
    }
  }

  private func allHeaders() async throws(CapabilityError) -> [(name: String, value: HTTPField)] {
    let secret: Secret
    switch login.source {
    case .nobody: return headers
    case .reference(let reference): secret = try await environment.sources.resolve(reference)
    case .value(let own): secret = own
    case .tokens(let tokens): secret = try await tokens.current()
    case .asked(let token):
      guard let token = try await token() else { return headers }
      secret = token
    }
    return [(login.header, .secret(prefix: login.prefix, secret))] + headers
  }

  /// Rate limits come as 429, or as 403 with `retry-after` or a spent `x-ratelimit-remaining` (GitHub): the pause is
  /// `retry-after`, else until `x-ratelimit-reset`, else a minute.
  public func failure(of answer: HTTPResponse, _ operation: String, changes: Bool) -> CapabilityError? {
    let now = environment.now()
    let isSpent = answer.headers["x-ratelimit-remaining"] == "0"
    let after = answer.retryAfter(now: now)
    if answer.status == 429 || (answer.status == 403 && (isSpent || after != nil)) {
      let reset = answer.headers["x-ratelimit-reset"].flatMap { Double($0) }.map {
        Duration.seconds(max(1, Int(($0 - now.timeIntervalSince1970).rounded(.up))))
      }
      return CapabilityError(
        .rateLimit, operation, because: "too many requests (HTTP \(answer.status))",
        requestID: ["x-github-request-id", "request-id", "x-request-id"].lazy.compactMap {
          answer.headers[$0]
        }
        .first, retryAfter: after ?? (isSpent ? reset : nil) ?? .seconds(60))
    }
    if let (because, fix) = exceptions(answer.status) {
      return CapabilityError(.configuration, operation, because: because, fix: fix)
    }
    return answer.failure(operation, changes: changes, now: now, fix: fix)
  }
}

// Answers as they come: for an API that says in the body, or by more than the status, what became of a call. Bodies are kept
// as secrets until they are sent.
extension RESTClient {
  /// A question that the API wants as a POST, unchecked. - Parameter reason: why it changes nothing.
  public func ask(_ path: String, _ body: JSONValue, readOnlyBecause reason: StaticString)
    async throws(CapabilityError) -> HTTPResponse
  {
    let request = SafeRequest.post(
      base + path, headers: try await allHeaders() + [("Content-Type", .text("application/json"))],
      body: .secret(Self.text(of: body)), readOnlyBecause: reason)
    return try await environment.http.fetch(request.trusting(try await trust()))
  }

  /// A change, unchecked.
  /// - Parameters:
  ///   - body: JSON; nil: none.
  ///   - type: of the body.
  public func change(
    _ method: HTTPRequest.Method, _ path: String, _ body: JSONValue?, type: String = "application/json",
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HTTPResponse {
    var request = HTTPRequest(method, base + path, headers: try await allHeaders(), timeout: .seconds(30))
    if let body {
      request.headers.append(("Content-Type", .text(type)))
      request.body = .secret(Self.text(of: body))
    }
    request.trust = try await trust()
    return try await environment.http.send(request, under: authority)
  }

  private static func text(of body: JSONValue) -> Secret {
    Secret(SecretBytes(copying: body.canonicalBytes))
  }
}
