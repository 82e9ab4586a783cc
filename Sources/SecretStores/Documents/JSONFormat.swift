/// JSON (RFC 8259), and JSON with comments and a comma at the end of a list, as editors' settings have it.
enum JSONFormat: DocumentFormat {
  static let name = "JSON"

  static func read(_ bytes: [UInt8]) throws(DocumentFault) -> DocumentText {
    var reader = Reader(bytes, allowsComments: false)
    return try reader.read()
  }

  static func written(_ value: [UInt8], like leaf: DocumentText.Leaf?) -> [UInt8]? { doubleQuoted(value) }

  static func label(_ name: String) -> [UInt8]? {
    doubleQuoted(Array(name.utf8)).map { $0 + Array(": ".utf8) }
  }

  struct Reader {
    private static let depthLimit = 200
    private var cursor: ByteCursor
    private var document: DocumentText
    private let allowsComments: Bool

    init(_ bytes: [UInt8], allowsComments: Bool) {
      cursor = ByteCursor(bytes)
      document = DocumentText(bytes)
      self.allowsComments = allowsComments
    }

    mutating func read() throws(DocumentFault) -> DocumentText {
      try skipBlank()
      try value(at: DocumentPath([]), depth: 0)
      try skipBlank()
      guard cursor.next == nil else { throw cursor.fault("something follows the document") }
      return document
    }

