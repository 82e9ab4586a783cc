public import Foundation
public import Secrets

/// Part of a header or body: text, or a secret that is put in place only on the wire.
public enum HTTPField: Sendable {
  case text(String)
  /// `prefix` is public, for example `Bearer `.
  case secret(prefix: String, Secret)
}

/// An HTTP request. It prints without header values and body.
public struct HTTPRequest: Sendable {
  public enum Method: String, Sendable {
    case get = "GET", head = "HEAD", options = "OPTIONS", post = "POST", put = "PUT", patch = "PATCH",
      delete = "DELETE"
  }
  public enum Body: Sendable {
    case none
    case bytes(Data)
    /// A body that holds a secret: kept in ``Secret`` until it is sent.
    case secret(Secret)
  }
  public var method: Method
  /// Absolute, `https:` or (loopback, or allowed in staunch.yaml) `http:`. Never holds a secret.
  public var url: String
  public var headers: [(name: String, value: HTTPField)]
  public var body: Body
  /// For the whole exchange, from when it goes: what it waits for others to the same server does not count. At most ten seconds
  /// of it are for the connection.
  public var timeout: Duration
  /// The numeric address to connect to, one of the host's; nil: whichever answers first.
  public var address: String?
  /// No connection that is open already: behind a balancer that would ask the same server again.
  public var isOnFreshConnection = false
  /// The host does not come from staunch.yaml (a finding or an answer names it): it is called at a public address or not at
  /// all, on a connection of its own.
  public var isToPublicAddressOnly = false
  /// Whom to believe and how to show who we are; nil: as for every other server.
  public var trust: ServerTrust?

  public init(
    _ method: Method, _ url: String, headers: [(name: String, value: HTTPField)] = [], body: Body = .none,
    timeout: Duration = .seconds(20)
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
  }
}

/// How the other side of a TLS connection is believed, and how it knows us. PEM; certificates are always verified.
public struct ServerTrust: Sendable, Hashable {
  /// The only authorities to believe; nil: the machine's own.
  public var authorities: PEMSource?
  /// Our own certificate, and its key where that is another text.
  public var certificate: PEMSource?
  public var key: PEMSource?

  /// Of files, by their paths.
  public init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
    self.authorities = authorities.map { .file($0) }
    self.certificate = certificate.map { .file($0) }
    self.key = key.map { .file($0) }
  }

  /// Of texts that stand in no file: a kubeconfig and a store hold them so. They are in memory only.
  public init(authorityPEM: Secret?, certificatePEM: Secret? = nil, keyPEM: Secret? = nil) {
    authorities = authorityPEM.map { .memory($0) }
    certificate = certificatePEM.map { .memory($0) }
    key = keyPEM.map { .memory($0) }
  }
}

/// Where a PEM text is.
public enum PEMSource: Sendable, Hashable {
  case file(String)
  /// Certificates are no secrets, but a key may stand beside them.
  case memory(Secret)

  public static func == (one: PEMSource, other: PEMSource) -> Bool {
    switch (one, other) {
    case (.file(let one), .file(let other)): one == other
    case (.memory(let one), .memory(let other)): one.isSame(as: other)
    case (.file, .memory), (.memory, .file): false
    }
  }

  /// A text adds nothing to the hash: a secret's would tell of it.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .file(let path): hasher.combine(path)
    case .memory: hasher.combine(0)
    }
  }
}

/// A request that changes nothing (RFC 9110 §9.2.1): the only kind that needs no authority.
public struct SafeRequest: Sendable {
  public let request: HTTPRequest
  private init(_ request: HTTPRequest) { self.request = request }

  /// The same question on a connection of its own, to one of the host's addresses.
  public func alone(at address: String?) -> SafeRequest {
    var request = request
    request.isOnFreshConnection = true
    request.address = address
    return SafeRequest(request)
  }

  /// The same question, when its host does not come from staunch.yaml. - Throws when sent: `.unsafe` where the host is this
  /// machine or inside the network. Behind a proxy the proxy's own rules decide about names.
  public func toPublicAddressOnly() -> SafeRequest {
    var request = request
    request.isToPublicAddressOnly = true
    return SafeRequest(request)
  }

  /// The same question under the target's own trust.
  public func trusting(_ trust: ServerTrust?) -> SafeRequest {
    var request = request
    request.trust = trust
    return SafeRequest(request)
  }

  /// A GET.
  public static func get(
    _ url: String, headers: [(name: String, value: HTTPField)] = [], timeout: Duration = .seconds(20)
  ) -> SafeRequest {
    SafeRequest(HTTPRequest(.get, url, headers: headers, timeout: timeout))
  }

  /// A read that the API wants as a POST (AWS Query, GraphQL, token exchange). `readOnlyBecause` says why it is one.
  public static func post(
    _ url: String, headers: [(name: String, value: HTTPField)] = [], body: HTTPRequest.Body,
    timeout: Duration = .seconds(20), readOnlyBecause reason: StaticString
  ) -> SafeRequest {
    SafeRequest(HTTPRequest(.post, url, headers: headers, body: body, timeout: timeout))
  }
}

/// An answer. Bodies may hold secrets: parse, take what is needed, drop it; never log it.
public struct HTTPResponse: Sendable {
  public let status: Int
  /// Names in lower case; a repeated field's values joined by ", ".
  public let headers: [String: String]
  public let body: Data
  public init(status: Int, headers: [String: String], body: Data) {
    self.status = status
    self.headers = headers
    self.body = body
  }
  /// The `retry-after` header in seconds or as an HTTP date relative to `now`.
  public func retryAfter(now: Date) -> Duration? {
    guard let text = headers["retry-after"] else { return nil }
    if let seconds = Int(text.trimmingCharacters(in: .whitespaces)), seconds >= 0 { return .seconds(seconds) }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    guard let date = formatter.date(from: text) else { return nil }
    return .seconds(max(0, Int(date.timeIntervalSince(now).rounded(.up))))
  }
}

/// Sends HTTP requests. No redirects are followed; TLS is verified.
public protocol HTTPTransport: Sendable {
  /// - Throws: `.network` (nothing was sent or it broke), `.timeout`.
  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse
  /// - Throws: `.network` when nothing reached the server, `.unknownOutcome` when the reply was lost.
  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
    -> HTTPResponse
  /// Every numeric address behind a URL's host; empty where only the name can be asked (a proxy, an address, this machine).
  func addresses(behind url: String) async throws(CapabilityError) -> [String]
}

extension HTTPTransport {
  public func addresses(behind url: String) async throws(CapabilityError) -> [String] { [] }
}
