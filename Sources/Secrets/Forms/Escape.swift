/// How one character is written in a language, before the character set makes bytes of it.
///
/// An escape works character by character, so that a mix of two (`\u0026` beside a plain `<`) can be followed, too.
public enum Escape: Hashable, Sendable {
  public enum JSONStyle: Hashable, Sendable {
    /// What RFC 8259 demands.
    case plain
    /// `\/`: PHP.
    case slashes
    /// `&`, `<`, `>` as `\u0026`: Go, Terraform, kubectl; upper case: PHP's JSON_HEX.
    case html(upper: Bool)
    /// The same and `=`, `'`: Gson.
    case gson
    /// Quotes, `+`, `` ` `` and everything beyond ASCII, too, in upper case: System.Text.Json.
    case dotNet
    /// Beyond ASCII: Python, Ruby; upper case: Java's properties.
    case ascii(upper: Bool)
  }
  /// How quotes and characters beyond ASCII are written; `&`, `<`, `>` always by name.
  public enum XMLStyle: Hashable, Sendable {
    case text
    /// `&quot;`, and `'` as it is: what an attribute in double quotes needs.
    case quot
    /// `&quot; &apos;`
    case apos
    /// `&quot; &#39;`, `&quot; &#039;`, `&quot; &#x27;`, `&#34; &#39;`: .NET, PHP, Python, Go.
    case quot39, quot039, quotX27, decimalQuotes
    /// `&#228;`, `&#xe4;`, `&#xE4;`
    case decimal, hex(upper: Bool)
    /// `&auml;`
    case named
  }
  public enum PercentStyle: Hashable, Sendable {
    /// Everything but letters, digits and `-._~` (RFC 3986).
    case upper, lower
    /// `%252F`
    case twice
    /// `%%2F`: percent-encoded in an INI file.
    case doubled
    case form
    /// `=3D`, as e-mail writes it (RFC 2045 §6.7).
    case quotedPrintable
  }

  case none
  case json(JSONStyle)
  /// A JSON string within a JSON string.
  case jsonTwice(html: Bool)
  case xml(XMLStyle)
  /// `&amp;amp;`
  case xmlTwice
  case percent(PercentStyle)
  /// Each of these characters twice.
  case doubled(String)
  /// `mark` before each of these characters: a backslash, PowerShell's `` ` ``, `^` of Windows' cmd.
  case marked(Unicode.Scalar, String)
  /// A single quote in single quotes of a shell: `'\''` or `'"'"'`.
  case shellQuote(double: Bool)
  /// Bytes beyond ASCII and control characters as `\xc3` or `\303`.
  case bytes(octal: Bool)

  /// `scalar` as this escape writes it in `charset`; nil when the character set cannot.
  func spelled(_ scalar: Unicode.Scalar, in charset: Charset) -> [UInt8]? {
    switch self {
    case .none: return charset.bytes(scalar)
    case .percent(let style): return charset.bytes(scalar).map { percent(scalar, $0, style) }
    case .bytes(let octal):
      guard let bytes = charset.bytes(scalar) else { return nil }
      guard !scalar.isASCII || scalar.value < 0x20 else { return bytes }
      return bytes.flatMap { byte -> [UInt8] in
        octal
          ? [0x5C, 0x30 + byte >> 6, 0x30 + byte >> 3 & 7, 0x30 + byte & 7]
          : Array("\\x".utf8) + Array(Hex.byte(byte).utf8)
      }
    default: return charset.bytes(text(scalar))
    }
  }

