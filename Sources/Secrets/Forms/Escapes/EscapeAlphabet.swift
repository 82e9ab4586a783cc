/// What the values of a search consist of: which escapes may belong to one of them. Escapes stand everywhere in source code,
/// so a text is decoded only around those that fit.
public struct EscapeAlphabet: Sendable {
  private(set) var characters = [Bool](repeating: false, count: 256)
  /// For each byte, behind which marks it may begin an escape (``beginning(_:)``).
  private var beginnings = [UInt8](repeating: 0, count: 256)
  private(set) var sequences = ByteSequences()
  /// Some piece has fewer than four bytes: then neighbours do not count.
  private(set) var hasShort = false
  private var shortest = Int.max
  /// Only what a text in UTF-16 shows as characters of ASCII (``WideText``).
  private var isPlain = true
  private(set) var hasUmlauts = false
  private(set) var hasSpaces = false
  /// How far around an escape the rest of a value may stand, escapes included.
  private(set) var reach = 0

  /// An escape within an escape is followed to this depth, and so are layers (``DecodedText``).
  static let depth = 3
  /// Bytes of the longest escape of one character, `&#x00000026;`.
  static let longestEscape = 12
  /// A character in three layers of `\u0026`, each of which escapes all of the one before it.
  private static let deepestEscape = 216

  public init() {
    // An escape of a mark leads to another escape, and so does a mark before the escape of what follows it.
    for mark in EscapeReader.marks {
      enterBeginnings(mark)
      for next in EscapeReader.marks { beginnings[Int(next)] |= Self.beginning(mark) }
    }
    // A line end behind a backslash is not there.
    for end in [0x0A, 0x0D] { beginnings[end] |= Self.beginning(UInt8(ascii: "\\")) }
  }

  public var isEmpty: Bool { reach == 0 }

  /// From now on escapes of this secret's characters count, and those of the other characters of its base64.
  public mutating func add(_ entries: [SecretForms.Entry]) {
    for entry in entries {
      switch entry.spelling.wrapping {
      case .none:
        // What a layer undoes is not beside an escape when that is read; what no layer undoes is.
        guard entry.spelling.escape.isKept, entry.spelling.charset.isNarrow else { continue }
        add(entry.bytes)
      case .base64, .base64Twice:
        shortest = min(shortest, entry.bytes.count)
        for place in entry.bytes.indices
        where entry.bytes[place] == UInt8(ascii: "+") || entry.bytes[place] == UInt8(ascii: "/") {
          enter(entry.bytes, place)
        }
        reach = max(reach, entry.bytes.count * 3 + 64)
      case .hex: shortest = min(shortest, entry.bytes.count)
      }
    }
  }

  /// From now on escapes of this value's characters count.
  mutating func add(_ bytes: [UInt8]) {
    shortest = min(shortest, bytes.count)
    for place in bytes.indices { enter(bytes, place) }
    if bytes.contains(0x20) { enterForm(bytes) }
    if !bytes.allSatisfy(WideText.isText) { isPlain = false }
    let long = max(1 << 16, bytes.count * Self.longestEscape)
    reach = max(reach, min(bytes.count * Self.deepestEscape, long) + 64)
  }

  private mutating func enter(_ bytes: [UInt8], _ place: Int) {
    enter(bytes[place])
    if bytes.count < 4 { hasShort = true }
    // Each four of which it is one, once.
    for start in max(0, place - 3)...place where start + 3 < bytes.count && !isQuote(bytes, start) {
      sequences.insert(bytes[start..<(start + 4)].reduce(0) { $0 << 8 | UInt32($1) })
    }
  }

  /// Whether the four stand within `'\''` or `'"'"'`, which is in every shell script. An escape in them counts with what is
  /// beside them: in up to six signs each is one of four in a row of which one is another character.
  private func isQuote(_ bytes: [UInt8], _ start: Int) -> Bool {
    func isSign(_ place: Int) -> Bool {
      bytes[place] == UInt8(ascii: "'") || bytes[place] == UInt8(ascii: "\"")
        || bytes[place] == UInt8(ascii: "\\")
    }
    guard (start..<(start + 4)).allSatisfy(isSign) else { return false }
    var (low, high) = (start, start + 4)
    while low > 0, isSign(low - 1) { low -= 1 }
    while high < bytes.count, isSign(high) { high += 1 }
    return low > 0 && high < bytes.count && high - low <= 6
  }

  private mutating func enter(_ byte: UInt8) {
    guard !characters[Int(byte)] else { return }
    characters[Int(byte)] = true
    if byte == 0x20 { hasSpaces = true }
    enterBeginnings(byte)
  }

