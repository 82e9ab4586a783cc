import Capabilities
import Foundation
import JSON
import RESTClient
public import Secrets
import Synchronization

/// GETs of one repository at a registry, with the login that it asks for.
///
/// The threat: a registry decides where its client goes on, by the address of its token server and by redirects of its blobs. The
/// login is sent to the registry itself and to a token server on its own host, else only to one that is known to be
/// its own or was named; the token is for pulling this repository and goes to the registry alone. Where an answer leads
/// elsewhere, nothing of ours goes along, and only a public address is called.
/// Sources: https://distribution.github.io/distribution/spec/auth/token/,
/// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
final class RegistrySession: Sendable {
  let address: RegistryAddress
  private let login: RegistryLogin?
  private let transport: any HTTPTransport
  let now: @Sendable () -> Date
  private let field = Mutex<HTTPField?>(nil)

  /// A registry may send elsewhere for a blob, and that once more.
  private static let mostRedirects = 3

  init(
    _ address: RegistryAddress, login: RegistryLogin?, transport: any HTTPTransport,
    now: @escaping @Sendable () -> Date
  ) {
    self.address = address
    self.login = login
    self.transport = transport
    self.now = now
  }

  /// One answer of the repository, whatever it says. - Parameter path: below `/v2/REPOSITORY/`.
  func answer(_ path: String, headers: [(name: String, value: String)] = [], timeout: Duration)
    async throws(CapabilityError) -> HTTPResponse
  {
    let url = "\(address.base)/v2/\(address.repository)/\(path)"
    func ask() async throws(CapabilityError) -> HTTPResponse {
      var all: [(name: String, value: HTTPField)] = headers.map { ($0.name, .text($0.value)) }
      if let field = field.withLock({ $0 }) { all.append(("Authorization", field)) }
      return try await transport.fetch(.get(url, headers: all, timeout: timeout))
    }
    var answer = try await ask()
    if answer.status == 401 {
      // A token lives for minutes: it is drawn again, once.
      let drawn = try await draw(answer.headers["www-authenticate"] ?? "")
      field.withLock { $0 = drawn }
      answer = try await ask()
    }
    var hops = 0
    while (300...399).contains(answer.status), hops < Self.mostRedirects {
      hops += 1
      answer = try await follow(answer, headers, timeout)
    }
    return answer
  }

  /// - Throws: what a refusal means.
  func get(_ path: String, headers: [(name: String, value: String)] = [], timeout: Duration = .seconds(60))
    async throws(CapabilityError) -> HTTPResponse
  {
    let answer = try await answer(path, headers: headers, timeout: timeout)
    let operation = "GET /v2/\(address.repository)/\(path.prefix { $0 != "?" })"
    let failure = answer.failure(
      operation, changes: false, now: now(),
      fix: "set REGISTRY_USERNAME and REGISTRY_PASSWORD to a login that may pull \(address.repository)")
    if let failure { throw failure }
    return answer
  }

  /// A blob that lies elsewhere. Its address may hold a permission to read it, and nothing of ours is added.
  private func follow(
    _ answer: HTTPResponse, _ headers: [(name: String, value: String)], _ timeout: Duration
  ) async throws(CapabilityError) -> HTTPResponse {
    func refused(_ because: String) -> CapabilityError {
      CapabilityError(
        .unsafe, "GET /v2/\(address.repository)", because: because,
        fix: "skopeo copy \(address.name):TAG oci:DIRECTORY, then search that")
    }
    guard let location = answer.headers["location"], let parts = URLComponents(string: location),
      let scheme = parts.scheme, let host = parts.host
    else { throw refused("the registry redirects without an address") }
    let own = URLComponents(string: address.base)
    let isOwn = scheme == own?.scheme && host == own?.host && parts.port == own?.port
    guard isOwn || scheme == "https" else {
      throw refused("the registry redirects to an address without TLS")
    }
    let request = SafeRequest.get(
      location, headers: headers.map { ($0.name, .text($0.value)) }, timeout: timeout)
    do throws(CapabilityError) {
      return try await transport.fetch(isOwn ? request : request.toPublicAddressOnly())
    } catch {
      guard error.class == .unsafe else { throw error }
      throw refused("the registry sends for it to \(host), which is no public address")
    }
  }

