/// The name of a row of the table of forms: how a secret stands where it was found. docs/FORMS.md lists them.
public enum SecretForm: String, Sendable, Hashable, Codable, CaseIterable {
  /// The value itself.
  case raw
  /// A JSON string, also as Go, Terraform, Gson, PHP and .NET escape it (`\u0026`, `\u00e4`), and JSON within JSON.
  case json
  /// XML and HTML, with named, decimal and hexadecimal references.
  case html
  /// Percent-encoded, also twice.
  case percent
  /// `application/x-www-form-urlencoded`: a space is `+`.
  case form
  /// `%`, `$`, quotes or braces doubled, as INI files, Compose, SQL, CSV and formatters want them.
  case doubled
  /// Quoted for a shell, YAML, a regular expression, a properties file or source code.
  case quoted
  /// Bytes of UTF-8 as `\xc3\xa4` or `\303\244`.
  case escaped
  /// Composed or decomposed (NFC, NFD).
  case unicode
  /// In another character set than Unicode: Latin-1, Windows-1252, and those of ``Charset/others``.
  case charset
  case utf16le
  case utf16be
  case hex
  case base64
  case base64url
  /// Base64 within base64.
  case base64twice = "base64-twice"
  /// Several lines with other line ends, indentation or quoted ends.
  case lines
  /// One of these around another, or several of them mixed (JSON in a URL, `&amp;#38;`).
  case layered
  /// Over several strings of a JSON array (notebooks), or lines of wrapped base64.
  case split
  /// Found by a `regex:` or `glob:` expression.
  case expression
}

extension SecretForm {
  /// What a value is found as where these layers were undone, the outermost first.
  public init(undoing layers: [TextLayer]) {
    guard layers.count == 1, let layer = layers.first else {
      self = .layered
      return
    }
    self =
      switch layer {
      case .backslash, .backslashCharacter: .escaped
      case .percent: .percent
      case .form: .form
      case .reference: .html
      case .utf16le: .utf16le
      case .utf16be: .utf16be
      }
  }
}
