/// The full name of a reference (`refs/heads/main`, `HEAD`): bytes, because Git allows names that are not UTF-8.
struct ReferenceName: Hashable, Sendable, Comparable, CustomStringConvertible {
  let bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }
  init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

  var description: String { String(decoding: bytes, as: UTF8.self) }

  static func < (left: ReferenceName, right: ReferenceName) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)  // the order of packed-refs
  }

  func hasPrefix(_ prefix: String) -> Bool { bytes.starts(with: prefix.utf8) }

  /// Whether Git takes it for a reference (git-check-ref-format(1)): files with other names below `refs/` are none.
  var isValid: Bool {
    let parts = bytes.split(separator: 0x2F, omittingEmptySubsequences: false)
    return parts.allSatisfy { part in
      !part.isEmpty && part.first != 0x2E && !part.suffix(5).elementsEqual(".lock".utf8)
        && part.allSatisfy { $0 > 0x20 && $0 != 0x7F && !Array("~^:?*[\\".utf8).contains($0) }
        && !ReferenceName.holds(part, "..") && !ReferenceName.holds(part, "@{")
    } && bytes.last != 0x2E
  }

  private static func holds(_ part: ArraySlice<UInt8>, _ pair: String) -> Bool {
    let pair = Array(pair.utf8)
    return part.indices.dropLast().contains { part[$0] == pair[0] && part[$0 + 1] == pair[1] }
  }

  /// The nearest name that Git accepts (git-check-ref-format(1)): what it forbids is left out.
  var madeValid: ReferenceName {
    var parts: [[UInt8]] = []
    for part in bytes.split(separator: 0x2F) {
      var kept = part.filter { $0 > 0x20 && $0 != 0x7F && !Array("~^:?*[\\".utf8).contains($0) }
      while let at = kept.indices.first(where: { kept[$0...].starts(with: [0x2E, 0x2E]) }) {
        kept.remove(at: at)
      }
      while let at = kept.indices.first(where: { kept[$0...].starts(with: [0x40, 0x7B]) }) {
        kept.remove(at: at)
      }
      while kept.first == 0x2E { kept.removeFirst() }
      while kept.last == 0x2E { kept.removeLast() }
      if kept.suffix(5).elementsEqual(".lock".utf8) { kept.removeLast(5) }
      parts.append(kept.isEmpty ? Array("removed".utf8) : kept)
    }
    return ReferenceName(bytes: Array(parts.joined(separator: [0x2F])))
  }
}
