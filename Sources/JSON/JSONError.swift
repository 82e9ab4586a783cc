/// Where in a text something stands.
public struct JSONPosition: Sendable, Hashable, CustomStringConvertible {
  /// From 1.
  public let line: Int
  /// From 1, in bytes.
  public let column: Int
  /// Bytes from the beginning, from 0.
  public let offset: Int
  public init(line: Int, column: Int, offset: Int) {
    self.line = line
    self.column = column
    self.offset = offset
  }
  /// `line:column`
  public var description: String { "\(line):\(column)" }
}

/// Why a text is not the JSON that staunch accepts.
///
/// It names places, never contents: a report's text may be a secret.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was wrong.
  public enum Code: String, Sendable, CaseIterable {
    /// The grammar of RFC 8259 does not allow the byte at this place.
    case syntax
    /// The text ends inside a value.
    case unexpectedEnd
    /// Bytes follow the only value.
    case trailingBytes
    /// A string is not UTF-8, or an escape names half of a surrogate pair.
    case invalidText
    /// U+0000, which databases and C strings cut off.
    case nullCharacter
    /// A name stands twice in one object (RFC 8259 §4 leaves the meaning open, so two readers may disagree).
    case duplicateName
    case tooDeep, tooManyNodes, stringTooLong, numberTooLong, numberTooLarge, valueTooLong
  }
  public let code: Code
  public let position: JSONPosition
  /// One sentence, starting lower-case.
  public let because: String

  public init(_ code: Code, at position: JSONPosition, because: String) {
    self.code = code
    self.position = position
    self.because = because
  }

  public var description: String { "line \(position.line), column \(position.column): \(because)" }
}
