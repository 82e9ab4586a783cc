/// A damaged place of a JSON text, passed over byte by byte until the text can be read again.
struct JSONDamage: Sendable {
  enum Outcome: Sendable {
    case open
    /// The next piece decides.
    case undecided
    case resumed(JSONTokenizer.Resumption)
  }

  let error: JSONError
  /// How deep the text goes on.
  let target: Int
  /// The place is inside a record; else it is between two, or in a part of the text that holds none.
  let isRecord: Bool
  private let isInObject: Bool
  private let column: Int?
  private let name: [UInt8]
  private var depth: Int
  private var isInString: Bool
  private var isEscaped = false
  private var isFirstOnLine = false

  /// - Parameters:
  ///   - depth: arrays and objects open at the place.
  ///   - column: in which the damaged record began.
  ///   - firstName: with which records of this text begin.
  init(
    error: JSONError, depth: Int, target: Int, isRecord: Bool, isInObject: Bool, isInString: Bool,
    column: Int?,
    firstName: String?
  ) {
    self.error = error
    self.depth = depth
    self.target = target
    self.isRecord = isRecord
    self.isInObject = isInObject
    self.isInString = isInString
    self.column = column
    name = firstName.map { Array("\"\($0)\"".utf8) } ?? []
  }

  /// Passes over the beginning of `bytes`, of which the first stands in `column`.
  /// - Returns: where the text goes on, and how.
  mutating func pass(_ bytes: ArraySlice<UInt8>, column first: Int, isLast: Bool) -> (
    upTo: Int, outcome: Outcome
  ) {
    var column = first
    if column == 1 { isFirstOnLine = true }
    for index in bytes.indices {
      let byte = bytes[index]
      defer { column = byte == 0x0A ? 1 : column + 1 }
      if isEscaped {
        isEscaped = false
      } else if isInString {
        // A string never goes on in the next line (RFC 8259 §7): its end is missing.
        if byte == 0x22 || byte == 0x0A { isInString = false }
        if byte == 0x5C { isEscaped = true }
        if byte == 0x0A { isFirstOnLine = true }
      } else if let outcome = structural(byte, bytes[index...], column: column, isLast: isLast) {
        switch outcome {
        case .resumed(.afterValue) where isRecord, .resumed(.afterComma): return (index + 1, outcome)
        case .open, .undecided, .resumed: return (index, outcome)
        }
      }
    }
    return (bytes.endIndex, .open)
  }

  private mutating func structural(_ byte: UInt8, _ rest: ArraySlice<UInt8>, column: Int, isLast: Bool)
    -> Outcome?
  {
    switch byte {
    case 0x0A: isFirstOnLine = true
    case 0x20, 0x09, 0x0D: break
    case 0x7B:
      if isRecord, isFirstOnLine, column == self.column { return .resumed(.atValue) }
      if isRecord {
        switch beginsRecord(rest.dropFirst()) {
        case true?: return .resumed(.atValue)
        case nil where !isLast: return .undecided
        case nil, false?: break
        }
      }
      return open()
    case 0x5B: return open()
    case 0x7D, 0x5D:
      if depth == target { return (byte == 0x7D) == isInObject && !isRecord ? .resumed(.afterValue) : nil }
      depth -= 1
      isFirstOnLine = false
      return isRecord && depth == target ? .resumed(.afterValue) : nil
    case 0x2C where depth == target && !isRecord: return .resumed(.afterComma)
    case 0x22:
      isInString = true
      isFirstOnLine = false
    default: isFirstOnLine = false
    }
    return nil
  }

  private mutating func open() -> Outcome? {
    if depth == target, !isRecord, !isInObject { return .resumed(.atValue) }
    depth += 1
    isFirstOnLine = false
    return nil
  }

  /// Whether a record's first name comes next; nil when the piece ends before that is known.
  private func beginsRecord(_ rest: ArraySlice<UInt8>) -> Bool? {
    guard !name.isEmpty else { return false }
    let text = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    if text.count >= name.count { return text.starts(with: name) }
    return name.starts(with: text) ? nil : false
  }
}
