import Capabilities
import Foundation
import Incidents
import JSON
import Secrets
import Synchronization

/// How a token is tried and stopped.
enum GitHubForm: Sendable {
  case user, installation, refresh

  init(_ secret: Secret) {
    let bytes = secret.exposeAsBytes()
    if bytes.starts(with: Array("ghs_".utf8)) {
      self = .installation
    } else if bytes.starts(with: Array("ghr_".utf8)) {
      self = .refresh
    } else {
      self = .user
    }
  }

  /// The cheapest question that every token of the form may ask.
  var question: String {
    switch self {
    case .user, .refresh: "/user"
    case .installation: "/installation/repositories?per_page=1"
    }
  }
}

/// What an answer says of the token that asked.
enum GitHubWord: Sendable {
  case living(GitHubSeen)
  /// GitHub knows the token, which may not ask this: it lives.
  case restricted
  case refused(String)
  /// It speaks of something else.
  case other(String)

  init(_ answer: HTTPResponse) {
    let json = try? JSONValue(parsing: answer.body)  // no JSON: a proxy answered, not GitHub
    let message = json?["message"]?.string ?? ""
    switch answer.status {
    case 200:
      guard let json, json["id"]?.integer != nil || json["total_count"]?.integer != nil else {
        self = .other("200 without a user")
        return
      }
      self = .living(GitHubSeen(json, answer.headers))
    case 401: self = message == "Bad credentials" ? .refused("401 Bad credentials") : .other("401")
    case 403 where message.hasPrefix("Resource not accessible by"): self = .restricted
    case 403 where message.hasPrefix("Resource protected by organization SAML"): self = .restricted
    // Too many failed logins and too many requests come as 403 too, whatever the token is.
    default: self = .other("\(answer.status)")
    }
  }
}

/// What was seen of a token while it lived, without any name.
struct GitHubSeen: Sendable {
  let user: Int?
  let scopes: [String]?
  let expiry: String?

  init(_ json: JSONValue, _ headers: [String: String]) {
    user = json["id"]?.integer
    scopes = headers["x-oauth-scopes"].map { text in
      text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
    expiry = headers["github-authentication-token-expiration"]
  }
}

final class GitHubMemory: Sendable {
  private let seen = Mutex<[CredentialRef: GitHubSeen]>([:])
  func keep(_ ref: CredentialRef, _ what: GitHubSeen) { seen.withLock { $0[ref] = what } }
  subscript(_ ref: CredentialRef) -> GitHubSeen? { seen.withLock { $0[ref] } }
}
