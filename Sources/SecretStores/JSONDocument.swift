import JSON

/// A JSON object as it is written, in which single members get another text: order, spaces, and numbers that nobody here could
/// hold stay as they are.
struct JSONDocument {
  let text: [UInt8]
  let fields: [String: JSONValue]

  /// Nil: it is no JSON object.
  init?(_ text: [UInt8]) {
    // No JSON: a text of another kind, which is for the caller to say.
    guard let fields = (try? JSONValue(parsing: text))?.object else { return nil }
    self.text = text
    self.fields = fields
  }

  /// An object without members.
  static let empty = JSONDocument(Array("{}".utf8))

  /// The text with these members; new ones stand at its end, by name.
  func setting(_ changes: [String: String]) -> [UInt8] {
    var result: [UInt8] = []
    var rest = 0
    var missing = changes
    for (name, range) in members {
      guard let value = missing.removeValue(forKey: name) else { continue }
      result += text[rest..<range.lowerBound] + JSONValue.string(value).canonicalBytes
      rest = range.upperBound
    }
    result += text[rest...]
    guard !missing.isEmpty, let end = result.lastIndex(of: UInt8(ascii: "}")) else { return result }
    var added = missing.sorted { $0.key < $1.key }.map {
      JSONValue.string($0.key).canonicalBytes + [UInt8(ascii: ":")]
        + JSONValue.string($0.value).canonicalBytes
    }
    if !fields.isEmpty { added.insert([], at: 0) }
    result.insert(contentsOf: Array(added.joined(separator: [UInt8(ascii: ",")])), at: end)
    return result
  }

  /// Every member with the place of its value. The text is known to be JSON: only strings and depth need to be told apart.
  private var members: [(name: String, value: Range<Int>)] {
    var found: [(name: String, value: Range<Int>)] = []
    var position = (text.firstIndex(of: UInt8(ascii: "{")) ?? 0) + 1
    while let start = next(in: position), text[start] == UInt8(ascii: "\"") {
      let end = behindString(from: start)
      // It was parsed as a whole.
      guard let name = (try? JSONValue(parsing: text[start..<end]))?.string,
        let colon = text[end...].firstIndex(of: UInt8(ascii: ":")), let value = next(in: colon + 1)
      else { break }
      let behind = behindValue(from: value)
      found.append((name, value..<behind))
      guard let comma = next(in: behind), text[comma] == UInt8(ascii: ",") else { break }
      position = comma + 1
    }
    return found
  }

  /// The next place that is no space.
  private func next(in position: Int) -> Int? {
    text[position...].firstIndex { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
  }

  private func behindString(from start: Int) -> Int {
    var position = start + 1
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "\\"): position += 2
      case UInt8(ascii: "\""): return position + 1
      default: position += 1
      }
    }
    return text.count
  }

  private func behindValue(from start: Int) -> Int {
    var depth = 0
    var position = start
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "\""):
        position = behindString(from: position)
        if depth == 0 { return position }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return position }
        depth -= 1
        if depth == 0 { return position + 1 }
      case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D:
        if depth == 0 { return position }
      default: break
      }
      position += 1
    }
    return text.count
  }
}
