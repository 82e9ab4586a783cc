/// Reads TOML into a ``DocumentText``.
struct TOMLReading {
  private static let depthLimit = 200
  private var cursor: ByteCursor
  private var document: DocumentText
  /// The table that a header opened.
  private var table = DocumentPath([])
  private var headers: Set<DocumentPath> = []
  private var lists: [DocumentPath: Int] = [:]
  private var values: Set<DocumentPath> = []

  init(_ bytes: [UInt8]) {
    cursor = ByteCursor(bytes)
    document = DocumentText(bytes)
  }

  static func isBareKey(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || byte == 0x5F
      || byte == 0x2D
  }

  mutating func read() throws(DocumentFault) -> DocumentText {
    let end = TOMLFormat.lineEnd(of: cursor.bytes)
    document.collections.insert(table)
    document.gaps[table] = .init(offset: 0, before: [], after: end)
    while true {
      try skipLines()
      guard cursor.next != nil else { return document }
      if cursor.next == UInt8(ascii: "[") {
        try header()
      } else {
        try entry(under: table, depth: 0)
      }
      skipBlank()
      let stop = cursor.position
      try endLine()
      // Behind the last line of the table, before its comments and the next header.
      document.gaps[table] = .init(offset: commentEnd(from: stop), before: end, after: [])
    }
  }

  /// The end of the line, whose comment stays with it.
  private func commentEnd(from offset: Int) -> Int {
    let end = cursor.bytes[offset...].firstIndex(of: 0x0A) ?? cursor.bytes.count
    return end > offset && cursor.bytes[end - 1] == 0x0D ? end - 1 : end
  }

  private mutating func skipBlank() { cursor.skip { $0 == 0x20 || $0 == 0x09 } }

