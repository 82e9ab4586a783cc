import Secrets

/// The lines of an `.env` file, as the dotenv libraries and Docker Compose read them; what we do not change stays byte
/// for byte: comments, order, blank lines, `export`, line ends.
///
/// Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
struct EnvFile {
  /// How a value is written.
  enum Style: Equatable {
    case bare, single, backtick
    /// - escapesLineEnds: a line end in it is written `\n`; else it is one.
    case double(escapesLineEnds: Bool)
  }

  /// One assignment: where it stands and what it says.
  struct Entry {
    let key: String
    let value: [UInt8]
    let style: Style
    /// The lines it takes; a quoted value may run over several.
    let lines: Range<Int>
    /// Everything up to and including `=`.
    let head: [UInt8]
    /// What follows the value: white space and a comment.
    let tail: [UInt8]
  }

  /// Without their newlines; a carriage return stays.
  private(set) var lines: [[UInt8]]
  private let hasCarriageReturns: Bool
  private let endsWithNewline: Bool
  /// The byte-order mark that some editors put first; it is no part of a name.
  private let byteOrderMark: [UInt8]

  init(_ file: [UInt8]) {
    byteOrderMark = file.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(file.prefix(3)) : []
    let bytes = Array(file.dropFirst(byteOrderMark.count))
    hasCarriageReturns = bytes.firstRange(of: [0x0D, 0x0A]) != nil
    endsWithNewline = bytes.isEmpty || bytes.last == 0x0A
    lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
    if bytes.isEmpty || bytes.last == 0x0A { lines.removeLast() }
  }

  /// The file's bytes.
  var bytes: [UInt8] {
    var result = byteOrderMark + Array(lines.joined(separator: [0x0A]))
    if endsWithNewline, !lines.isEmpty { result.append(0x0A) }
    return result
  }

  /// Every assignment, in order. Of several with one key the last counts.
  var entries: [Entry] {
    var found: [Entry] = []
    var index = 0
    while index < lines.count {
      if let entry = entry(at: index) {
        found.append(entry)
        index = entry.lines.upperBound
      } else {
        index += 1
      }
    }
    return found
  }

  /// White space beside a value; a carriage return only ever ends a line.
  private static let blank: Set<UInt8> = [0x20, 0x09, 0x0D]

