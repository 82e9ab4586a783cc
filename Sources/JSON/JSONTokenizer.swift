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
    /// Objects and arrays one after the other; anything else between them is an error.
    case containers
  }

  /// What is done about a string that is no text.
  public enum Text: Sendable {
    /// It is an error.
    case strict
    /// U+FFFD stands for U+0000, for half a surrogate pair and for what is not UTF-8; a tab needs no escape.
    case cleaned
  }

  enum State: Sendable {
    case value, valueOrEndOfArray, nameOrEndOfObject, name, colon, commaOrEnd, betweenValues
    case string, escape, unicodeEscape, number, literal
  }

  struct Container: Sendable {
    let isObject: Bool
    var names: Set<String> = []
  }

  let limits: JSONLimits
  private let content: Content
  let text: Text
  var state = State.value
  var open: [Container] = []
  private var valuesSeen = 0

  var bytes: [UInt8] = []  // of the string, number or literal being read
  var start = JSONPosition(line: 1, column: 1, offset: 0)
  var isName = false
  var escapeDigits = 0
  var escapeValue: UInt32 = 0
  var highSurrogate: UInt32?

  private var offset: Int
  private var line: Int
  private var lineStart: Int

  /// - Parameters:
  ///   - line: the number of the text's first line.
  ///   - offset: of the text's first byte, when it is a part of something longer.
  public init(
    limits: JSONLimits = .standard, content: Content = .oneValue, text: Text = .strict, line: Int = 1,
    offset: Int = 0
  ) {
    self.limits = limits
    self.content = content
    self.text = text
    self.line = line
    self.offset = offset
    lineStart = offset
  }

  /// Of the next byte.
  public var position: JSONPosition {
    JSONPosition(line: line, column: offset - lineStart + 1, offset: offset)
  }

  /// True when no value is open: before the first one, between two, or after the last.
  private var isBetweenValues: Bool {
    state == .betweenValues || (state == .value && open.isEmpty && valuesSeen == 0)
  }

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
    guard state == .betweenValues || (content != .oneValue && isBetweenValues) else {
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
      guard content != .oneValue else { throw failure(.trailingBytes, "expected nothing after the value") }
      try beginValue(byte, into: &sink)
    case .string, .escape, .unicodeEscape, .number, .literal:
      preconditionFailure("a scalar's bytes are read by feed(_:into:)")
    }
  }

  private mutating func beginValue<Sink: JSONTokenSink>(_ byte: UInt8, into sink: inout Sink)
    throws(JSONError)
  {
    if content == .containers, open.isEmpty, byte != 0x7B, byte != 0x5B {
      throw failure(.syntax, "expected an object or a list")
    }
    switch byte {
    case 0x7B, 0x5B:
      // No program writes a member's value at the beginning of a line: the line before was cut off, this is the next.
      if content == .containers, byte == 0x7B, offset == lineStart, open.last?.isObject == true {
        throw failure(.unexpectedEnd, "the line before ends inside a value")
      }
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

  mutating func endValue() {
    if open.isEmpty { valuesSeen += 1 }
    state = open.isEmpty ? .betweenValues : .commaOrEnd
  }

  func failure(_ code: JSONError.Code, _ because: String, at place: JSONPosition? = nil) -> JSONError {
    JSONError(code, at: place ?? position, because: because)
  }
}

// MARK: Going on after damage

extension JSONTokenizer {
  /// Where a reader goes on that has passed over a damaged place.
  enum Resumption: Sendable {
    /// A value has just ended.
    case afterValue
    /// A value begins here.
    case atValue
    /// After the comma of an array or object.
    case afterComma
  }

  /// Arrays and objects that are open.
  var depth: Int { open.count }
  var isInObject: Bool { open.last?.isObject == true }
  var isInString: Bool { state == .string || state == .escape || state == .unicodeEscape }

  /// Counts bytes that are not read.
  mutating func pass(over bytes: ArraySlice<UInt8>) {
    for byte in bytes {
      offset += 1
      if byte == 0x0A {
        line += 1
        lineStart = offset
      }
    }
  }

  /// Forgets what is open beyond `depth` and goes on.
  mutating func resume(_ place: Resumption, depth: Int) {
    open.removeLast(open.count - depth)
    highSurrogate = nil
    switch place {
    case .afterValue: endValue()
    case .atValue where open.isEmpty: state = .betweenValues
    case .atValue: state = .value
    case .afterComma: state = isInObject ? .name : .value
    }
  }
}
