/// A strict reader of RFC 8259 that takes its text in pieces of any size.
///
/// It checks the whole grammar, UTF-8, duplicate names and ``JSONLimits``, and keeps only the string or number that it is
/// in and the names of the open objects: the length of the text does not matter.
public struct JSONTokenizer: Sendable {
  /// How many values a text holds.
  public enum Content: Sendable {
    case oneValue
    /// Values one after the other, with or without white space between them.
    case values
  }

  private enum State: Sendable {
    case value, valueOrEndOfArray, nameOrEndOfObject, name, colon, commaOrEnd, betweenValues
    case string, escape, unicodeEscape, number, literal
  }

  private struct Container: Sendable {
    let isObject: Bool
    var names: Set<String> = []
  }

  private let limits: JSONLimits
  private let content: Content
  private var state = State.value
  private var open: [Container] = []
  private var valuesSeen = 0

  private var bytes: [UInt8] = []  // of the string, number or literal being read
  private var start = JSONPosition(line: 1, column: 1, offset: 0)
  private var isName = false
  private var escapeDigits = 0
  private var escapeValue: UInt32 = 0
  private var highSurrogate: UInt32?

  private var offset: Int
  private var line: Int
  private var lineStart: Int

  /// - Parameters:
  ///   - line: the number of the text's first line.
  ///   - offset: of the text's first byte, when it is a part of something longer.
  public init(limits: JSONLimits = .standard, content: Content = .oneValue, line: Int = 1, offset: Int = 0) {
    self.limits = limits
    self.content = content
    self.line = line
    self.offset = offset
    lineStart = offset
  }

  /// Of the next byte.
  public var position: JSONPosition {
    JSONPosition(line: line, column: offset - lineStart + 1, offset: offset)
  }

  /// True when no value is open: before the first one, between two, or after the last.
  public var isBetweenValues: Bool {
    state == .betweenValues || (state == .value && open.isEmpty && valuesSeen == 0)
  }

  /// Values finished so far at the top level.
  public var valueCount: Int { valuesSeen }

  /// Reads the next piece of the text.
  public mutating func feed<Sink: JSONTokenSink>(_ piece: ArraySlice<UInt8>, into sink: inout Sink)
    throws(JSONError)
  {
    var index = piece.startIndex
    while index < piece.endIndex {
      let byte = piece[index]
      switch state {
      case .string:
        let plain = plainRun(of: piece, from: index)
        if plain > index {
          try append(piece[index..<plain])
          offset += plain - index
          index = plain
          continue
        }
        try stringByte(byte, into: &sink)
      case .escape: try escape(byte)
      case .unicodeEscape: try unicodeDigit(byte)
      case .number:
        if JSONTokenizer.isNumberByte(byte) {
          guard bytes.count < limits.numberBytes else {
            throw failure(
              .numberTooLong, "a number has more than \(limits.numberBytes) characters", at: start)
          }
          bytes.append(byte)
        } else {
          try endNumber(into: &sink)
          continue  // the byte belongs to what follows
        }
      case .literal:
        if (0x61...0x7A).contains(byte), bytes.count < 8 {
          bytes.append(byte)
        } else {
          try endLiteral(into: &sink)
          continue
        }
      case .value, .valueOrEndOfArray, .nameOrEndOfObject, .name, .colon, .commaOrEnd, .betweenValues:
        if byte == 0x0A {
          line += 1
          lineStart = offset + 1
        } else if byte != 0x20, byte != 0x09, byte != 0x0D {
          try structural(byte, into: &sink)
        }
      }
      offset += 1
      index += 1
    }
  }

  /// The text is over.
  public mutating func finish<Sink: JSONTokenSink>(into sink: inout Sink) throws(JSONError) {
    if state == .number { try endNumber(into: &sink) }
    if state == .literal { try endLiteral(into: &sink) }
    guard state == .betweenValues || (content == .values && isBetweenValues) else {
      throw failure(.unexpectedEnd, "the text ends here, inside a value")
    }
  }

  // MARK: Structure

