/// Parts of a line that may be a secret: what stands in quotes, after `=` or `:`, between spaces, as a URI's password.
public enum TextCandidates {
  /// Every candidate of `line` without duplicates, in the order of the line where that is known.
  public static func all(in line: [UInt8]) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var seen: Set<[UInt8]> = []
    func take(_ part: some Collection<UInt8>) {
      let part = CredentialReading.trimmed(Array(part))
      if part.count >= 4, seen.insert(part).inserted { found.append(part) }
    }
    for quote: UInt8 in [0x22, 0x27, 0x60] {
      let parts = line.split(separator: quote, omittingEmptySubsequences: false)
      for (index, part) in parts.enumerated() where index.isMultiple(of: 2) == false { take(part) }
    }
    for word in line.split(whereSeparator: { separators.contains($0) }) {
      take(word)
      if let mark = word.firstIndex(of: 0x3D) { take(word[(mark + 1)...]) }
      if let mark = word.firstIndex(of: 0x3A) { take(word[(mark + 1)...]) }
    }
    for mark: UInt8 in [0x3D, 0x3A] {
      if let place = line.firstIndex(of: mark) {
        var rest = line[(place + 1)...]
        while let last = rest.last, last == 0x2C || last == 0x3B || last == 0x20 { rest.removeLast() }
        take(rest)
      }
    }
    for uri in uris(in: line) {
      if let password = CredentialURI(uri)?.password { take(password) }
    }
    return found
  }

  /// The URIs of `line` that carry a password.
  public static func uris(in line: [UInt8]) -> [[UInt8]] {
    line.split(whereSeparator: { separators.contains($0) }).compactMap { word in
      // `url=postgres://…` and `url: postgres://…`: the scheme begins after the last mark before `://`.
      guard let scheme = word.firstRange(of: Array("://".utf8))?.lowerBound else { return nil }
      let start = word[..<scheme].lastIndex { !isSchemeByte($0) }.map { $0 + 1 } ?? word.startIndex
      let uri = Array(word[start...])
      return CredentialURI(uri) == nil ? nil : uri
    }
  }

  /// Words of `line` that begin with one of `prefixes`, up to the first byte that no token holds.
  public static func tokens(in line: [UInt8], prefixes: [String]) -> [[UInt8]] {
    var found: [[UInt8]] = []
    for prefix in prefixes {
      let head = Array(prefix.utf8)
      var rest = line[...]
      while let range = rest.firstRange(of: head) {
        let end = line[range.upperBound...].firstIndex { !isTokenByte($0) } ?? line.endIndex
        let token = Array(line[range.lowerBound..<end])
        if token.count >= 16, !found.contains(token) { found.append(token) }
        rest = line[max(end, range.upperBound)...]
      }
    }
    return found
  }

  private static let separators = Set(Array(" \t\"'`<>,;()[]{}".utf8))

  private static func isSchemeByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
    default: false
    }
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E, 0x2F, 0x3D, 0x5F, 0x7E: true
    default: false
    }
  }
}
