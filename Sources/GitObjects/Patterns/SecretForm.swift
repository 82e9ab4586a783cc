/// How a secret stands in the bytes where it was found.
public enum SecretForm: String, Sendable, Hashable, Codable, CaseIterable {
  case raw
  case base64
  case base64url
  case hex
  case percent
  case json
  case utf16le
  case utf16be
  /// Over several strings of a JSON array (notebooks), or lines of wrapped base64.
  case split
  /// Found by a `regex:` or `glob:` expression.
  case expression
}
