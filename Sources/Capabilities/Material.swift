public import Foundation
import JSON
public import Secrets

/// Which fields the credentials of a provider have, known before one is issued: a plan tells where each will be kept.
public struct MaterialShape: Sendable, Hashable {
  /// One part of a credential.
  public struct Field: Sendable, Hashable {
    /// The provider's own word: `access_key_id`.
    public let name: String
    /// False: it may be shown (an id, a user name, a public half).
    public let isSecret: Bool
    public init(_ name: String, secret: Bool) {
      self.name = name
      isSecret = secret
    }
  }

  /// How all of it is written where a store wants one text.
  public enum OneText: Sendable, Hashable {
    /// The primary field alone; what the others say stands elsewhere or is known.
    case primary
    /// A JSON object with every field under its name (RFC 8785).
    case object
    /// Every field in order, with this between them: `AKIA…:secret`.
    case joined(by: String)
  }

  /// In the provider's order; names are unique.
  public let fields: [Field]
  /// The secret field that leaks are compared with and probes present.
  public let primary: String
  public let oneText: OneText

  /// - Precondition: `primary` names a secret field.
  public init(_ fields: [Field], primary: String, oneText: OneText) {
    precondition(fields.contains { $0.name == primary && $0.isSecret }, "\(primary) is no secret field")
    self.fields = fields
    self.primary = primary
    self.oneText = oneText
  }

  /// One secret and nothing else: a token, a password, a whole document.
  public static let secret = MaterialShape(
    [Field("secret", secret: true)], primary: "secret", oneText: .primary)

  public var isSingle: Bool { fields.count == 1 }
}

/// What a credential is made of: one value for each field of its shape, none missing.
public struct Material: Sendable {
  public let shape: MaterialShape
  /// When it ends by itself; nil: it does not, or the provider does not say.
  public let expiry: Date?
  private let values: [String: Secret]

  /// - Throws: `.invalid` when a field has no value or an empty one: half a credential is none.
  public init(_ shape: MaterialShape, _ values: [String: Secret], expiry: Date? = nil) throws(CapabilityError)
  {
    let missing = shape.fields.filter { values[$0.name]?.isEmpty ?? true }.map(\.name)
    guard missing.isEmpty else {
      throw CapabilityError(
        .invalid, "take the new credential",
        because: "it has no \(missing.joined(separator: ", ")): half a credential is none")
    }
    self.shape = shape
    self.values = values
    self.expiry = expiry
  }

  /// One secret.
  public init(_ secret: Secret, expiry: Date? = nil) {
    shape = .secret
    values = [MaterialShape.secret.primary: secret]
    self.expiry = expiry
  }

  /// Reads ``oneText`` back; nil when it is none of this shape.
  public init?(reading text: Secret, as shape: MaterialShape) {
    var values: [String: Secret] = [:]
    switch shape.oneText {
    case .primary:
      guard shape.isSingle else { return nil }
      values[shape.primary] = text
    case .joined(let separator):
      let parts = text.exposeAsText().components(separatedBy: separator)
      guard parts.count == shape.fields.count else { return nil }
      for (field, part) in zip(shape.fields, parts) { values[field.name] = Secret(part) }
    case .object:
      // No JSON object: it is no text of ours.
      guard let members = (try? JSONValue(parsing: text.exposeAsBytes()))?.object else { return nil }
      for field in shape.fields { values[field.name] = members[field.name]?.string.map { Secret($0) } }
    }
    do throws(CapabilityError) { try self.init(shape, values) } catch { return nil }
  }

  /// The value of a field; also of a public one.
  public subscript(_ field: String) -> Secret? { values[field] }

  /// What probes present.
  public var primary: Secret { values[shape.primary] ?? Secret("") }

  /// All of it as one text.
  public var oneText: Secret {
    switch shape.oneText {
    case .primary: return primary
    case .joined(let separator):
      let parts = shape.fields.compactMap { values[$0.name]?.exposeAsBytes() }
      return Secret(SecretBytes(copying: Array(parts.joined(separator: Array(separator.utf8)))))
    case .object:
      let members = values.mapValues { JSONValue.string($0.exposeAsText()) }
      return Secret(SecretBytes(copying: JSONValue.object(members).canonicalBytes))
    }
  }

  /// The public fields.
  public var publicParts: [String: String] {
    var parts: [String: String] = [:]
    for field in shape.fields where !field.isSecret { parts[field.name] = values[field.name]?.exposeAsText() }
    return parts
  }
}
