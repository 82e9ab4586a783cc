/// A layer of escaping, as whoever reads it undoes it: any mixture of its escapes and plain characters means the same.
public enum EscapeFamily: Sendable, Hashable, CaseIterable {
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

  /// The byte that every escape of it begins with.
  var mark: UInt8 {
    switch self {
    case .backslash, .backslashCharacter: UInt8(ascii: "\\")
    case .percent, .form: UInt8(ascii: "%")
    case .reference: UInt8(ascii: "&")
    }
  }

  /// How a replacement is written where it stood.
  var escape: Escape {
    switch self {
    case .backslash, .backslashCharacter: .json(.ascii(upper: false))
    case .percent, .form: .percent(.upper)
    case .reference: .xml(.quot39)
    }
  }
}
