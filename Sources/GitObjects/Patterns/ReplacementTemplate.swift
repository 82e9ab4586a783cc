/// A replacement with references to groups, as `re.sub` reads it: `\1`, `\g<1>`, `\g<name>`, `\n`, `\\`.
struct ReplacementTemplate {
  private enum Part {
    case bytes([UInt8])
    case group(Int)
  }
  private var parts: [Part] = []
  private let what: String

  /// - Throws: `.badPattern` for a group that the expression does not have, and for the whole match.
  init(_ source: [UInt8], for expression: ByteExpression, what: String) throws(GitObjectsError) {
    self.what = what
    var position = 0
    var text: [UInt8] = []
    while position < source.count {
      let byte = source[position]
      position += 1
      guard byte == 0x5C, position < source.count else {
        text.append(byte)
        continue
      }
      let code = source[position]
      position += 1
      switch code {
      case 0x6E: text.append(0x0A)
      case 0x72: text.append(0x0D)
      case 0x74: text.append(0x09)
      case 0x31...0x39, 0x67:
        let group: Int?
        if code == 0x67 {
          guard position < source.count, source[position] == 0x3C,
            let close = source[position...].firstIndex(of: 0x3E)
          else { throw ReplacementTemplate.unknown(what) }
          let name = Array(source[(position + 1)..<close])
          group = Int(String(decoding: name, as: UTF8.self)) ?? expression.group(named: name)
          position = close + 1
        } else {
          var number = Int(code - 0x30)
          if position < source.count, (0x30...0x39).contains(source[position]) {
            number = number * 10 + Int(source[position] - 0x30)
            position += 1
          }
          group = number
        }
        guard let group, group <= expression.groups else { throw ReplacementTemplate.unknown(what) }
        guard group > 0 else { throw putsBack }
        if !text.isEmpty { parts.append(.bytes(text)) }
        text = []
        parts.append(.group(group))
      default:
        if code != 0x5C { text.append(0x5C) }
        text.append(code)
      }
    }
    if !text.isEmpty { parts.append(.bytes(text)) }
  }

  func expanded(_ match: ByteExpression.Match, in text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    parts.flatMap { part -> [UInt8] in
      switch part {
      case .bytes(let bytes): bytes
      case .group(let number): match.groups[number].map { Array(text[$0]) } ?? []
      }
    }
  }

  /// Whether a replacement of `match` puts back all of it that varies: what is left out is only what the expression says word
  /// for word. `key=(\w+)==>token=\1` does so; `(key=)\w+==>\1***` and `(key=)hunter2==>\1***` do not.
  func keepsEverything(
    of match: ByteExpression.Match, by expression: ByteExpression, in text: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    let kept = parts.compactMap { part -> Range<Int>? in
      switch part {
      case .bytes: nil
      case .group(let number): match.groups[number]
      }
    }
    guard kept.contains(where: { !expression.wording.covers(text[$0]) }) else { return false }
    return dropped(from: match.range, kept).allSatisfy { expression.wording.covers(text[$0]) }
  }

  /// What of `range` stands in none of `kept`.
  private func dropped(from range: Range<Int>, _ kept: [Range<Int>]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var position = range.lowerBound
    for one in kept.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if one.lowerBound > position { result.append(position..<min(one.lowerBound, range.upperBound)) }
      position = max(position, one.upperBound)
      guard position < range.upperBound else { return result }
    }
    return result + [position..<range.upperBound]
  }

  /// The error for a replacement that puts back what was matched: after it, "clean" would be false.
  var putsBack: GitObjectsError {
    GitObjectsError(
      .badPattern, what: "the replacement of \(what)",
      why: "it puts back all that varies in what the expression matches, so the secret would stay",
      fix:
        "put only what stands around the secret into groups: regex:(key=)\\w+==>\\1***REMOVED***; a value that is known "
        + "is a line of its own")
  }

  private static func unknown(_ what: String) -> GitObjectsError {
    GitObjectsError(
      .badPattern, what: what, why: "the replacement refers to a group that the expression does not have",
      fix: "use \\1 to \\9 or \\g<name> of the expression's own groups, \\\\ for a backslash")
  }
}
