import ConsolePages
import Cryptography
import Foundation
import HTTPTypes
import HummingbirdCore
import Inbox
import People

/// Somebody who asks, and how we know.
struct Visitor: Sendable {
  enum Proof: Sendable, Hashable {
    /// A session's cookie: forms of other sites carry it too, so every change needs the session's token.
    case cookie(token: String)
    /// `Authorization: Bearer`: no other site can send it.
    case bearer(token: String)
    /// A header of a configured proxy.
    case header
  }
  let person: String
  let roles: [String]
  let csrf: String
  let proof: Proof
  let mayApprove: Bool
  let client: String
  /// For the log.
  let address: String

  var viewer: Viewer {
    Viewer(name: person, roles: roles, csrf: csrf, mayApprove: mayApprove, canSignOut: proof != .header)
  }
  var via: NewDecision.Via { proof == .header ? .header : .password }
}

/// Finds out who asks.
struct Authentication: Sendable {
  let settings: ConsoleSettings
  let sessions: Sessions
  let people: @Sendable () throws -> PeopleDirectory
  let isTLS: Bool
  /// Keys of tokens that need no session; new with each start.
  let formKey = SymmetricKey(size: .bits256)

  func visitor(_ request: Request, client: ClientAddress, peer: String, now: Date) throws -> Visitor? {
    if let header = settings.header, header.proxies.contains(peer) {
      let values = HTTPField.Name(header.name).map { request.headers[values: $0] } ?? []
      // Two headers: somebody tried to add one to the proxy's.
      if values.count == 1, let name = values.first, !name.isEmpty {
        let known = try people()[name]
        return Visitor(
          person: String(name.prefix(64)), roles: known?.roles ?? [], csrf: formToken("header " + name),
          proof: .header, mayApprove: header.mayApprove && known != nil,
          client: ClientNetwork.of(client.address), address: client.address)
      }
    }
    let proof: Visitor.Proof
    let token: String
    if let given = request.headers[.authorization], given.lowercased().hasPrefix("bearer ") {
      token = String(given.dropFirst(7)).trimmingCharacters(in: .whitespaces)
      proof = .bearer(token: token)
    } else if let given = cookie(cookieName(request, client), request) {
      token = given
      proof = .cookie(token: token)
    } else {
      return nil
    }
    guard let session = sessions.find(token, now: now) else { return nil }
    guard let person = try people()[session.person], person.fingerprint == session.fingerprint else {
      sessions.end(token)
      return nil
    }
    return Visitor(
      person: person.name, roles: person.roles, csrf: session.csrf, proof: proof, mayApprove: true,
      client: ClientNetwork.of(client.address), address: client.address)
  }

  // MARK: Cookies

  /// Behind TLS, ours or the proxy's, the browser itself guards the cookie (RFC 6265bis §4.1.3.2, `__Host-`).
  func isSecure(_ request: Request, _ client: ClientAddress) -> Bool {
    let scheme = HTTPField.Name("X-Forwarded-Proto").flatMap { request.headers[$0] }
    return isTLS || (client.isThroughProxy && scheme == "https")
  }

  private func cookieName(_ request: Request, _ client: ClientAddress) -> String {
    isSecure(request, client) ? "__Host-staunch" : "staunch"
  }

  func cookie(_ name: String, _ request: Request) -> String? {
    var found: String?
    for field in request.headers[values: .cookie] {
      for pair in field.split(separator: ";") {
        let parts = pair.trimmingCharacters(in: .whitespaces).split(separator: "=", maxSplits: 1)
        guard parts.count == 2, parts[0] == name else { continue }
        // Twice: a neighbour host planted one. Neither is believed.
        guard found == nil else { return nil }
        found = String(parts[1])
      }
    }
    return found
  }

  func setCookie(_ token: String?, _ request: Request, _ client: ClientAddress, suffix: String = "") -> String
  {
    let secure = isSecure(request, client) ? "; Secure" : ""
    let age = token == nil ? "; Max-Age=0" : ""
    return
      "\(cookieName(request, client))\(suffix)=\(token ?? ""); Path=/; HttpOnly; SameSite=Strict\(secure)\(age)"
  }

  func formCookie(_ request: Request, _ client: ClientAddress) -> String? {
    cookie(cookieName(request, client) + "-form", request)
  }

  // MARK: Forms of other sites

  /// A token that only this process can make.
  func formToken(_ subject: String) -> String {
    Data(HMAC<SHA256>.authenticationCode(for: Data(subject.utf8), using: formKey)).base64EncodedString()
  }

  /// Whether a browser says that the form is ours. Browsers send `Origin: null` from pages with `no-referrer`, so that
  /// Sec-Fetch-Site decides where it is sent.
  func isSameOrigin(_ request: Request) -> Bool {
    let site = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
    if let site, site != "same-origin" { return false }
    guard let origin = request.headers[.origin], origin != "null" else { return site != nil }
    let host = request.head.authority ?? ""
    return !host.isEmpty && (origin == "https://" + host || origin == "http://" + host)
  }
}