  private mutating func structural<Sink: JSONTokenSink>(_ byte: UInt8, into sink: inout Sink)
    throws(JSONError)
  {
    switch state {
    case .value: try beginValue(byte, into: &sink)
    case .valueOrEndOfArray:
      if byte == 0x5D { try close(isObject: false, into: &sink) } else { try beginValue(byte, into: &sink) }
    case .nameOrEndOfObject where byte == 0x7D: try close(isObject: true, into: &sink)
    case .nameOrEndOfObject, .name:
      guard byte == 0x22 else { throw failure(.syntax, "expected a name in double quotes") }
      beginString(isName: true)
    case .colon:
      guard byte == 0x3A else { throw failure(.syntax, "expected a colon after the name") }
      state = .value
    case .commaOrEnd:
      guard let container = open.last else { throw failure(.syntax, "expected nothing more") }
      switch byte {
      case 0x2C: state = container.isObject ? .name : .value
      case 0x7D where container.isObject: try close(isObject: true, into: &sink)
      case 0x5D where !container.isObject: try close(isObject: false, into: &sink)
      default:
        throw failure(
          .syntax, "expected a comma or the end of the \(container.isObject ? "object" : "array")")
      }
    case .betweenValues:
      guard content == .values else { throw failure(.trailingBytes, "expected nothing after the value") }
      try beginValue(byte, into: &sink)
    case .string, .escape, .unicodeEscape, .number, .literal:
      preconditionFailure("a scalar's bytes are read by feed(_:into:)")
    }
  }

  private mutating func beginValue<Sink: JSONTokenSink>(_ byte: UInt8, into sink: inout Sink)
    throws(JSONError)
  {
    switch byte {
    case 0x7B, 0x5B:
      guard open.count < limits.depth else {
        throw failure(.tooDeep, "more than \(limits.depth) arrays and objects inside one another")
      }
      let isObject = byte == 0x7B
      open.append(Container(isObject: isObject))
      state = isObject ? .nameOrEndOfObject : .valueOrEndOfArray
      try sink.take(isObject ? .beginObject : .beginArray, at: position)
    case 0x22: beginString(isName: false)
    case 0x2D, 0x30...0x39: begin(.number, with: byte)
    case 0x66, 0x6E, 0x74: begin(.literal, with: byte)
    default: throw failure(.syntax, "expected a value")
    }
  }

  private mutating func begin(_ next: State, with byte: UInt8) {
    state = next
    start = position
    bytes.removeAll(keepingCapacity: true)
    bytes.append(byte)
  }

  private mutating func close<Sink: JSONTokenSink>(isObject: Bool, into sink: inout Sink) throws(JSONError) {
    open.removeLast()
    endValue()
    try sink.take(isObject ? .endObject : .endArray, at: position)
  }

  private mutating func endValue() {
    if open.isEmpty { valuesSeen += 1 }
    state = open.isEmpty ? .betweenValues : .commaOrEnd
  }

  private func failure(_ code: JSONError.Code, _ because: String, at place: JSONPosition? = nil) -> JSONError
  {
    JSONError(code, at: place ?? position, because: because)
  }
}

// MARK: Scalars

extension JSONTokenizer {
  private mutating func beginString(isName: Bool) {
    state = .string
    start = position
    self.isName = isName
    bytes.removeAll(keepingCapacity: bytes.capacity < 1 << 16)
  }

  /// The end of the bytes from `index` that stand for themselves.
  private func plainRun(of piece: ArraySlice<UInt8>, from index: Int) -> Int {
    guard highSurrogate == nil else { return index }
    var end = index
    while end < piece.endIndex {
      let byte = piece[end]
      if byte == 0x22 || byte == 0x5C || byte < 0x20 { break }
      end += 1
    }
    return end
  }

  private mutating func append(_ run: ArraySlice<UInt8>) throws(JSONError) {
    guard bytes.count + run.count <= limits.stringBytes else {
      throw failure(.stringTooLong, "a string has more than \(limits.stringBytes) bytes", at: start)
    }
    bytes += run
  }

  private mutating func stringByte<Sink: JSONTokenSink>(_ byte: UInt8, into sink: inout Sink)
    throws(JSONError)
  {
    guard highSurrogate == nil || byte == 0x5C else {
      throw failure(.invalidText, "an escape names half of a surrogate pair")
    }
    switch byte {
    case 0x22: try endString(into: &sink)
    case 0x5C: state = .escape
    case 0x00: throw failure(.nullCharacter, "U+0000 is not accepted")
    case 0x01..<0x20: throw failure(.syntax, "a control character in a string must be escaped")
    default: try append([byte])
    }
  }

  private mutating func escape(_ byte: UInt8) throws(JSONError) {
    guard highSurrogate == nil || byte == 0x75 else {
      throw failure(.invalidText, "an escape names half of a surrogate pair")
    }
    let plain: UInt8
    switch byte {
    case 0x22, 0x2F, 0x5C: plain = byte
    case 0x62: plain = 0x08
    case 0x66: plain = 0x0C
    case 0x6E: plain = 0x0A
    case 0x72: plain = 0x0D
    case 0x74: plain = 0x09
    case 0x75:
      state = .unicodeEscape
      escapeDigits = 0
      escapeValue = 0
      return
    default: throw failure(.syntax, "no such escape")
    }
    state = .string
    try append([plain])
  }