  // MARK: login

  /// What a challenge asks for. Source: RFC 7235 §4.1, and the token specification.
  private func draw(_ challenge: String) async throws(CapabilityError) -> HTTPField {
    let operation = "log in at \(address.host)"
    if challenge.lowercased().hasPrefix("basic") {
      guard let login else { throw refused(operation, "the registry wants a login") }
      return login.field
    }
    guard challenge.lowercased().hasPrefix("bearer "), let realm = Self.parameter("realm", of: challenge),
      let parts = URLComponents(string: realm), let host = parts.host, let scheme = parts.scheme
    else {
      throw CapabilityError(
        .unsupported, operation, because: "the registry asks for a login that is not known here",
        fix: "skopeo copy \(address.name):TAG oci:DIRECTORY, then search that")
    }
    let own = URLComponents(string: address.base)
    let isOwn = host == own?.host && (scheme == "https" || scheme == own?.scheme)
    let isKnown = isOwn || Self.servers[own?.host ?? ""] == host || login?.tokenHost == host
    guard isOwn || scheme == "https" else {
      throw refused(operation, "its token server \(host) has no TLS")
    }
    guard login == nil || isKnown else {
      throw CapabilityError(
        .unsafe, operation,
        because: "the registry sends the login to \(host), which is not its own host: it was not sent",
        fix: "if that is its token server: set REGISTRY_TOKEN_HOST=\(host.prefix(253))")
    }
    // Its own scope could ask for more.
    let service = Self.parameter("service", of: challenge) ?? ""
    let url =
      "\(realm)\(realm.contains("?") ? "&" : "?")service=\(AWSSignature.escaped(service))"
      + "&scope=repository:\(address.repository):pull"
    let request = SafeRequest.get(url, headers: login.map { [("Authorization", $0.field)] } ?? [])
    let answer = try await transport.fetch(isKnown ? request : request.toPublicAddressOnly())
    if answer.status == 401 || answer.status == 403 {
      throw refused(operation, "its token server refuses (HTTP \(answer.status))")
    }
    if let failure = answer.failure(operation, changes: false, now: now()) { throw failure }
    let token: String?
    do throws(JSONError) {
      let json = try JSONValue(parsing: answer.body)
      token = json["token"]?.string ?? json["access_token"]?.string
    } catch { token = nil }
    guard let token, !token.isEmpty else {
      throw CapabilityError(.invalid, operation, because: "its token server's answer holds no token")
    }
    return .secret(prefix: "Bearer ", Secret(token))
  }

  private func refused(_ operation: String, _ because: String) -> CapabilityError {
    CapabilityError(
      .refused, operation, because: because,
      fix: "set REGISTRY_USERNAME and REGISTRY_PASSWORD to a login that may pull \(address.repository)")
  }

  /// Registries whose token server is another host of theirs.
  private static let servers = [
    "registry-1.docker.io": "auth.docker.io", "registry.gitlab.com": "gitlab.com",
  ]

  /// `realm="https://auth.example/token",service="x"`
  static func parameter(_ name: String, of challenge: String) -> String? {
    guard let start = challenge.range(of: "\(name)=\"", options: .caseInsensitive) else { return nil }
    return String(challenge[start.upperBound...].prefix { $0 != "\"" })
  }
}

/// A registry's login. It is sent to the registry and to its own token server.
public struct RegistryLogin: Sendable {
  let user: String
  let password: Secret
  /// Another host that may have it.
  let tokenHost: String?

  public init(user: String, password: Secret, tokenHost: String?) {
    self.user = user
    self.password = password
    self.tokenHost = tokenHost
  }

  /// Source: RFC 7617.
  var field: HTTPField {
    .secret(
      prefix: "Basic ", Secret(Data(Array("\(user):".utf8) + password.exposeAsBytes()).base64EncodedString()))
  }
}
