/// A playbook's bytes as text. It is pinned by its digest and judged by every character, so bytes that are no UTF-8 are an
/// error with their place, never replaced.
public enum PlaybookText {
  /// - Throws: one diagnostic, PB001.
  public static func decode(_ bytes: some Collection<UInt8>, file: String) throws(PlaybookError) -> String {
    let bytes = Array(bytes)
    guard let problem = problem(of: bytes, file: file) else { return String(decoding: bytes, as: UTF8.self) }
    throw PlaybookError([problem])
  }

  private static func problem(of bytes: [UInt8], file: String) -> Diagnostic? {
    let start = SourcePosition(file: file, line: 1, column: 1)
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.prefix(4).contains(0) {
      return Diagnostic(
        .syntax, at: start, "the file is UTF-16, not UTF-8", suggestion: "save the file as UTF-8")
    }
    guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
    var line = 1
    for text in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      if let column = invalidColumn(text) {
        return Diagnostic(
          .syntax, at: SourcePosition(file: file, line: line, column: column), "a byte here is not UTF-8",
          suggestion: "save the file as UTF-8")
      }
      line += 1
    }
    return Diagnostic(.syntax, at: start, "the file is not UTF-8", suggestion: "save the file as UTF-8")
  }

  /// From 1, in Unicode scalars; nil when the line is UTF-8.
  private static func invalidColumn(_ line: ArraySlice<UInt8>) -> Int? {
    guard String(validating: line, as: UTF8.self) == nil else { return nil }
    var (low, high) = (0, line.count)
    // The longest beginning that is UTF-8, but for a character cut at its end.
    while low + 1 < high {
      let middle = (low + high) / 2
      let isValid = (0...3).contains {
        String(validating: line.prefix(middle).dropLast($0), as: UTF8.self) != nil
      }
      if isValid { low = middle } else { high = middle }
    }
    for length in stride(from: low, through: max(0, low - 4), by: -1) {
      if let text = String(validating: line.prefix(length), as: UTF8.self) {
        return text.unicodeScalars.count + 1
      }
    }
    return 1
  }
}