  private func entry(at index: Int) -> Entry? {
    let line = lines[index]
    guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    var name = line[..<equals].drop { Self.blank.contains($0) }
    while let last = name.last, Self.blank.contains(last) { name.removeLast() }
    let export = Array("export".utf8)
    if name.starts(with: export), let next = name.dropFirst(export.count).first, Self.blank.contains(next) {
      name = name.dropFirst(export.count).drop { Self.blank.contains($0) }
    }
    let isName: (UInt8) -> Bool = { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || [0x5F, 0x2E, 0x2D].contains(byte)
    }
    guard !name.isEmpty, name.allSatisfy(isName) else { return nil }  // a comment or no assignment
    var start = equals + 1
    while start < line.count, Self.blank.contains(line[start]) { start += 1 }
    let head = Array(line[..<start])
    let key = String(decoding: name, as: UTF8.self)
    let quote = start < line.count ? line[start] : 0
    if [UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`")].contains(quote),
      let quoted = quoted(quote, line: index, from: start + 1)
    {
      return Entry(
        key: key, value: quoted.value, style: quoted.style, lines: index..<quoted.line + 1, head: head,
        tail: Array(lines[quoted.line][quoted.end...]))
    }
    // Unquoted: up to white space and a comment, or the end.
    var end = line.count
    for position in start..<max(start, line.count)
    where line[position] == UInt8(ascii: "#") && position > start && Self.blank.contains(line[position - 1]) {
      end = position
      break
    }
    while end > start, Self.blank.contains(line[end - 1]) { end -= 1 }
    return Entry(
      key: key, value: Array(line[start..<end]), style: .bare, lines: index..<index + 1, head: head,
      tail: Array(line[end...]))
  }

  /// The value between quotes, which may run over lines, and where it ends; nil when the quote never closes.
  private func quoted(_ quote: UInt8, line first: Int, from start: Int)
    -> (value: [UInt8], line: Int, end: Int, style: Style)?
  {
    var value: [UInt8] = []
    var isEscaped = false
    var (line, position) = (first, start)
    while line < lines.count {
      let text = lines[line]
      while position < text.count {
        let byte = text[position]
        if byte == quote {
          let style: Style
          switch quote {
          case UInt8(ascii: "'"): style = .single
          case UInt8(ascii: "`"): style = .backtick
          default: style = .double(escapesLineEnds: isEscaped && line == first)
          }
          return (value, line, position + 1, style)
        }
        if quote == UInt8(ascii: "\""), byte == UInt8(ascii: "\\"), position + 1 < text.count {
          if text[position + 1] == UInt8(ascii: "n") { isEscaped = true }
          value.append(Self.unescaped(text[position + 1]))
          position += 2
        } else {
          value.append(byte)
          position += 1
        }
      }
      value.append(0x0A)
      (line, position) = (line + 1, 0)
    }
    return nil
  }

  private static func unescaped(_ byte: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: byte
    }
  }

  /// The last value of `key`.
  func value(of key: String) -> [UInt8]? { entries.last { $0.key == key }?.value }

  /// The comment that ``set(_:to:mark:)`` left above the last assignment of `key`.
  func mark(of key: String) -> String? {
    guard let entry = entries.last(where: { $0.key == key }), entry.lines.lowerBound > 0 else { return nil }
    let above = lines[entry.lines.lowerBound - 1]
    let prefix = Array(Self.markPrefix.utf8)
    guard above.starts(with: prefix) else { return nil }
    return String(decoding: above.dropFirst(prefix.count).prefix { $0 != 0x0D }, as: UTF8.self)
  }

  private static let markPrefix = "# rotated by "

  /// Gives `key` a new value wherever it is assigned, so that the old one stands nowhere; adds it at the end when it is
  /// new. `mark` is written in a comment above.
  mutating func set(_ key: String, to value: [UInt8], mark: String) {
    let end: [UInt8] = hasCarriageReturns ? [0x0D] : []
    let comment = Array((Self.markPrefix + mark).utf8) + end
    let places = entries.filter { $0.key == key }
    guard !places.isEmpty else {
      if hasCarriageReturns, !endsWithNewline, let last = lines.indices.last { lines[last].append(0x0D) }
      lines += [comment] + Self.lines(of: Array((key + "=").utf8) + Self.quoted(value) + end)
      return
    }
    for entry in places.reversed() {
      // `KEY= value` would be read as a command by a shell: no white space between.
      var head = entry.head
      while let last = head.last, Self.blank.contains(last) { head.removeLast() }
      // What stands directly behind a closing quote would become part of a bare value.
      let canBeBare = entry.tail.first.map(Self.blank.contains) ?? true
      let written = Self.quoted(value, like: entry.style, canBeBare: canBeBare)
      lines.replaceSubrange(entry.lines, with: Self.lines(of: head + written + entry.tail))
      let line = entry.lines.lowerBound
      if line > 0, lines[line - 1].starts(with: Array(Self.markPrefix.utf8)) {
        lines[line - 1] = comment
      } else {
        lines.insert(comment, at: line)
      }
    }
  }

  /// Writes `text` where `remark` stands.
  mutating func replace(_ remark: Remark, with text: [UInt8]) {
    guard remark.isTail else { return lines.replaceSubrange(remark.lines, with: Self.lines(of: text)) }
    let line = remark.lines.lowerBound
    lines[line] = lines[line].dropLast(remark.text.count) + text
  }

  /// Whether everything but `keys` reads the same in `other`. Where a quote was left open, a quote in a new value closes it.
  func keeps(_ other: EnvFile, besides keys: Set<String>) -> Bool {
    func rest(_ file: EnvFile) -> [(String, [UInt8])] {
      file.entries.filter { !keys.contains($0.key) }.map { ($0.key, $0.value) }
    }
    return rest(self).elementsEqual(rest(other), by: ==)
  }

  private static func lines(of text: [UInt8]) -> [[UInt8]] {
    text.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
  }

  /// The value as every reader takes it literally, in the style of what it replaces where that can hold it: bare when it is
  /// plain, else in single quotes, else in double quotes.
  ///
  /// A line end stays one between the quotes, which shells, Docker Compose and the dotenv libraries all read; only where what
  /// stood there wrote `\n` is it known that its reader decodes that.
  static func quoted(_ value: [UInt8], like style: Style = .bare, canBeBare: Bool = true) -> [UInt8] {
    let (single, double, backtick) = (UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"))
    let special: Set<UInt8> = [double, backtick, UInt8(ascii: "\\"), UInt8(ascii: "$")]
    // Readers take a carriage return between quotes for a part of a line end.
    let needsEscapes = value.contains(0x0D)
    switch style {
    case .bare:
      if isPlain(value), canBeBare { return value }
    case .single: break
    case .backtick:
      if !value.contains(where: special.contains), !needsEscapes { return [backtick] + value + [backtick] }
    case .double(let escapesLineEnds):
      if value.contains(0x0A), escapesLineEnds { return escaped(value, lineEnds: true) }
      if !value.contains(where: special.contains), !needsEscapes { return [double] + value + [double] }
    }
    if !value.contains(single), !needsEscapes { return [single] + value + [single] }
    return escaped(value, lineEnds: needsEscapes)
  }

  private static func isPlain(_ value: [UInt8]) -> Bool {
    let plain = Array("-_./:@%+,=".utf8)
    return !value.isEmpty
      && value.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || plain.contains(byte)
      }
  }

  private static func escaped(_ value: [UInt8], lineEnds: Bool) -> [UInt8] {
    var result: [UInt8] = [UInt8(ascii: "\"")]
    for byte in value {
      switch byte {
      case 0x0A where lineEnds: result += Array("\\n".utf8)
      case 0x0D: result += Array("\\r".utf8)
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "$"), UInt8(ascii: "`"):
        result += [UInt8(ascii: "\\"), byte]
      default: result.append(byte)
      }
    }
    return result + [UInt8(ascii: "\"")]
  }
}
