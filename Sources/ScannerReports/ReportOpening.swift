import JSON

/// How a report begins: enough to tell its format without reading it twice.
public struct ReportOpening: Sendable {
  /// The outermost shape.
  public enum Shape: String, Sendable { case empty, object, array, otherJSON, markup, text }
  public let shape: Shape
  /// Paths of the members seen, for example `findings`, `runs[].tool.driver.name`, `[].RuleID`.
  public let paths: Set<String>
  /// The first short text at a path.
  public let texts: [String: String]
  /// The first line, without its end; at most 4,096 bytes.
  public let firstLine: String

  private let isBareList: Bool

  /// How many bytes are looked at.
  public static let length = 64 << 10

  /// One for each value at the top: logs and banners may stand before the first record. At least one.
  /// - Parameter bytes: the first bytes of the report, as UTF-8; more than ``length`` are ignored.
  static func values(of bytes: some Collection<UInt8>) -> [ReportOpening] {
    let bytes = Array(bytes.prefix(length))
    let firstLine = String(decoding: bytes.prefix { $0 != 0x0A && $0 != 0x0D }.prefix(4096), as: UTF8.self)
    let text = bytes.trimmingSpace
    if text.isEmpty { return [ReportOpening(.empty, firstLine)] }
    if text.first == 0x3C { return [ReportOpening(.markup, firstLine)] }
    if text.elementsEqual("null".utf8) { return [ReportOpening(.otherJSON, firstLine)] }
    var openings: [ReportOpening] = []
    var rest = bytes[...]
    while openings.count < 100, let start = nextValue(in: rest) {
      var sink = OpeningSink()
      // What is malformed here, the format's reader will name.
      var tokenizer = JSONTokenizer(text: .cleaned)
      var isWhole = true
      do {
        try tokenizer.feed(bytes[start...], into: &sink)
        rest = []
      } catch {
        isWhole = error.code == .trailingBytes
        rest = bytes[(start + error.position.offset)...]
        if !isWhole { rest = rest.drop { $0 != 0x0A } }
      }
      openings.append(
        ReportOpening(bytes[start] == 0x7B ? .object : .array, firstLine, sink, isWhole: isWhole))
    }
    return openings.isEmpty ? [ReportOpening(.text, firstLine)] : openings
  }

  private init(_ shape: Shape, _ firstLine: String, _ sink: OpeningSink = OpeningSink(), isWhole: Bool = true)
  {
    self.shape = shape
    self.firstLine = firstLine
    paths = sink.paths
    texts = sink.texts
    isBareList = !isWhole || sink.hasElements
  }

  /// Where the next object or list begins: first on its line, or `{"` after text.
  private static func nextValue(in bytes: ArraySlice<UInt8>) -> Int? {
    var isFirst = true
    for index in bytes.indices {
      switch bytes[index] {
      case 0x0A: isFirst = true
      case 0x20, 0x09, 0x0D, 0x2C: break
      case 0x7B where isFirst || bytes[index...].dropFirst().first == 0x22: return index
      case 0x5B where isFirst: return index
      default: isFirst = false
      }
    }
    return nil
  }

  /// ``paths`` as one record of a list has them: `RuleID` for `[].RuleID`.
  var members: Set<String> {
    Set(
      paths.map { path in
        let rest = path.drop { $0 == "[" || $0 == "]" }
        return String(rest.first == "." && rest.startIndex != path.startIndex ? rest.dropFirst() : rest)
      })
  }

  /// True for `[]`: a scanner that found nothing.
  public var isEmptyList: Bool { shape == .array && paths.isEmpty && !isBareList }
}

extension [UInt8] {
  fileprivate var trimmingSpace: ArraySlice<UInt8> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    guard let last = lastIndex(where: { !isSpace($0) }) else { return [] }
    return self[...last].drop(while: isSpace)
  }
}

/// Collects the names and short texts of a JSON text's beginning.
private struct OpeningSink: JSONTokenSink {
  var paths: Set<String> = []
  var texts: [String: String] = [:]
  /// True when a list at the top holds something that is no object.
  var hasElements = false
  private var open: [String] = []  // the path of each open container
  private var name = ""

  mutating func take(_ token: JSONToken, at position: JSONPosition) throws(JSONError) {
    switch token {
    case .name(let text):
      name = text
      if open.count <= 6 { paths.insert(path(of: text)) }
    case .beginObject, .beginArray:
      open.append(
        open.isEmpty ? (token == .beginArray ? "[]" : "") : here + (token == .beginArray ? "[]" : ""))
    case .endObject, .endArray:
      open.removeLast()
    case .scalar where open.last == "[]" && !hasElements:
      hasElements = true
      try take(token, at: position)
    case .scalar(.string(let text)) where text.utf8.count <= 200 && open.count <= 6:
      if texts[here] == nil { texts[here] = text }
    case .scalar: break
    }
  }

  private var here: String {
    guard let last = open.last else { return "" }
    return last.hasSuffix("[]") ? last : path(of: name)
  }

  private func path(of name: String) -> String {
    guard let last = open.last, !last.isEmpty else { return name }
    return "\(last).\(name)"
  }
}
