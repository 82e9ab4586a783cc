/// What a text is written in, as whoever reads it undoes it: escapes, in any mixture with plain characters, or UTF-16.
public enum TextLayer: Sendable, Hashable {
  /// `\u0026 \x26 \046 \"`: JSON, C, shells, TOML, Go, properties, systemd; `\xfc` is a byte.
  case backslash
  /// The same where `\xfc` is a character: Python, JavaScript, YAML, C#.
  case backslashCharacter
  /// `%26`, `%u0026`.
  case percent
  /// The same, and `+` is a space.
  case form
  /// `&amp; &#38; &#x26;`: XML and HTML.
  case reference
  case utf16le, utf16be

  /// Those that may stand within each other.
  static let escapes: [TextLayer] = [.backslash, .backslashCharacter, .percent, .form, .reference]

  /// The byte that every escape of it begins with; nil for UTF-16.
  var mark: UInt8? {
    switch self {
    case .backslash, .backslashCharacter: UInt8(ascii: "\\")
    case .percent, .form: UInt8(ascii: "%")
    case .reference: UInt8(ascii: "&")
    case .utf16le, .utf16be: nil
    }
  }

  /// How a replacement is written where it stood.
  var spelling: Spelling {
    switch self {
    case .backslash, .backslashCharacter: Spelling(escape: .json(.ascii(upper: false)))
    case .percent, .form: Spelling(escape: .percent(.upper))
    case .reference: Spelling(escape: .xml(.quot39))
    case .utf16le: Spelling(charset: .utf16(bigEndian: false))
    case .utf16be: Spelling(charset: .utf16(bigEndian: true))
    }
  }
}