    private mutating func skipBlank() throws(DocumentFault) {
      while true {
        cursor.skip { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard cursor.next == UInt8(ascii: "/") else { return }
        guard allowsComments else {
          throw cursor.fault(
            "a comment, which JSON has none of; where its readers take them, say format: jsonc")
        }
        if cursor.take("//") {
          cursor.skipLine()
        } else if cursor.take("/*") {
          while cursor.next != nil, !cursor.starts(with: "*/") { cursor.position += 1 }
          guard cursor.take("*/") else { throw cursor.fault("a comment is not closed") }
        } else {
          throw cursor.fault("a stray /")
        }
      }
    }

    private mutating func value(at path: DocumentPath, depth: Int) throws(DocumentFault) {
      guard depth <= Self.depthLimit else { throw cursor.fault("it is nested too deeply") }
      let start = cursor.position
      switch cursor.next {
      case UInt8(ascii: "{"): try object(at: path, depth: depth)
      case UInt8(ascii: "["): try array(at: path, depth: depth)
      case UInt8(ascii: "\""):
        let text = try string()
        add(text, path, start, .double)
      default:
        cursor.skip { byte in
          (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || [0x2B, 0x2D, 0x2E].contains(byte)
        }
        let text = Array(cursor.bytes[start..<cursor.position])
        switch text {
        case Array("true".utf8), Array("false".utf8):
          add(text, path, start, .fixed(because: "it is true or false"))
        case Array("null".utf8): add(text, path, start, .fixed(because: "it is null"))
        default:
          guard let first = text.first, first == 0x2D || (0x30...0x39).contains(first),
            Double(String(decoding: text, as: UTF8.self)) != nil
          else {
            cursor.position = start
            throw cursor.fault("no value")
          }
          add(text, path, start, .fixed(because: "it is a number"))
        }
      }
    }

    private mutating func add(
      _ text: [UInt8], _ path: DocumentPath, _ start: Int, _ style: DocumentText.Style
    ) {
      document.leaves.append(
        DocumentText.Leaf(path: path, value: text, range: start..<cursor.position, style: style))
    }

    private mutating func object(at path: DocumentPath, depth: Int) throws(DocumentFault) {
      document.collections.insert(path)
      cursor.position += 1
      var names: Set<[UInt8]> = []
      var blank = cursor.position..<cursor.position
      var end = cursor.position
      while true {
        let before = cursor.position
        try skipBlank()
        if cursor.next == UInt8(ascii: "}"), names.isEmpty || allowsComments { break }
        guard cursor.next == UInt8(ascii: "\"") else {
          throw cursor.fault("a name in double quotes must stand here")
        }
        let start = cursor.position
        blank = before..<start
        let name = try string()
        guard names.insert(name).inserted else { throw cursor.fault("a name stands twice in one object") }
        let own = path.appending(String(decoding: name, as: UTF8.self))
        document.names.append(DocumentText.Label(path: own, text: name, range: start..<cursor.position))
        try skipBlank()
        guard cursor.take(":") else { throw cursor.fault("a colon must stand here") }
        try skipBlank()
        try value(at: own, depth: depth + 1)
        end = cursor.position
        try skipBlank()
        if cursor.take(",") { continue }
        break
      }
      guard cursor.take("}") else { throw cursor.fault("a comma or } must stand here") }
      // As the last name stands: on a line of its own, indented alike. Comments in between are not repeated.
      let between = Array(
        cursor.bytes[blank].reversed().prefix { [0x20, 0x09, 0x0A, 0x0D].contains($0) }.reversed())
      document.gaps[path] = DocumentText.Gap(
        offset: end, before: names.isEmpty ? [] : [UInt8(ascii: ",")] + between, after: [])
    }

    private mutating func array(at path: DocumentPath, depth: Int) throws(DocumentFault) {
      document.collections.insert(path)
      document.lists.insert(path)
      cursor.position += 1
      var count = 0
      while true {
        try skipBlank()
        if cursor.next == UInt8(ascii: "]"), count == 0 || allowsComments { break }
        try value(at: path.appending("\(count)"), depth: depth + 1)
        count += 1
        try skipBlank()
        if cursor.take(",") { continue }
        break
      }
      guard cursor.take("]") else { throw cursor.fault("a comma or ] must stand here") }
    }

    private mutating func string() throws(DocumentFault) -> [UInt8] {
      cursor.position += 1
      var text: [UInt8] = []
      while let byte = cursor.next {
        cursor.position += 1
        switch byte {
        case UInt8(ascii: "\""): return text
        case 0..<0x20: throw cursor.fault("a control character in a text")
        case UInt8(ascii: "\\"): text += try escape()
        default: text.append(byte)
        }
      }
      throw cursor.fault("a text is not closed")
    }

    private mutating func escape() throws(DocumentFault) -> [UInt8] {
      let letter = cursor.next
      cursor.position += 1
      switch letter {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return letter.map { [$0] } ?? []
      case UInt8(ascii: "b"): return [0x08]
      case UInt8(ascii: "f"): return [0x0C]
      case UInt8(ascii: "n"): return [0x0A]
      case UInt8(ascii: "r"): return [0x0D]
      case UInt8(ascii: "t"): return [0x09]
      case UInt8(ascii: "u"): return try character()
      default: throw cursor.fault("an unknown escape")
      }
    }

    /// Two escapes of UTF-16 halves make one character.
    private mutating func character() throws(DocumentFault) -> [UInt8] {
      let start = cursor.position
      let digits = String(decoding: cursor.bytes[start..<min(start + 4, cursor.bytes.count)], as: UTF8.self)
      guard let high = UInt32(digits, radix: 16), (0xD800..<0xDC00).contains(high) else {
        return Array(String(try cursor.scalar(digits: 4)).utf8)
      }
      cursor.position = start + 4
      guard cursor.take("\\u"), cursor.position + 4 <= cursor.bytes.count else {
        throw cursor.fault("half a character")
      }
      let rest = String(
        decoding: cursor.bytes[cursor.position..<cursor.position + 4], as: UTF8.self)
      guard let low = UInt32(rest, radix: 16), (0xDC00..<0xE000).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      else { throw cursor.fault("half a character") }
      cursor.position += 4
      return Array(String(scalar).utf8)
    }
  }
}

/// ``JSONFormat`` whose readers take comments.
enum CommentedJSONFormat: DocumentFormat {
  static let name = "JSON with comments"

  static func read(_ bytes: [UInt8]) throws(DocumentFault) -> DocumentText {
    var reader = JSONFormat.Reader(bytes, allowsComments: true)
    return try reader.read()
  }

  static func written(_ value: [UInt8], like leaf: DocumentText.Leaf?) -> [UInt8]? {
    JSONFormat.written(value, like: leaf)
  }

  static func label(_ name: String) -> [UInt8]? { JSONFormat.label(name) }
}
