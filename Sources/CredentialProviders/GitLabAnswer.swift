import Capabilities
import Foundation
import Incidents
import JSON
import Synchronization

/// GitLab's record of a token, without the token and without any name.
struct GitLabRecord: Sendable {
  let id: Int
  let user: Int?
  let scopes: [String]
  let created: Date?
  let expiry: Date?
  let lastUsed: String?
  let addresses: [String]

  init?(_ json: JSONValue) {
    guard let id = json["id"]?.integer else { return nil }
    self.id = id
    user = json["user_id"]?.integer
    scopes = json["scopes"]?.array?.compactMap(\.string) ?? []
    created = json["created_at"]?.string.flatMap(Timestamp.date)
    expiry = json["expires_at"]?.string.flatMap { Timestamp.date($0 + "T00:00:00Z") }
    lastUsed = json["last_used_at"]?.string.flatMap(Timestamp.date).map(Timestamp.text)
    // Addresses alone: whatever else may stand there is not ours to show.
    addresses = (json["last_used_ips"]?.array?.compactMap(\.string) ?? []).filter { text in
      !text.isEmpty && text.count <= 45 && text.allSatisfy { $0.isHexDigit || ".:".contains($0) }
    }
  }

  var ref: CredentialRef { CredentialRef("\(id)") }
}

/// What was seen of tokens while they lived: afterwards nobody can ask any more.
final class GitLabMemory: Sendable {
  private let records = Mutex<[CredentialRef: GitLabRecord]>([:])
  private let own = Mutex<Set<CredentialRef>>([])

  func keep(_ record: GitLabRecord, isOwn: Bool = false) {
    records.withLock { $0[record.ref] = record }
    if isOwn { own.withLock { _ = $0.insert(record.ref) } }
  }
  subscript(_ ref: CredentialRef) -> GitLabRecord? { records.withLock { $0[ref] } }
  /// Made by this process.
  func isOwn(_ ref: CredentialRef) -> Bool { own.withLock { $0.contains(ref) } }
}

/// What an answer to "who am I" says.
enum GitLabWord: Sendable {
  case living(GitLabRecord)
  /// GitLab knows the token, which may not ask this: it lives.
  case restricted
  /// GitLab has found the token and says that it is over.
  case ended(String)
  /// GitLab has no such token.
  case strange(String)
  /// It speaks of something else.
  case other(String)

  init(_ answer: HTTPResponse) {
    let json = try? JSONValue(parsing: answer.body)  // no JSON: a proxy answered, not GitLab
    let description = json?["error_description"]?.string ?? ""
    switch (answer.status, json?["error"]?.string) {
    case (200, _):
      guard let json, let record = GitLabRecord(json) else {
        self = .other("200 without a token's record")
        return
      }
      self =
        json["active"]?.boolean == true && json["revoked"]?.boolean == false
        ? .living(record) : .other("200, but it is not active")
    case (403, "insufficient_scope"?): self = .restricted
    case (401, "invalid_token"?):
      if description.hasPrefix("Token was revoked") {
        self = .ended("401 revoked")
      } else if description.hasPrefix("Token is expired") {
        self = .ended("401 expired")
      } else if description.hasPrefix("Bad Access Token") {
        self = .strange("401 invalid_token")
      } else {
        // Impersonation is switched off: it works again when that is switched on.
        self = .other("401 invalid_token, for another reason than the token")
      }
    case (401, nil):
      self =
        json?["message"]?.string == "401 Unauthorized" ? .strange("401 Unauthorized") : .other("401")
    case (403, _):
      let isBlocked = json?["message"]?.string?.contains("blocked") == true
      self = .other(isBlocked ? "403, its user is blocked: it works again when they are not" : "403")
    default: self = .other("\(answer.status)")
    }
  }
}
