/// What a regular expression says word for word: labels such as `password=` beside what varies.
struct ExpressionWording {
  /// In lower case, the longest first.
  private let runs: [[UInt8]]

  init(_ source: [UInt8]) {
    var reader = Reader(source: source.map(Self.lower))
    reader.read()
    runs = Array(Set(reader.runs.filter { !$0.isEmpty })).sorted { $0.count > $1.count }
  }

  /// Whether `bytes` consist of such words and white space: then they are no secret that the expression found.
  func covers(_ bytes: some Collection<UInt8>) -> Bool {
    let text = bytes.map(Self.lower)
    var place = 0
    while place < text.count {
      if let run = runs.first(where: { text[place...].starts(with: $0) }) {
        place += run.count
      } else if text[place] == 0x20 || (0x09...0x0D).contains(text[place]) {
        place += 1
      } else {
        return false
      }
    }
    return true
  }

  private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte + 32 : byte }

  private static func isWord(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
  }

  /// Goes through the syntax of PCRE2 as far as it takes to tell words from the rest.
  private struct Reader {
    let source: [UInt8]
    var runs: [[UInt8]] = []
    private var run: [UInt8] = []
    private var place = 0

    init(source: [UInt8]) { self.source = source }

    mutating func read() {
      while place < source.count {
        let byte = source[place]
        place += 1
        switch byte {
        case UInt8(ascii: "\\"): escape()
        case UInt8(ascii: "["): characterClass()
        case UInt8(ascii: "("): group()
        case UInt8(ascii: ")"), UInt8(ascii: "|"), UInt8(ascii: "^"), UInt8(ascii: "$"), UInt8(ascii: "."):
          flush()
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"): quantified()
        case UInt8(ascii: "{"):
          let end = source[place...].firstIndex { !(0x30...0x39).contains($0) && $0 != UInt8(ascii: ",") }
          if let end, end > place, source[end] == UInt8(ascii: "}") {
            quantified()
            place = end + 1
          } else {
            run.append(byte)
          }
        default: run.append(byte)
        }
      }
      flush()
    }

    private mutating func flush() {
      runs.append(run)
      run = []
    }

    /// The last character may be there once, often or not at all.
    private mutating func quantified() {
      let last = run.popLast()
      flush()
      if let last { runs.append([last]) }
    }

    /// `\=` is a character, `\w` a class; `\Q…\E` are characters.
    private mutating func escape() {
      guard place < source.count else { return }
      let byte = source[place]
      place += 1
      guard ExpressionWording.isWord(byte) else { return run.append(byte) }
      // In lower case, so `\q` here.
      guard byte == UInt8(ascii: "q") else { return flush() }
      let end = source[place...].firstRange(of: Array("\\e".utf8))
      run += source[place..<(end?.lowerBound ?? source.count)]
      place = end?.upperBound ?? source.count
    }

    /// Of a class the signs count, as in `[:=]`: a letter of one varies.
    private mutating func characterClass() {
      flush()
      let isNegated = place < source.count && source[place] == UInt8(ascii: "^")
      if isNegated { place += 1 }
      var isFirst = true
      while place < source.count, isFirst || source[place] != UInt8(ascii: "]") {
        if source[place] == UInt8(ascii: "\\") { place += 1 }
        if place < source.count, !isNegated, !ExpressionWording.isWord(source[place]) {
          runs.append([source[place]])
        }
        place += 1
        isFirst = false
      }
      place += 1
    }

    /// `(?:`, `(?<name>`, `(?i)` and the like are no words.
    private mutating func group() {
      flush()
      guard place < source.count, source[place] == UInt8(ascii: "?") else { return }
      let ends = Set(":=!>)".utf8)
      place = source[place...].firstIndex { ends.contains($0) }.map { $0 + 1 } ?? source.count
    }
  }
}
