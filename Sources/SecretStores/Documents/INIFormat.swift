/// INI files as Python's configparser, systemd, git, MySQL and PHP agree on them: `[section]`, `name = value`, `name: value`, and
/// comments on lines of their own.
///
/// Where they do not agree (quotes, `%`, a comment behind a value, a value over lines) nothing is guessed: a person says which
/// reader it is, or changes the file.
enum INIFormat: DocumentFormat {
  static let name = "INI"

  private static let blank: Set<UInt8> = [0x20, 0x09]

  static func read(_ bytes: [UInt8]) throws(DocumentFault) -> DocumentText {
    var document = DocumentText(bytes)
    let end = lineEnd(of: bytes)
    var section = DocumentPath([])
    /// An entry of before that a line may go on with.
    var isOpen = false
    document.gaps[section] = DocumentText.Gap(offset: 0, before: [], after: end)
    document.collections.insert(section)
    var start = 0
    while start < bytes.count {
      let newline = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      var stop = newline
      while stop > start, bytes[stop - 1] == 0x0D || blank.contains(bytes[stop - 1]) { stop -= 1 }
      let first = bytes[start..<stop].firstIndex { !blank.contains($0) } ?? stop
      let lineStop =
        newline > start && newline <= bytes.count && bytes[newline - 1] == 0x0D ? newline - 1 : newline
      defer { start = newline + 1 }
      guard first < stop else { continue }
      if bytes[first] == UInt8(ascii: "#") || bytes[first] == UInt8(ascii: ";") { continue }
      if first > start, isOpen, let last = document.leaves.popLast() {
        document.leaves.append(
          DocumentText.Leaf(
            path: last.path, value: last.value + [0x0A] + bytes[first..<stop],
            range: last.range.lowerBound..<stop, style: .fixed(because: "it goes on over several lines")))
        if let gap = document.gaps[section] {
          document.gaps[section] = DocumentText.Gap(offset: lineStop, before: gap.before, after: gap.after)
        }
        continue
      }
      if bytes[first] == UInt8(ascii: "[") {
        guard bytes[stop - 1] == UInt8(ascii: "]"), stop - first > 2 else {
          throw DocumentFault("a section's name is not closed", at: start, in: bytes)
        }
        let name = Array(bytes[first + 1..<stop - 1])
        section = DocumentPath([String(decoding: name, as: UTF8.self)])
        document.names.append(.init(path: section, text: name, range: first + 1..<stop - 1))
        document.collections.insert(section)
        document.gaps[section] = DocumentText.Gap(offset: lineStop, before: end, after: [])
        isOpen = false
        continue
      }
      isOpen = entry(first..<stop, of: section, in: &document)
      document.gaps[section] = DocumentText.Gap(offset: lineStop, before: end, after: [])
    }
    return document
  }

  /// - Returns: whether it is one with a value.
  private static func entry(_ line: Range<Int>, of section: DocumentPath, in document: inout DocumentText)
    -> Bool
  {
    let bytes = document.bytes
    guard let sign = bytes[line].firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }),
      sign > line.lowerBound
    else {
      // A word alone: a switch that is on.
      let text = Array(bytes[line])
      document.names.append(
        .init(path: section.appending(String(decoding: text, as: UTF8.self)), text: text, range: line))
      return false
    }
    var nameEnd = sign
    while nameEnd > line.lowerBound, blank.contains(bytes[nameEnd - 1]) { nameEnd -= 1 }
    let name = Array(bytes[line.lowerBound..<nameEnd])
    let path = section.appending(String(decoding: name, as: UTF8.self))
    document.names.append(.init(path: path, text: name, range: line.lowerBound..<nameEnd))
    let start = bytes[sign + 1..<line.upperBound].firstIndex { !blank.contains($0) } ?? line.upperBound
    let value = Array(bytes[start..<line.upperBound])
    document.leaves.append(
      DocumentText.Leaf(
        path: path, value: value, range: start..<line.upperBound,
        style: obstacle(value).map { .fixed(because: $0) } ?? .bare)
    )
    return true
  }

  /// Where readers differ about what a value is.
  private static func obstacle(_ value: [UInt8]) -> String? {
    if value.isEmpty { return "nothing stands there" }
    if let first = value.first, let last = value.last, value.count > 1, first == last,
      [UInt8(ascii: "\""), UInt8(ascii: "'")].contains(first)
    {
      return "it stands in quotes, which belong to the value for some readers and not for others"
    }
    for (sign, before) in zip(value.dropFirst(), value)
    where blank.contains(before) && [UInt8(ascii: "#"), UInt8(ascii: ";")].contains(sign) {
      return "what stands behind the sign # or ; is a comment for some readers and not for others"
    }
    return nil
  }

  /// Only what every reader takes as it is.
  static func written(_ value: [UInt8], like leaf: DocumentText.Leaf?) -> [UInt8]? {
    guard isPrintable(value), let first = value.first, let last = value.last, !blank.contains(first),
      !blank.contains(last), ![UInt8(ascii: "#"), UInt8(ascii: ";")].contains(first), obstacle(value) == nil,
      !value.contains(UInt8(ascii: "%")), !value.contains(UInt8(ascii: "\\"))
    else { return nil }
    return value
  }

  static func label(_ name: String) -> [UInt8]? { Array((name + " = ").utf8) }
}