  /// A space may be `+` in a form, and another one beside it `%20`.
  private mutating func enterForm(_ bytes: [UInt8]) {
    let plus = UInt8(ascii: "+")
    enter(plus)
    for start in bytes.indices where start + 3 < bytes.count {
      var mixed: [UInt32] = [0]
      for byte in bytes[start..<(start + 4)] {
        let spaces = byte == 0x20 ? mixed.map { $0 << 8 | UInt32(plus) } : []
        mixed = mixed.map { $0 << 8 | UInt32(byte) } + spaces
      }
      for four in mixed { sequences.insert(four) }
    }
  }

  // MARK: A quick no for nearly all of a text

  /// The bit of ``beginnings(with:)`` for `mark`.
  @inlinable
  public static func beginning(_ mark: UInt8) -> UInt8 { 1 << (mark & 7) }

  /// Behind which marks `byte` may begin an escape of a character that a value has.
  public func beginnings(with byte: UInt8) -> UInt8 { beginnings[Int(byte)] }

  func begins(_ byte: UInt8, behind mark: UInt8) -> Bool {
    beginnings[Int(byte)] & Self.beginning(mark) != 0
  }

  /// From now on the first bytes count of every escape that gives `byte`.
  private mutating func enterBeginnings(_ byte: UInt8) {
    func enter(_ next: UInt8, _ mark: UInt8) { beginnings[Int(next)] |= Self.beginning(mark) }
    let backslash = UInt8(ascii: "\\")
    for next in "uxUo01234567".utf8 { enter(next, backslash) }
    switch byte {
    case 0x08: enter(UInt8(ascii: "b"), backslash)
    case 0x09: enter(UInt8(ascii: "t"), backslash)
    case 0x0A: enter(UInt8(ascii: "n"), backslash)
    case 0x0C: enter(UInt8(ascii: "f"), backslash)
    case 0x0D: enter(UInt8(ascii: "r"), backslash)
    case 0x20...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: enter(byte, backslash)
    default: break
    }
    enter(UInt8(ascii: "u"), UInt8(ascii: "%"))
    enter(UInt8(ascii: "#"), UInt8(ascii: "&"))
    guard byte < 0x80 else {
      // What it is depends on the character set.
      guard !hasUmlauts else { return }
      hasUmlauts = true
      for digit in "89abcdefABCDEF".utf8 { enter(digit, UInt8(ascii: "%")) }
      for letter in UInt8(ascii: "A")...UInt8(ascii: "Z") {
        enter(letter, UInt8(ascii: "&"))
        enter(letter | 0x20, UInt8(ascii: "&"))
      }
      return
    }
    enter(UInt8(ascii: "0") + (byte >> 4), UInt8(ascii: "%"))
    for letter in ReferenceNames.firstLetters(of: byte) { enter(letter, UInt8(ascii: "&")) }
  }

  /// How many characters of ASCII in a row UTF-16 must show to be read (``WideText``): all that a value surely has. A table
  /// in a program often has four.
  public var wideCharacters: Int { hasUmlauts || !isPlain || shortest < 8 ? WideText.fewest : WideText.most }

  // MARK: What is decoded

  /// The places of escapes that fit in a whole text.
  func places(in text: Span<UInt8>) -> [Int] {
    guard !isEmpty else { return [] }
    var result: [Int] = []
    for place in 0..<text.count where EscapeReader.isMark(text[place]) && fitsWhole(text, at: place) {
      result.append(place)
    }
    return result
  }

  /// Whether some escape fits in a whole text.
  func fitsSomewhere(in text: Span<UInt8>) -> Bool {
    guard !isEmpty else { return false }
    for place in 0..<text.count where EscapeReader.isMark(text[place]) && fitsWhole(text, at: place) {
      return true
    }
    return false
  }

  /// The parts of a text of `count` bytes that may hold a value with one of the escapes at `places` (ascending), in pieces
  /// that overlap by more than a value takes.
  public func parts(around places: [Int], of count: Int) -> [Range<Int>] {
    let most = max(1 << 18, 4 * reach)
    var result: [Range<Int>] = []
    for place in places {
      let start = max(0, place - reach)
      let end = min(count, place + reach)
      if let last = result.last, start <= last.upperBound, end - last.lowerBound <= most {
        result[result.count - 1] = last.lowerBound..<max(last.upperBound, end)
      } else {
        result.append(start..<end)
      }
    }
    return result
  }
}

extension Escape {
  /// No layer undoes it (``TextLayer``): `''`, `%%2F`, `=3D` stay beside an escape that is read.
  fileprivate var isKept: Bool {
    switch self {
    case .none, .doubled, .marked, .shellQuote: true
    case .percent(let style): style == .doubled || style == .quotedPrintable
    case .json, .jsonTwice, .xml, .xmlTwice, .bytes: false
    }
  }
}

extension Charset {
  /// One byte for each character of ASCII.
  fileprivate var isNarrow: Bool {
    switch self {
    case .utf8, .other: true
    case .utf16: false
    }
  }
}
