/// A document's bytes as text. People's editors write UTF-8 and UTF-16; what is neither is refused, because reading it anyway
/// would put U+FFFD in the place of what they wrote.
public enum DocumentBytes {
  /// The text, and whether it stood there in another encoding than UTF-8.
  /// - Parameter name: the file, for the error.
  /// - Throws: `.badEncoding`, with the line.
  public static func text(of bytes: some Collection<UInt8>, name: String) throws(PostMortemError)
    -> (text: String, isConverted: Bool)
  {
    let bytes = Array(bytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      return (try utf8(bytes[3...], name), true)
    }
    let isLittle = bytes.starts(with: [0xFF, 0xFE])
    if isLittle || bytes.starts(with: [0xFE, 0xFF]) {
      return (try utf16(bytes[2...], isLittle: isLittle, name), true)
    }
    return (try utf8(bytes[...], name), false)
  }

  private static func utf8(_ bytes: ArraySlice<UInt8>, _ name: String) throws(PostMortemError) -> String {
    guard !bytes.contains(0) else { throw unread(name, "it holds NUL bytes, as UTF-16 does", "UTF-16") }
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }.map { $0 + 1 } ?? 1
    throw unread(name, "line \(line) is not UTF-8", "WINDOWS-1252")
  }

  private static func utf16(_ bytes: ArraySlice<UInt8>, isLittle: Bool, _ name: String)
    throws(PostMortemError)
    -> String
  {
    let units = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map { index in
      let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
      return isLittle ? second << 8 | first : first << 8 | second
    }
    guard bytes.count.isMultiple(of: 2), let text = String(validating: units, as: UTF16.self) else {
      throw unread(name, "it begins like UTF-16 and is not", "UTF-16")
    }
    return text
  }

  private static func unread(_ name: String, _ because: String, _ encoding: String) -> PostMortemError {
    PostMortemError(
      .badEncoding, "\(name) was left as it is", because: because,
      fix: "save it as UTF-8, for example: iconv -f \(encoding) -t UTF-8 \(name) > \(name).utf8")
  }
}