  private mutating func unicodeDigit(_ byte: UInt8) throws(JSONError) {
    let digit: UInt8
    switch byte {
    case 0x30...0x39: digit = byte - 0x30
    case 0x41...0x46: digit = byte - 0x41 + 10
    case 0x61...0x66: digit = byte - 0x61 + 10
    default: throw failure(.syntax, "expected four hexadecimal digits after \\u")
    }
    escapeValue = escapeValue << 4 | UInt32(digit)
    escapeDigits += 1
    guard escapeDigits == 4 else { return }
    state = .string
    if let high = highSurrogate {
      guard (0xDC00...0xDFFF).contains(escapeValue) else {
        throw failure(.invalidText, "an escape names half of a surrogate pair")
      }
      highSurrogate = nil
      try append(scalar: 0x10000 + (high - 0xD800) << 10 + (escapeValue - 0xDC00))
    } else if (0xD800...0xDBFF).contains(escapeValue) {
      highSurrogate = escapeValue
    } else if (0xDC00...0xDFFF).contains(escapeValue) {
      throw failure(.invalidText, "an escape names half of a surrogate pair")
    } else if escapeValue == 0 {
      throw failure(.nullCharacter, "U+0000 is not accepted")
    } else {
      try append(scalar: escapeValue)
    }
  }

  private mutating func append(scalar value: UInt32) throws(JSONError) {
    guard let scalar = Unicode.Scalar(value) else {
      throw failure(.invalidText, "an escape names no character")
    }
    try append(ArraySlice(Array(String(Character(scalar)).utf8)))
  }

  private mutating func endString<Sink: JSONTokenSink>(into sink: inout Sink) throws(JSONError) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw failure(.invalidText, "a string is not UTF-8", at: start)
    }
    guard isName else {
      endValue()
      try sink.take(.scalar(.string(text)), at: start)
      return
    }
    let last = open.count - 1
    guard open[last].names.count < limits.nodes else {
      throw failure(.tooManyNodes, "an object has more than \(limits.nodes) members", at: start)
    }
    guard open[last].names.insert(text).inserted else {
      throw failure(.duplicateName, "a name stands twice in one object", at: start)
    }
    state = .colon
    try sink.take(.name(text), at: start)
  }

  private mutating func endLiteral<Sink: JSONTokenSink>(into sink: inout Sink) throws(JSONError) {
    let value: JSONValue
    switch bytes {
    case Array("null".utf8): value = .null
    case Array("true".utf8): value = .boolean(true)
    case Array("false".utf8): value = .boolean(false)
    default: throw failure(.syntax, "expected a value", at: start)
    }
    endValue()
    try sink.take(.scalar(value), at: start)
  }

  private mutating func endNumber<Sink: JSONTokenSink>(into sink: inout Sink) throws(JSONError) {
    guard JSONTokenizer.isNumber(bytes) else {
      throw failure(.syntax, "not a number as JSON writes them", at: start)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let isWhole = !bytes.contains { $0 == 0x2E || $0 == 0x45 || $0 == 0x65 }
    let value: JSONValue
    if isWhole, let whole = Int(text) {
      value = .integer(whole)
    } else if let number = Double(text), number.isFinite {
      value = .number(number)
    } else {
      throw failure(.numberTooLarge, "a number is too large", at: start)
    }
    endValue()
    try sink.take(.scalar(value), at: start)
  }

  private static func isNumberByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: true
    default: false
    }
  }

  /// RFC 8259 §6: `-? (0 | [1-9][0-9]*) (\. [0-9]+)? ([eE] [+-]? [0-9]+)?`
  private static func isNumber(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    if rest.first == 0x2D { rest.removeFirst() }
    let whole = rest.prefix(while: isDigit)
    guard let first = whole.first, first != 0x30 || whole.count == 1 else { return false }
    rest = rest.dropFirst(whole.count)
    if rest.first == 0x2E {
      let fraction = rest.dropFirst().prefix(while: isDigit)
      guard !fraction.isEmpty else { return false }
      rest = rest.dropFirst(1 + fraction.count)
    }
    if let mark = rest.first, mark == 0x65 || mark == 0x45 {
      rest.removeFirst()
      if let sign = rest.first, sign == 0x2B || sign == 0x2D { rest.removeFirst() }
      let exponent = rest.prefix(while: isDigit)
      guard !exponent.isEmpty else { return false }
      rest = rest.dropFirst(exponent.count)
    }
    return rest.isEmpty
  }
}
