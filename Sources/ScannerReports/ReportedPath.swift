/// Paths as scanners write them, made the repository's own.
enum ReportedPath {
  /// A file's name: programs on Windows write `src\a.py`.
  static func file(_ name: String) -> String {
    name.contains("\\") && !name.contains("/") ? name.replacing("\\", with: "/") : name
  }

  /// The path of a URI reference (RFC 3986), which SARIF wants for files. Not every program encodes what it writes, so a `%`
  /// that begins no escape stays.
  static func uri(_ address: String) -> String {
    var path = decoded(address)
    if path.lowercased().hasPrefix("file:") {
      path.removeFirst(5)
      if path.hasPrefix("//") {
        let host = path.dropFirst(2).prefix { $0 != "/" }
        if host.isEmpty || host == "localhost" { path.removeFirst(2 + host.count) }
      }
      // `/C:/app`, and `C:/app` of programs that forget the third slash.
      let rest = path.drop { $0 == "/" }
      if isDrive(rest) { path = String(rest) }
    }
    return path.contains("\\") ? path.replacing("\\", with: "/") : path
  }

  private static func isDrive(_ path: some StringProtocol) -> Bool {
    let mark = path.dropFirst().first
    return path.first?.isASCII == true && path.first?.isLetter == true && (mark == ":" || mark == "|")
  }

  private static func decoded(_ text: String) -> String {
    guard text.contains("%") else { return text }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == 0x25, rest.count >= 2, rest.prefix(2).allSatisfy(isHexDigit),
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), value != 0
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self) ?? text
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}
