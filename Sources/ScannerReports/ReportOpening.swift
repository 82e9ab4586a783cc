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

  private let hasBareElements: Bool

  /// How many bytes are looked at.
  public static let length = 64 << 10

  /// - Parameter bytes: the first bytes of the report; more than ``length`` are ignored.
  public init(_ bytes: some Collection<UInt8>) {
    var bytes = Array(bytes.prefix(ReportOpening.length))
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    let start = bytes.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
    var sink = OpeningSink()
    switch start {
    case nil: shape = .empty
    case 0x7B: shape = .object
    case 0x5B: shape = .array
    case 0x3C: shape = .markup
    case .some(0x6E), .some(0x74), .some(0x66), .some(0x22):
      shape = ReportOpening.isJSON(bytes) ? .otherJSON : .text
    default: shape = .text
    }
    if shape == .object || shape == .array {
      // What is malformed here, the format's reader will name.
      var tokenizer = JSONTokenizer(content: .values)
      do { try tokenizer.feed(bytes[...], into: &sink) } catch { sink.isCut = true }
    }
    hasBareElements = sink.hasElements
    paths = sink.paths
    texts = sink.texts
    firstLine = String(decoding: bytes.prefix { $0 != 0x0A && $0 != 0x0D }.prefix(4096), as: UTF8.self)
  }

  private static func isJSON(_ bytes: [UInt8]) -> Bool {
    do {
      _ = try JSONValue(parsing: bytes)
      return true
    } catch {
      return false
    }
  }

  /// True for `[]` and `null`: a scanner that found nothing.
  public var isEmptyList: Bool {
    shape == .array ? paths.isEmpty && !hasBareElements : shape == .otherJSON && firstLine == "null"
  }
}

/// Collects the names and short texts of a JSON text's beginning.
private struct OpeningSink: JSONTokenSink {
  var paths: Set<String> = []
  var texts: [String: String] = [:]
  var isCut = false
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
