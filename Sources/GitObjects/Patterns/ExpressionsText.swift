import Foundation

/// A file of expressions as UTF-8, whatever editor wrote it: an encoding that is not understood would find nothing, and
/// "nothing" would read as "clean".
enum ExpressionsText {
  /// Without byte-order mark. Bytes that are no UTF-8 stay: the table of forms reads them as Windows-1252.
  /// - Throws: `.badPattern` naming the encoding.
  static func utf8(_ file: [UInt8]) throws(GitObjectsError) -> [UInt8] {
    // UTF-32 first: its little-endian mark begins like that of UTF-16.
    if file.starts(with: [0xFF, 0xFE, 0, 0]) || file.starts(with: [0, 0, 0xFE, 0xFF]) {
      throw refused("UTF-32")
    }
    if file.starts(with: [0xEF, 0xBB, 0xBF]) { return try checked(Array(file.dropFirst(3))) }
    if file.starts(with: [0xFF, 0xFE]) { return try utf16(file.dropFirst(2), .utf16LittleEndian) }
    if file.starts(with: [0xFE, 0xFF]) { return try utf16(file.dropFirst(2), .utf16BigEndian) }
    if let encoding = unmarked(file) { return try utf16(file[...], encoding) }
    return try checked(file)
  }

  /// Without a mark UTF-16 shows by its zeros: nearly every second byte of an expression is one.
  private static func unmarked(_ file: [UInt8]) -> String.Encoding? {
    guard file.count >= 4, file.count % 2 == 0 else { return nil }
    let pairs = file.count / 2
    let odd = stride(from: 1, to: file.count, by: 2).count { file[$0] == 0 }
    let even = stride(from: 0, to: file.count, by: 2).count { file[$0] == 0 }
    if odd * 2 > pairs, even == 0 { return .utf16LittleEndian }
    if even * 2 > pairs, odd == 0 { return .utf16BigEndian }
    return nil
  }

  private static func utf16(_ bytes: ArraySlice<UInt8>, _ encoding: String.Encoding) throws(GitObjectsError)
    -> [UInt8]
  {
    guard bytes.count % 2 == 0, let text = String(data: Data(bytes), encoding: encoding) else {
      throw refused("UTF-16 that is cut off or damaged")
    }
    return try checked(Array(text.utf8))
  }

  private static func checked(_ text: [UInt8]) throws(GitObjectsError) -> [UInt8] {
    guard !text.contains(0) else {
      throw refused("a binary format or an unknown encoding: it holds zero bytes")
    }
    return text
  }

  private static func refused(_ encoding: String) -> GitObjectsError {
    GitObjectsError(
      .badPattern, what: "the file of expressions", why: "it is \(encoding)",
      fix: "save it as UTF-8, for example: iconv -f UTF-16 -t UTF-8 FILE > NEW")
  }
}
