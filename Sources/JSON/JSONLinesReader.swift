/// Reads one JSON value a line (JSON Lines), piece by piece; a malformed line does not spoil the next.
public struct JSONLinesReader: Sendable {
  /// What one line held; blank lines hold nothing.
  public enum Line: Sendable {
    case record(JSONRecord)
    case malformed(JSONError)
  }

  private let limits: JSONLimits
  private var reader: JSONRecordReader
  private var isSpoilt = false
  private var isBlank = true
  private var line = 1
  private var offset = 0

  public init(limits: JSONLimits = .standard) {
    self.limits = limits
    reader = JSONRecordReader([JSONPath()], limits: limits)
  }

  /// Reads the next piece and returns the lines that it completes.
  public mutating func feed(_ piece: ArraySlice<UInt8>) -> [Line] {
    var lines: [Line] = []
    var rest = piece
    while let end = rest.firstIndex(of: 0x0A) {
      lines += part(rest[..<end]) + endOfLine()
      line += 1
      offset += 1
      rest = rest[(end + 1)...]
      start()
    }
    return lines + part(rest)
  }

  /// The text is over; the last line needs no line feed.
  public mutating func finish() -> [Line] { endOfLine() }

  private mutating func start() {
    reader = JSONRecordReader([JSONPath()], limits: limits, line: line, offset: offset)
    isSpoilt = false
    isBlank = true
  }

  private mutating func part(_ bytes: ArraySlice<UInt8>) -> [Line] {
    offset += bytes.count
    guard !isSpoilt else { return [] }
    if isBlank { isBlank = bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
    return lines { reader throws(JSONError) in try reader.feed(bytes) }
  }

  private mutating func endOfLine() -> [Line] {
    guard !isSpoilt, !isBlank else { return [] }
    return lines { reader throws(JSONError) in try reader.finish() }
  }

  private mutating func lines(
    _ read: (inout JSONRecordReader) throws(JSONError) -> [JSONRecord]
  ) -> [Line] {
    do throws(JSONError) {
      return try read(&reader).map { .record($0) }
    } catch {
      isSpoilt = true
      return [.malformed(error)]
    }
  }
}
