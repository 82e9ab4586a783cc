/// Makes a report's bytes the UTF-8 text that formats read, piece by piece: a byte order mark is taken off, UTF-16 (what `>`
/// writes in Windows PowerShell) is decoded.
///
/// Without a byte order mark UTF-16 shows itself by the NUL beside the first character, which every format begins in ASCII.
struct ReportText: Sendable {
  private enum Encoding: Sendable { case utf8, utf16LittleEndian, utf16BigEndian }

  private let sourceName: String
  private var encoding: Encoding?
  private var start: [UInt8] = []
  private var odd: UInt8?
  private var highSurrogate: UInt16?

  init(sourceName: String) { self.sourceName = sourceName }

  /// - Throws: ``ReportError`` `.unknownFormat` for an encoding that is not read, or a compressed report, named.
  mutating func decode(_ piece: ArraySlice<UInt8>) throws(ReportError) -> ArraySlice<UInt8> {
    guard encoding == nil else { return decoded(piece) }
    start += piece
    return start.count < 4 ? [] : try begin()
  }

  /// The report is over.
  mutating func finish() throws(ReportError) -> ArraySlice<UInt8> {
    var rest = encoding == nil ? try begin() : []
    if odd != nil || highSurrogate != nil { rest += Array("\u{FFFD}".utf8) }
    return rest
  }

  private mutating func begin() throws(ReportError) -> ArraySlice<UInt8> {
    let bytes = start[...]
    start = []
    if let reason = ReportText.refusal(bytes) {
      throw ReportError(.unknownFormat, at: sourceName, because: reason.because, fix: reason.fix)
    }
    let mark: Int
    switch (bytes.first, bytes.dropFirst().first, bytes.dropFirst(2).first) {
    case (0xEF, 0xBB, 0xBF): (encoding, mark) = (.utf8, 3)
    case (0xFF, 0xFE, _): (encoding, mark) = (.utf16LittleEndian, 2)
    case (0xFE, 0xFF, _): (encoding, mark) = (.utf16BigEndian, 2)
    case (.some(0x01...0x7F), 0x00, _): (encoding, mark) = (.utf16LittleEndian, 0)
    case (0x00, .some(0x01...0x7F), _): (encoding, mark) = (.utf16BigEndian, 0)
    default: (encoding, mark) = (.utf8, 0)
    }
    return decoded(bytes.dropFirst(mark))
  }

  private static func refusal(_ bytes: ArraySlice<UInt8>) -> (because: String, fix: String)? {
    if bytes.starts(with: [0x1F, 0x8B]) {
      return ("the report is compressed with gzip", "unpack it with gunzip -c, into: staunch respond -")
    }
    if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
      return ("the report is a ZIP archive", "unpack it with unzip -p, into: staunch respond -")
    }
    if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
      return ("the report is compressed with Zstandard", "unpack it with zstd -dc, into: staunch respond -")
    }
    let isUTF32 =
      bytes.starts(with: [0xFF, 0xFE, 0x00, 0x00]) || bytes.starts(with: [0x00, 0x00, 0xFE, 0xFF])
    if isUTF32 {
      return (
        "the report is encoded in UTF-32",
        "write it in UTF-8 with iconv -f UTF-32 -t UTF-8, into: staunch respond -"
      )
    }
    return nil
  }

  private mutating func decoded(_ piece: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard encoding != .utf8, !piece.isEmpty else { return piece }
    var text: [UInt8] = []
    text.reserveCapacity(piece.count / 2 + 4)
    for byte in piece {
      guard let first = odd else {
        odd = byte
        continue
      }
      odd = nil
      let (high, low) = encoding == .utf16BigEndian ? (first, byte) : (byte, first)
      append(unit: UInt16(high) << 8 | UInt16(low), to: &text)
    }
    return text[...]
  }

  private mutating func append(unit: UInt16, to text: inout [UInt8]) {
    if let high = highSurrogate {
      highSurrogate = nil
      if (0xDC00...0xDFFF).contains(unit) {
        append(scalar: 0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(unit) - 0xDC00), to: &text)
        return
      }
      append(scalar: 0xFFFD, to: &text)
    }
    if (0xD800...0xDBFF).contains(unit) {
      highSurrogate = unit
    } else {
      append(scalar: UInt32(unit), to: &text)
    }
  }

  private func append(scalar value: UInt32, to text: inout [UInt8]) {
    guard value >= 0x80 else { return text.append(UInt8(value)) }
    text += Array(String(Unicode.Scalar(value).map(Character.init) ?? "\u{FFFD}").utf8)
  }
}

/// Takes out what a terminal is told: colours, queries, titles (ECMA-48 §5.4, §5.6). A report captured from a terminal holds
/// them; JSON and XML allow no ESC, so nothing of the report is lost.
struct TerminalSequences: Sendable {
  private enum State: Sendable { case text, escape, intermediate, control, command, commandEscape }
  private var state = State.text

  mutating func removed(from piece: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard state != .text || piece.contains(0x1B) else { return piece }
    var text: [UInt8] = []
    text.reserveCapacity(piece.count)
    for byte in piece {
      switch state {
      case .text:
        if byte == 0x1B { state = .escape } else { text.append(byte) }
      case .escape:
        switch byte {
        case 0x5B: state = .control
        case 0x5D, 0x50, 0x58, 0x5E, 0x5F: state = .command
        case 0x20...0x2F: state = .intermediate
        case 0x1B: break
        case 0x30...0x7E: state = .text
        default:
          state = .text
          text.append(byte)
        }
      case .intermediate: if !(0x20...0x2F).contains(byte) { state = .text }
      case .control: if (0x40...0x7E).contains(byte) || byte == 0x0A { end(byte, &text) }
      case .command:
        if byte == 0x1B { state = .commandEscape }
        // A command that never ends must not swallow the report.
        if byte == 0x07 || byte == 0x0A { end(byte, &text) }
      case .commandEscape: state = byte == 0x5C ? .text : .command
      }
    }
    return text[...]
  }

  private mutating func end(_ byte: UInt8, _ text: inout [UInt8]) {
    state = .text
    if byte == 0x0A { text.append(byte) }
  }
}
