/// The header fields of a delivery. Names compare without case (RFC 9110 §5.1).
public struct WebhookHeaders: Sendable {
  private let values: [String: [String]]

  public init(_ fields: [(name: String, value: String)]) {
    var values: [String: [String]] = [:]
    for field in fields { values[field.name.lowercased(), default: []].append(field.value) }
    self.values = values
  }

  /// The only value of a field.
  /// - Throws: `.missing`; `.malformed` when it stands twice: two readers could take different ones.
  public func one(_ name: String) throws(SignatureError) -> String {
    guard let value = try optional(name) else {
      throw SignatureError(.missing, "the header \(name) is missing")
    }
    return value
  }

  /// The only value of a field, nil when there is none.
  /// - Throws: `.malformed` when it stands twice.
  public func optional(_ name: String) throws(SignatureError) -> String? {
    guard let found = values[name.lowercased()] else { return nil }
    guard found.count == 1 else { throw SignatureError(.malformed, "the header \(name) stands twice") }
    return found.first
  }
}
