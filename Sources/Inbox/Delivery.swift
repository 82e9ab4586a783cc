public import Foundation
import JSON
public import Secrets

/// What a verified sender brought, before it is stored.
public struct NewDelivery: Sendable {
  /// The route's path, for example `/hooks/github`.
  public var route: String
  /// The route's kind, for example `github`.
  public var source: String
  /// The sender's id for it, the same on every retry.
  public var id: String
  /// True when the signature covers ``id``; else an equal body on the same route is a duplicate too.
  public var isIDSigned: Bool
  /// SHA-256 (hex) of the body.
  public var bodyDigest: String
  /// The sender's word for what happened, for example `secret_scanning_alert`; not signed with most senders.
  public var event: String?
  public var contentType: String?
  public var receivedAt: Date
  public var body: [UInt8]

  public init(
    route: String, source: String, id: String, isIDSigned: Bool, bodyDigest: String, event: String? = nil,
    contentType: String? = nil, receivedAt: Date, body: [UInt8]
  ) {
    self.route = route
    self.source = source
    self.id = id
    self.isIDSigned = isIDSigned
    self.bodyDigest = bodyDigest
    self.event = event
    self.contentType = contentType
    self.receivedAt = receivedAt
    self.body = body
  }
}

/// How an append ended.
public enum Acceptance: Sendable, Hashable {
  /// Stored durably.
  case accepted(sequence: Int)
  /// Known already; nothing was stored.
  case duplicate
}

/// A stored delivery, its body opened with the worker's key.
public struct Delivery: Sendable {
  public let sequence: Int
  public let route: String
  public let source: String
  public let id: String
  public let isIDSigned: Bool
  public let bodyDigest: String
  public let event: String?
  public let contentType: String?
  public let receivedAt: Date
  /// Exactly the bytes that were received.
  public let body: Secret
}

extension NewDelivery {
  /// What the box of the body is bound to.
  func sealingContext(_ milliseconds: Int) -> Data {
    Inbox.sealingContext(route: route, source: source, id: id, digest: bodyDigest, milliseconds: milliseconds)
  }
}

extension Inbox {
  static func sealingContext(route: String, source: String, id: String, digest: String, milliseconds: Int)
    -> Data
  {
    let parts: JSONValue = [
      .string(route), .string(source), .string(id), .string(digest), .integer(milliseconds),
    ]
    return Data(parts.canonicalText.utf8)
  }
}
