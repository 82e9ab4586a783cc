/// TOML 1.0.0 (https://toml.io/en/v1.0.0).
enum TOMLFormat: DocumentFormat {
  static let name = "TOML"

  static func read(_ bytes: [UInt8]) throws(DocumentFault) -> DocumentText {
    var reader = TOMLReading(bytes)
    return try reader.read()
  }

  static func written(_ value: [UInt8], like leaf: DocumentText.Leaf?) -> [UInt8]? {
    guard let text = String(validating: value, as: UTF8.self) else { return nil }
    let isOneLine = isPrintable(value)
    let isLines = isPrintable(value.filter { $0 != 0x0A })
    switch leaf?.style {
    case .single? where isOneLine && !value.contains(UInt8(ascii: "'")): return Array("'\(text)'".utf8)
    case .multilineSingle? where isLines && !text.contains("'''") && !text.hasSuffix("'"):
      return Array("'''\n\(text)'''".utf8)
    case .multilineSingle?, .multilineDouble?:
      return Array("\"\"\"\n".utf8) + escaped(text, keepsLineEnds: true) + Array("\"\"\"".utf8)
    default: return doubleQuoted(value)
    }
  }

  static func label(_ name: String) -> [UInt8]? {
    let isBare = !name.isEmpty && name.utf8.allSatisfy(TOMLReading.isBareKey)
    return (isBare ? Array(name.utf8) : doubleQuoted(Array(name.utf8))).map { $0 + Array(" = ".utf8) }
  }
}
