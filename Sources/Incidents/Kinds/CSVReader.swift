/// Reads comma-separated values (RFC 4180) piece by piece, in memory bounded by one row.
///
/// The CSV libraries at hand want the whole text at once; a scanner's report may be larger than memory.
public struct CSVReader: Sendable {
  /// One row: its fields and the number of its first line, from 1.
  public struct Row: Sendable, Hashable {
    public let fields: [String]
    public let line: Int
  }

  /// Why a text is not CSV. Names a line, never a content.
  public struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
    public let line: Int
    public let because: String
    public init(line: Int, because: String) {
      self.line = line
      self.because = because
    }
    public var description: String { "line \(line): \(because)" }
  }

  private enum State: Sendable { case startOfField, plain, quoted, quoteInQuoted }

  /// What stood in a text of which some rows may be malformed.
  public enum Salvaged: Sendable {
    case row(Row)
    case malformed(Malformed)
  }

  private let maximumFieldBytes: Int
  private let maximumFields: Int
  private let cleansText: Bool
  private var raw: [UInt8] = []  // of the row being read, when malformed ones are passed over
  private var isSkipping = false  // the rest of a malformed line
  private var state = State.startOfField
  private var field: [UInt8] = []
  private var fields: [String] = []
  private var line = 1
  private var rowLine = 1

  /// - Parameters:
  ///   - maximumFieldBytes: of one field; a quote that is never closed must not swallow the report.
  ///   - maximumFields: of one row.
  ///   - cleansText: U+FFFD stands for U+0000 and for what is not UTF-8; else they are errors.
  public init(maximumFieldBytes: Int = 1 << 20, maximumFields: Int = 256, cleansText: Bool = false) {
    self.maximumFieldBytes = maximumFieldBytes
    self.maximumFields = maximumFields
    self.cleansText = cleansText
  }

  /// Reads the next piece and returns the rows that it completes; blank lines are no rows.
  public mutating func feed(_ piece: ArraySlice<UInt8>) throws(Malformed) -> [Row] {
    var rows: [Row] = []
    for byte in piece {
      if let row = try take(byte) { rows.append(row) }
    }
    return rows
  }

  private mutating func take(_ byte: UInt8) throws(Malformed) -> Row? {
    var row: Row?
    switch (state, byte) {
    case (.quoted, 0x22): state = .quoteInQuoted
    case (.quoted, _): try append(byte)
    case (.quoteInQuoted, 0x22):
      state = .quoted
      try append(byte)
    case (.startOfField, 0x22): state = .quoted
    case (.plain, 0x22): throw Malformed(line: line, because: "a quote inside a field without quotes")
    case (_, 0x2C): try endField()
    case (_, 0x0A): row = try endRow()
    case (_, 0x0D): break  // of CR LF
    case (.quoteInQuoted, _): throw Malformed(line: line, because: "bytes after a closing quote")
    case (.startOfField, _), (.plain, _):
      state = .plain
      try append(byte)
    }
    if byte == 0x0A { line += 1 }
    if byte == 0x0A, isBetweenRows { rowLine = line }
    return row
  }

  private var isBetweenRows: Bool { state == .startOfField && fields.isEmpty }

  /// Reads the next piece; a malformed row costs none of the next: reading goes on with the line after the one on which it
  /// began, even when a quote that is never closed had swallowed that line.
  public mutating func salvage(_ piece: ArraySlice<UInt8>, isLast: Bool = false) -> [Salvaged] {
    var items: [Salvaged] = []
    var rest = piece
    while true {
      while let byte = rest.popFirst() {
        if isSkipping {
          guard byte == 0x0A else { continue }
          isSkipping = false
          line += 1
          rowLine = line
          continue
        }
        raw.append(byte)
        do throws(Malformed) {
          if let row = try take(byte) { items.append(.row(row)) }
          if isBetweenRows { raw.removeAll(keepingCapacity: true) }
        } catch {
          items.append(.malformed(error))
          rest = startAgain()[...] + rest
        }
      }
      guard isLast else { return items }
      do throws(Malformed) {
        for row in try finish() { items.append(.row(row)) }
        return items
      } catch {
        items.append(.malformed(error))
        rest = startAgain()[...]
        if isSkipping { return items }
      }
    }
  }

  /// - Returns: what was read of the lines after the malformed one.
  private mutating func startAgain() -> [UInt8] {
    field = []
    fields = []
    state = .startOfField
    line = rowLine
    defer { raw = [] }
    guard let end = raw.firstIndex(of: 0x0A) else {
      isSkipping = true
      return []
    }
    line += 1
    rowLine = line
    return Array(raw[(end + 1)...])
  }

  /// The text is over; the last row needs no line end.
  public mutating func finish() throws(Malformed) -> [Row] {
    guard state != .quoted else { throw Malformed(line: rowLine, because: "a quoted field has no end") }
    guard let row = try endRow() else { return [] }
    return [row]
  }

  private mutating func append(_ byte: UInt8) throws(Malformed) {
    guard field.count < maximumFieldBytes else {
      throw Malformed(line: rowLine, because: "a field has more than \(maximumFieldBytes) bytes")
    }
    guard byte == 0 else { return field.append(byte) }
    guard cleansText else { throw Malformed(line: line, because: "U+0000 is not accepted") }
    field += Array("\u{FFFD}".utf8)
  }

  private mutating func endField() throws(Malformed) {
    let valid = String(validating: field, as: UTF8.self)
    guard let text = valid ?? (cleansText ? String(decoding: field, as: UTF8.self) : nil) else {
      throw Malformed(line: line, because: "a field is not UTF-8")
    }
    guard fields.count < maximumFields else {
      throw Malformed(line: line, because: "a row has more than \(maximumFields) fields")
    }
    fields.append(text)
    field.removeAll(keepingCapacity: true)
    state = .startOfField
  }

  private mutating func endRow() throws(Malformed) -> Row? {
    if fields.isEmpty, field.isEmpty, state == .startOfField { return nil }
    try endField()
    defer { fields.removeAll() }
    return Row(fields: fields, line: rowLine)
  }
}
