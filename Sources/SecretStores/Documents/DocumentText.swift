/// What a format's reader finds in a file: every scalar with the bytes that it takes, so that one can be exchanged and all
/// others stay byte for byte.
struct DocumentText {
  /// A scalar.
  struct Leaf {
    let path: DocumentPath
    /// What a program reads; of what is no text, as it is written.
    let value: [UInt8]
    /// In the file, with its quotes.
    let range: Range<Int>
    let style: Style
  }

  enum Style: Equatable {
    /// Without quotes.
    case bare
    case single, double
    /// Over lines; `indentation` of its lines where the format has one.
    case block(header: [UInt8], indentation: Int)
    case multilineSingle, multilineDouble
    /// No program would take another text there, and why.
    case fixed(because: String)
  }

  /// Where an entry can be added to a mapping, and what has to stand around it.
  struct Gap {
    let offset: Int
    let before: [UInt8]
    let after: [UInt8]
  }

  /// A name: a key, a section.
  struct Label {
    let path: DocumentPath
    let text: [UInt8]
    let range: Range<Int>
  }

  let bytes: [UInt8]
  var leaves: [Leaf] = []
  var names: [Label] = []
  /// Mapping → where an entry is added; a mapping that is not here takes none.
  var gaps: [DocumentPath: Gap] = [:]
  /// Lists and mappings that stand there: no entry is added over them.
  var collections: Set<DocumentPath> = []
  /// Those that are lists.
  var lists: Set<DocumentPath> = []

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func leaves(at path: DocumentPath) -> [Leaf] { leaves.filter { $0.path == path } }

  /// Text between names and values: punctuation, white space, comments. In order.
  var remarks: [Range<Int>] {
    let taken = (leaves.map(\.range) + names.map(\.range)).sorted { $0.lowerBound < $1.lowerBound }
    var found: [Range<Int>] = []
    var start = 0
    for range in taken {
      if range.lowerBound > start { found.append(start..<range.lowerBound) }
      start = max(start, range.upperBound)
    }
    if start < bytes.count { found.append(start..<bytes.count) }
    return found
  }

  /// The bytes with `edits`, which do not overlap.
  func applying(_ edits: [(range: Range<Int>, bytes: [UInt8])]) -> [UInt8] {
    var result = bytes
    // From the end: what stands before keeps its place. What is added before a text comes after that text's own edit.
    let ordered = edits.sorted {
      ($0.range.lowerBound, $0.range.upperBound) > ($1.range.lowerBound, $1.range.upperBound)
    }
    for edit in ordered {
      result.replaceSubrange(edit.range, with: edit.bytes)
    }
    return result
  }
}

/// Why a text is not read. It names a line and never what stands there: that may be the secret.
struct DocumentFault: Error, Equatable {
  let line: Int
  let because: String

  init(_ because: String, at offset: Int, in bytes: [UInt8]) {
    self.because = because
    line = bytes.prefix(offset).count { $0 == 0x0A } + 1
  }

  init(_ because: String, line: Int) {
    self.because = because
    self.line = line
  }
}

/// How one format is read and written.
protocol DocumentFormat: Sendable {
  /// As people say it: `JSON`.
  static var name: String { get }
  /// - Parameter bytes: UTF-8, without a byte-order mark.
  static func read(_ bytes: [UInt8]) throws(DocumentFault) -> DocumentText
  /// `value` as it is written in the place of `leaf`, in its style where that can hold it; nil: no spelling of this format can.
  static func written(_ value: [UInt8], like leaf: DocumentText.Leaf?) -> [UInt8]?
  /// A name with what stands between it and its value.
  static func label(_ name: String) -> [UInt8]?
}

/// Bytes that are read once, from the start.
struct ByteCursor {
  let bytes: [UInt8]
  var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }
  func peek(_ distance: Int) -> UInt8? {
    position + distance < bytes.count ? bytes[position + distance] : nil
  }
  func starts(with text: String) -> Bool { bytes[position...].starts(with: text.utf8) }
  func fault(_ because: String) -> DocumentFault { DocumentFault(because, at: position, in: bytes) }

  /// Steps over `text`. - Returns: whether it stood there.
  mutating func take(_ text: String) -> Bool {
    guard starts(with: text) else { return false }
    position += text.utf8.count
    return true
  }

  mutating func skip(while isWanted: (UInt8) -> Bool) {
    while let byte = next, isWanted(byte) { position += 1 }
  }

  /// Up to the line's end.
  mutating func skipLine() { skip { $0 != 0x0A } }

  /// The character of `count` hexadecimal digits.
  mutating func scalar(digits count: Int) throws(DocumentFault) -> Unicode.Scalar {
    let end = position + count
    guard end <= bytes.count,
      bytes[position..<end].allSatisfy({
        (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0)
      }), let number = UInt32(String(decoding: bytes[position..<end], as: UTF8.self), radix: 16)
    else { throw fault("an escape has too few digits") }
    guard let scalar = Unicode.Scalar(number) else { throw fault("an escape names no character") }
    position = end
    return scalar
  }
}

extension DocumentFormat {
  /// Between double quotes, with the escapes that JSON, TOML and YAML share.
  static func doubleQuoted(_ value: [UInt8]) -> [UInt8]? {
    guard let text = String(validating: value, as: UTF8.self) else { return nil }
    return [UInt8(ascii: "\"")] + escaped(text, keepsLineEnds: false) + [UInt8(ascii: "\"")]
  }

  static func escaped(_ text: String, keepsLineEnds: Bool) -> [UInt8] {
    var result: [UInt8] = []
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += Array("\\\(scalar)".utf8)
      case "\n": result += keepsLineEnds ? [0x0A] : Array("\\n".utf8)
      case "\r": result += Array("\\r".utf8)
      case "\t": result += Array("\\t".utf8)
      // Control characters, line ends of other systems and marks that readers drop.
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}":
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += Array(("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
      default: result += Array(String(scalar).utf8)
      }
    }
    return result
  }

  /// Whether every character is one that readers keep as it is on one line.
  static func isPrintable(_ value: [UInt8]) -> Bool {
    guard let text = String(validating: value, as: UTF8.self) else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}": false
      default: true
      }
    }
  }

  /// The line end that the bytes have.
  static func lineEnd(of bytes: [UInt8]) -> [UInt8] {
    bytes.firstRange(of: [0x0D, 0x0A]) == nil ? [0x0A] : [0x0D, 0x0A]
  }
}
