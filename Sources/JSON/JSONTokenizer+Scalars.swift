/// Strings, numbers and literals.
extension JSONTokenizer {
  mutating func beginString(isName: Bool) {
    state = .string
    start = position
    self.isName = isName
    bytes.removeAll(keepingCapacity: bytes.capacity < 1 << 16)
  }

  /// The end of the bytes from `index` that stand for themselves.
  func plainRun(of piece: ArraySlice<UInt8>, from index: Int) -> Int {
    guard highSurrogate == nil else { return index }
    var end = index
    while end < piece.endIndex {
      let byte = piece[end]
      if byte == 0x22 || byte == 0x5C || byte < 0x20 { break }
      end += 1
    }
    return end
  }

  mutating func append(_ run: ArraySlice<UInt8>) throws(JSONError) {
    guard bytes.count + run.count <= limits.stringBytes else {
      throw failure(.stringTooLong, "a string has more than \(limits.stringBytes) bytes", at: start)
    }
    bytes += run
  }

  mutating func stringByte<Sink: JSONTokenSink>(_ byte: UInt8, into sink: inout Sink)
    throws(JSONError)
  {
    if highSurrogate != nil, byte != 0x5C { try halfPair() }
    switch byte {
    case 0x22: try endString(into: &sink)
    case 0x5C: state = .escape
    case 0x00 where text == .strict: throw failure(.nullCharacter, "U+0000 is not accepted")
    case 0x00: try append(scalar: 0xFFFD)
    case 0x09 where text == .cleaned: try append([byte])
    case 0x01..<0x20: throw failure(.syntax, "a control character in a string must be escaped")
    default: try append([byte])
    }
  }

  /// The escape before named half of a surrogate pair, and the other half does not follow.
  private mutating func halfPair() throws(JSONError) {
    guard text == .cleaned else {
      throw failure(.invalidText, "an escape names half of a surrogate pair")
    }
    highSurrogate = nil
    try append(scalar: 0xFFFD)
  }

  mutating func escape(_ byte: UInt8) throws(JSONError) {
    if highSurrogate != nil, byte != 0x75 { try halfPair() }
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

  mutating func unicodeDigit(_ byte: UInt8) throws(JSONError) {
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
    if let high = highSurrogate, (0xDC00...0xDFFF).contains(escapeValue) {
      highSurrogate = nil
      try append(scalar: 0x10000 + (high - 0xD800) << 10 + (escapeValue - 0xDC00))
      return
    }
    if highSurrogate != nil { try halfPair() }
    if (0xD800...0xDBFF).contains(escapeValue) {
      highSurrogate = escapeValue
    } else if (0xDC00...0xDFFF).contains(escapeValue) {
      try halfPair()
    } else if escapeValue == 0 {
      guard text == .cleaned else { throw failure(.nullCharacter, "U+0000 is not accepted") }
      try append(scalar: 0xFFFD)
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
    let valid = String(validating: bytes, as: UTF8.self)
    guard let text = valid ?? (self.text == .cleaned ? String(decoding: bytes, as: UTF8.self) : nil) else {
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

  mutating func endLiteral<Sink: JSONTokenSink>(into sink: inout Sink) throws(JSONError) {
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

  mutating func endNumber<Sink: JSONTokenSink>(into sink: inout Sink) throws(JSONError) {
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

  static func isNumberByte(_ byte: UInt8) -> Bool {
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