  private func text(_ scalar: Unicode.Scalar) -> String {
    switch self {
    case .none, .percent, .bytes: String(scalar)
    case .json(let style): JSONEscape.text(scalar, style)
    case .jsonTwice(let html):
      JSONEscape.text(scalar, html ? .html(upper: false) : .plain).unicodeScalars
        .map { JSONEscape.text($0, .plain) }.joined()
    case .xml(let style): XMLEscape.text(scalar, style)
    case .xmlTwice:
      XMLEscape.text(scalar, .apos).unicodeScalars.map { XMLEscape.text($0, .apos) }.joined()
    case .doubled(let characters):
      characters.unicodeScalars.contains(scalar) ? String(scalar) + String(scalar) : String(scalar)
    case .marked(let mark, let characters):
      characters.unicodeScalars.contains(scalar) ? String(mark) + String(scalar) : String(scalar)
    case .shellQuote(let double):
      scalar == "'" ? (double ? #"'"'"'"# : #"'\''"#) : String(scalar)
    }
  }

  private func percent(_ scalar: Unicode.Scalar, _ bytes: [UInt8], _ style: PercentStyle) -> [UInt8] {
    if style == .form, scalar == " " { return [0x2B] }
    if scalar.isASCII, Self.kept(style).contains(UInt8(scalar.value)) { return bytes }
    let mark: [UInt8] =
      switch style {
      case .twice: Array("%25".utf8)
      case .doubled: Array("%%".utf8)
      case .quotedPrintable: [0x3D]
      default: [0x25]
      }
    return bytes.flatMap { byte in
      let digits = Hex.byte(byte)
      return mark + Array((style == .lower ? digits : digits.uppercased()).utf8)
    }
  }

  private static let alphanumeric = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
  private static let unreserved = alphanumeric.union("-._~".utf8)
  private static let formKept = alphanumeric.union("*-._".utf8)
  private static let printable = Set(0x20...0x7E as ClosedRange<UInt8>).subtracting([0x3D])

  private static func kept(_ style: PercentStyle) -> Set<UInt8> {
    switch style {
    case .upper, .lower, .twice, .doubled: unreserved
    case .form: formKept
    case .quotedPrintable: printable
    }
  }
}

/// Strings of RFC 8259 §7.
private enum JSONEscape {
  static func text(_ scalar: Unicode.Scalar, _ style: Escape.JSONStyle) -> String {
    switch scalar {
    case "\"": return style == .dotNet ? #"\u0022"# : #"\""#
    case "\\": return #"\\"#
    case "\n": return #"\n"#
    case "\r": return #"\r"#
    case "\t": return #"\t"#
    case "\u{8}": return #"\b"#
    case "\u{C}": return #"\f"#
    case "/": return style == .slashes ? #"\/"# : "/"
    default: break
    }
    if scalar.value < 0x20 || isEscaped(scalar, style) { return hex(scalar, style) }
    return String(scalar)
  }

  private static func isEscaped(_ scalar: Unicode.Scalar, _ style: Escape.JSONStyle) -> Bool {
    switch style {
    case .plain, .slashes: false
    case .html:
      scalar == "&" || scalar == "<" || scalar == ">" || scalar == "\u{2028}" || scalar == "\u{2029}"
    case .gson: "&<>='\u{2028}\u{2029}".unicodeScalars.contains(scalar)
    case .dotNet: "&<>'+`".unicodeScalars.contains(scalar) || scalar.value > 0x7E
    case .ascii: scalar.value > 0x7E
    }
  }

  private static func hex(_ scalar: Unicode.Scalar, _ style: Escape.JSONStyle) -> String {
    let isUpper =
      switch style {
      case .dotNet, .html(upper: true), .ascii(upper: true): true
      default: false
      }
    return String(scalar).utf16.map { unit in
      let digits = Hex.byte(UInt8(unit >> 8)) + Hex.byte(UInt8(truncatingIfNeeded: unit))
      return #"\u"# + (isUpper ? digits.uppercased() : digits)
    }.joined()
  }
}

/// References of XML 1.0 §4.1 and of HTML.
enum XMLEscape {
  static func text(_ scalar: Unicode.Scalar, _ style: Escape.XMLStyle) -> String {
    switch scalar {
    case "&": return "&amp;"
    case "<": return "&lt;"
    case ">": return "&gt;"
    case "\"":
      switch style {
      case .quot, .apos, .quot39, .quot039, .quotX27: return "&quot;"
      case .decimalQuotes: return "&#34;"
      case .text, .decimal, .hex, .named: return "\""
      }
    case "'":
      switch style {
      case .apos: return "&apos;"
      case .quot39, .decimalQuotes: return "&#39;"
      case .quot039: return "&#039;"
      case .quotX27: return "&#x27;"
      case .text, .quot, .decimal, .hex, .named: return "'"
      }
    default: break
    }
    guard scalar.value > 0x7E || scalar.value < 0x20 else { return String(scalar) }
    switch style {
    case .decimal: return "&#\(scalar.value);"
    case .hex(let upper): return "&#x" + String(scalar.value, radix: 16, uppercase: upper) + ";"
    case .named where scalar.value >= 0xA0 && scalar.value <= 0xFF:
      return "&" + latin1[Int(scalar.value) - 0xA0] + ";"
    default: return String(scalar)
    }
  }

  /// U+00A0 to U+00FF. Source: HTML 4.01 §24.2.1.
  static let latin1 = """
    nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro \
    para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil \
    Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave \
    Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
    igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute \
    thorn yuml
    """.split(separator: " ").map(String.init)
}
