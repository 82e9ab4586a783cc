import Foundation
import JSON
import RESTClient
import Secrets

/// A key as the list of a project's keys shows it. Source: the API's `organization.project.api_key` object.
struct OpenAIKey {
  enum Owner: Equatable, CustomStringConvertible {
    case user(String)
    case serviceAccount(String)
    case other
    var description: String {
      switch self {
      case .user(let id): "user \(id)"
      case .serviceAccount(let id): "service account \(id)"
      case .other: "unknown"
      }
    }
  }
  let id: String
  let owner: Owner
  let created: Date?
  let lastUsed: Date?
  private let redacted: String

  init?(_ json: JSONValue) {
    guard let id = json["id"]?.string else { return nil }
    self.id = id
    redacted = json["redacted_value"]?.string ?? ""
    // The owner's id, never the name or e-mail address: people stay out of journals.
    switch json["owner"]?["type"]?.string {
    case "user": owner = json["owner"]?["user"]?["id"]?.string.map(Owner.user) ?? .other
    case "service_account":
      owner = json["owner"]?["service_account"]?["id"]?.string.map(Owner.serviceAccount) ?? .other
    default: owner = .other
    }
    created = json["created_at"]?.integer.map { Date(timeIntervalSince1970: Double($0)) }
    lastUsed = json["last_used_at"]?.integer.map { Date(timeIntervalSince1970: Double($0)) }
  }

  /// Whether `secret` has the visible head and tail of the redacted value.
  func looksLike(_ secret: Secret) -> Bool { KeyHint(redacted)?.fits(secret) == true }
}