  private mutating func skipLines() throws(DocumentFault) {
    while true {
      cursor.skip { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
      guard cursor.next == UInt8(ascii: "#") else { return }
      cursor.skipLine()
    }
  }

  private mutating func endLine() throws(DocumentFault) {
    if cursor.next == UInt8(ascii: "#") { cursor.skipLine() }
    _ = cursor.take("\r")
    guard cursor.next == nil || cursor.take("\n") else { throw cursor.fault("something follows the value") }
  }

  private mutating func header() throws(DocumentFault) {
    let isList = cursor.take("[[")
    if !isList { cursor.position += 1 }
    let start = cursor.position
    var path = DocumentPath([])
    for step in try key(under: nil) {
      path = path.appending(step)
      if let count = lists[path] { path = path.appending("\(count - 1)") }
    }
    let name = start..<cursor.position
    guard cursor.take(isList ? "]]" : "]") else { throw cursor.fault("a table's name is not closed") }
    if isList {
      // The index that was just added belongs to the element before.
      if lists[path.parent] != nil, Int(path.last) != nil { path = path.parent }
      guard !headers.contains(path), !values.contains(path) else { throw cursor.fault("a name stands twice") }
      document.collections.insert(path)
      lists[path, default: 0] += 1
      table = path.appending("\((lists[path] ?? 1) - 1)")
    } else {
      guard headers.insert(path).inserted, lists[path] == nil, lists[path.parent] == nil,
        !values.contains(path)
      else {
        throw cursor.fault("a table stands twice")
      }
      table = path
    }
    for count in 0...table.steps.count {
      document.collections.insert(DocumentPath(Array(table.steps.prefix(count))))
    }
    document.names.append(.init(path: table, text: Array(cursor.bytes[name]), range: name))
  }

  private mutating func entry(under parent: DocumentPath, depth: Int) throws(DocumentFault) {
    var path = parent
    for step in try key(under: parent) { path = path.appending(step) }
    guard !headers.contains(path), !document.collections.contains(path), values.insert(path).inserted else {
      throw cursor.fault("a name stands twice")
    }
    for count in parent.steps.count..<path.steps.count {
      let above = DocumentPath(Array(path.steps.prefix(count)))
      guard above == parent || !values.contains(above) else { throw cursor.fault("a name stands twice") }
      document.collections.insert(above)
    }
    guard cursor.take("=") else { throw cursor.fault("= must stand here") }
    skipBlank()
    try value(at: path, depth: depth)
  }

  /// The steps of a dotted name. - Parameter parent: nil: of a header, which is kept whole.
  private mutating func key(under parent: DocumentPath?) throws(DocumentFault) -> [String] {
    var steps: [String] = []
    var path = parent
    while true {
      skipBlank()
      let start = cursor.position
      let text: [UInt8]
      switch cursor.next {
      case UInt8(ascii: "\""): text = try basic()
      case UInt8(ascii: "'"): text = try literal()
      default:
        cursor.skip(while: Self.isBareKey)
        text = Array(cursor.bytes[start..<cursor.position])
        guard !text.isEmpty else { throw cursor.fault("a name must stand here") }
      }
      let step = String(decoding: text, as: UTF8.self)
      steps.append(step)
      if let own = path?.appending(step) {
        document.names.append(.init(path: own, text: text, range: start..<cursor.position))
        path = own
      }
      skipBlank()
      guard cursor.take(".") else { return steps }
    }
  }

  private mutating func value(at path: DocumentPath, depth: Int) throws(DocumentFault) {
    guard depth <= Self.depthLimit else { throw cursor.fault("it is nested too deeply") }
    let start = cursor.position
    func leaf(_ text: [UInt8], _ style: DocumentText.Style) -> DocumentText.Leaf {
      .init(path: path, value: text, range: start..<cursor.position, style: style)
    }
    switch cursor.next {
    case UInt8(ascii: "\""):
      if cursor.starts(with: "\"\"\"") {
        let text = try multiline("\"\"\"")
        document.leaves.append(leaf(text, .multilineDouble))
      } else {
        let text = try basic()
        document.leaves.append(leaf(text, .double))
      }
    case UInt8(ascii: "'"):
      if cursor.starts(with: "'''") {
        let text = try multiline("'''")
        document.leaves.append(leaf(text, .multilineSingle))
      } else {
        let text = try literal()
        document.leaves.append(leaf(text, .single))
      }
    case UInt8(ascii: "["): try array(at: path, depth: depth)
    case UInt8(ascii: "{"): try inlineTable(at: path, depth: depth)
    default:
      cursor.skip { ![0x2C, 0x5D, 0x7D, 0x23, 0x0A, 0x0D].contains($0) }
      while cursor.position > start, [0x20, 0x09].contains(cursor.bytes[cursor.position - 1]) {
        cursor.position -= 1
      }
      guard cursor.position > start else { throw cursor.fault("a value must stand here") }
      let text = Array(cursor.bytes[start..<cursor.position])
      let isWord = [Array("true".utf8), Array("false".utf8)].contains(text)
      guard isWord || text.contains(where: { (0x30...0x39).contains($0) }) || text.count <= 4 else {
        throw cursor.fault("no value: text stands in quotes")
      }
      document.leaves.append(leaf(text, .fixed(because: "it is a number, a date or a truth value")))
    }
  }

  private mutating func array(at path: DocumentPath, depth: Int) throws(DocumentFault) {
    document.collections.insert(path)
    cursor.position += 1
    var count = 0
    while true {
      try skipLines()
      if cursor.take("]") { return }
      try value(at: path.appending("\(count)"), depth: depth + 1)
      count += 1
      try skipLines()
      if cursor.take(",") { continue }
      guard cursor.take("]") else { throw cursor.fault("a comma or ] must stand here") }
      return
    }
  }

  private mutating func inlineTable(at path: DocumentPath, depth: Int) throws(DocumentFault) {
    document.collections.insert(path)
    cursor.position += 1
    skipBlank()
    if cursor.take("}") { return }
    while true {
      try entry(under: path, depth: depth + 1)
      skipBlank()
      if cursor.take(",") { continue }
      guard cursor.take("}") else { throw cursor.fault("a comma or } must stand here") }
      return
    }
  }

  // MARK: text

  private mutating func literal() throws(DocumentFault) -> [UInt8] {
    cursor.position += 1
    let start = cursor.position
    cursor.skip { $0 != UInt8(ascii: "'") && $0 != 0x0A }
    let text = Array(cursor.bytes[start..<cursor.position])
    guard cursor.take("'") else { throw cursor.fault("a text is not closed") }
    return text
  }

  private mutating func basic() throws(DocumentFault) -> [UInt8] {
    cursor.position += 1
    var text: [UInt8] = []
    while let byte = cursor.next, byte != 0x0A {
      cursor.position += 1
      switch byte {
      case UInt8(ascii: "\""): return text
      case UInt8(ascii: "\\"): text += try escape()
      default: text.append(byte)
      }
    }
    throw cursor.fault("a text is not closed")
  }

  private mutating func multiline(_ quotes: String) throws(DocumentFault) -> [UInt8] {
    cursor.position += 3
    if !cursor.take("\r\n") { _ = cursor.take("\n") }
    var text: [UInt8] = []
    while let byte = cursor.next {
      if cursor.take(quotes) {
        // One or two quotes may stand right before the closing ones.
        for _ in 0..<2 where cursor.next == byte {
          text.append(byte)
          cursor.position += 1
        }
        return text
      }
      cursor.position += 1
      guard byte == UInt8(ascii: "\\"), quotes == "\"\"\"" else {
        text.append(byte)
        continue
      }
      // A line that ends in \ goes on at the next one's first character.
      let rest = cursor.position
      skipBlank()
      if cursor.next == 0x0A || cursor.next == 0x0D {
        cursor.skip { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
      } else {
        cursor.position = rest
        text += try escape()
      }
    }
    throw cursor.fault("a text is not closed")
  }

  private mutating func escape() throws(DocumentFault) -> [UInt8] {
    let letter = cursor.next
    cursor.position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): return letter.map { [$0] } ?? []
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return Array(String(try cursor.scalar(digits: 4)).utf8)
    case UInt8(ascii: "U"): return Array(String(try cursor.scalar(digits: 8)).utf8)
    default: throw cursor.fault("an unknown escape")
    }
  }
}
