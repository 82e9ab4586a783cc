/// Characters that HTML names: those of ASCII and of Latin-1. Source: HTML Living Standard §13.5.
enum ReferenceNames {
  /// `amp;` at `start`.
  static func read(_ text: Span<UInt8>, _ start: Int) -> EscapeReader.Escaped? {
    var key: UInt64 = 0
    var place = start
    while place < text.count, place < start + 8, isNamed(text[place]) {
      key = key << 8 | UInt64(text[place])
      place += 1
    }
    guard place > start, place < text.count, text[place] == UInt8(ascii: ";"), let scalar = scalars[key]
    else {
      return nil
    }
    return EscapeReader.Escaped(value: .scalar(scalar), end: place + 1)
  }

  /// Whether `text` ends within what may be a name.
  static func isUnfinished(_ text: Span<UInt8>, _ start: Int) -> Bool {
    guard text.count - start <= 8 else { return false }
    for place in start..<max(start, text.count) where !isNamed(text[place]) { return false }
    return true
  }

  private static func isNamed(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  private static let ascii: [(names: String, character: Unicode.Scalar)] = [
    ("amp AMP", "&"), ("lt LT", "<"), ("gt GT", ">"), ("quot QUOT", "\""), ("apos", "'"), ("excl", "!"),
    ("num", "#"), ("dollar", "$"), ("percnt", "%"), ("lpar", "("), ("rpar", ")"), ("ast midast", "*"),
    ("plus", "+"), ("comma", ","), ("period", "."), ("sol", "/"), ("colon", ":"), ("semi", ";"),
    ("equals", "="),
    ("quest", "?"), ("commat", "@"), ("lsqb lbrack", "["), ("bsol", "\\"), ("rsqb rbrack", "]"), ("Hat", "^"),
    ("lowbar UnderBar", "_"), ("grave", "`"), ("lcub lbrace", "{"), ("vert verbar", "|"),
    ("rcub rbrace", "}"),
    ("Tab", "\t"), ("NewLine", "\n"),
  ]

  /// The letters with which the names of a character of ASCII begin.
  static func firstLetters(of byte: UInt8) -> [UInt8] { letters[byte] ?? [] }

  private static let letters: [UInt8: [UInt8]] = {
    var result: [UInt8: [UInt8]] = [:]
    for (names, character) in ascii {
      result[UInt8(ascii: character), default: []] += names.split(separator: " ").compactMap(\.utf8.first)
    }
    return result
  }()

  private static let scalars: [UInt64: Unicode.Scalar] = {
    var result: [UInt64: Unicode.Scalar] = [:]
    func enter(_ name: Substring, _ scalar: Unicode.Scalar) {
      result[name.utf8.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }] = scalar
    }
    for (names, character) in ascii { for name in names.split(separator: " ") { enter(name, character) } }
    for (offset, name) in XMLEscape.latin1.enumerated() {
      if let scalar = Unicode.Scalar(UInt32(0xA0 + offset)) { enter(name[...], scalar) }
    }
    return result
  }()
}
