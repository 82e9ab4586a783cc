/// What sort of secret leaked, for example `openai_api_key`: a row of the table of kinds.
public struct CredentialKind: Hashable, Sendable, Codable, CustomStringConvertible, ExpressibleByStringLiteral
{
  /// The canonical word.
  public let rawValue: String
  public init(_ rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }
  public init(from decoder: any Decoder) throws {
    rawValue = try decoder.singleValueContainer().decode(String.self)
  }
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
  public var description: String { rawValue }
}
