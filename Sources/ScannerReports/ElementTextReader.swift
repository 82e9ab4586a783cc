/// Why markup cannot be read.
struct UnreadMarkup: Error, Sendable {
  let line: Int
  let because: String
}

/// Hands out the text of one sort of element of an XML document, piece by piece; the rest is skipped.
///
/// Foundation's XML parser is a separate library with a document in memory behind it; a report needs the five predefined
/// entities, character references and CDATA (XML 1.0 §4.6, §4.1, §2.7), nothing else.
struct ElementTextReader: Sendable {
  /// The text of one element.
  struct Element: Sendable {
    let text: [UInt8]
    /// Of its start tag.
    let line: Int
    /// Why its text cannot be read; the elements after it can.
    let problem: String?
  }

  /// What the start tags of another element say of how many there are, all of them together; nil: none says it.
  private(set) var announced: Int?
  private let counted: (element: [UInt8], attribute: [UInt8])
  private let element: [UInt8]
  private let roots: [[UInt8]]
  private var hasSeenRoot = false
  private let maximumBytes: Int
  private var pending: [UInt8] = []  // markup or text whose end has not come
  private var line = 1
  private var text: [UInt8]?  // inside the element
  private var startLine = 1
  private var problem: String?

  /// - Parameters:
  ///   - element: its name.
  ///   - counted: the element and its attribute that count them.
  ///   - roots: names of which the document's outermost element must have one.
  ///   - maximumBytes: of one tag and of one element's text.
  init(element: String, counted: (element: String, attribute: String), roots: [String], maximumBytes: Int) {
    self.element = Array(element.utf8)
    self.counted = (Array(counted.element.utf8), Array(counted.attribute.utf8))
    self.roots = roots.map { Array($0.utf8) }
    self.maximumBytes = maximumBytes
  }

  /// - Parameter found: gets the elements that end in this piece, also those before the place that is thrown for.
  mutating func feed(_ piece: ArraySlice<UInt8>, into found: inout [Element]) throws(UnreadMarkup) {
    pending += piece
    var rest = pending[...]
    while let open = rest.firstIndex(of: 0x3C) {
      _ = take(rest[..<open], isWhole: true)
      guard let end = try markupEnd(rest[open...]) else {
        rest = rest[open...]
        break
      }
      if let finished = try markup(rest[open..<end]) { found.append(finished) }
      count(rest[open..<end])
      rest = rest[end...]
    }
    if !rest.contains(0x3C) { rest = rest[take(rest, isWhole: false)...] }
    guard rest.count <= maximumBytes else { throw failure("markup without an end") }
    pending = Array(rest)
  }

  /// - Throws: when the document ends inside the element or inside markup, or was none.
  func finish() throws(UnreadMarkup) {
    guard hasSeenRoot else { throw failure("there is no such document") }
    guard pending.isEmpty, text == nil else { throw failure("the document ends inside an element") }
  }

  private func failure(_ because: String) -> UnreadMarkup { UnreadMarkup(line: line, because: because) }

  private mutating func count(_ bytes: ArraySlice<UInt8>) {
    for byte in bytes where byte == 0x0A { line += 1 }
  }

  /// Where the markup that begins here is over; nil when its end has not come.
  private func markupEnd(_ bytes: ArraySlice<UInt8>) throws(UnreadMarkup) -> Int? {
    if bytes.starts(with: "<![CDATA[".utf8) { return end(of: "]]>", in: bytes) }
    if bytes.starts(with: "<!--".utf8) { return end(of: "-->", in: bytes) }
    if bytes.starts(with: "<?".utf8) { return end(of: "?>", in: bytes) }
    if bytes.count < 9, "<![CDATA[".utf8.starts(with: bytes) || "<!--".utf8.starts(with: bytes) { return nil }
    if bytes.starts(with: "<!".utf8) { throw failure("document types and entities are not accepted") }
    var quote: UInt8?
    for index in bytes.indices {
      let byte = bytes[index]
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == 0x22 || byte == 0x27 {
        quote = byte
      } else if byte == 0x3E {
        return index + 1
      }
    }
    return nil
  }

  private func end(of mark: String, in bytes: ArraySlice<UInt8>) -> Int? {
    bytes.firstRange(of: Array(mark.utf8))?.upperBound
  }

  private mutating func markup(_ bytes: ArraySlice<UInt8>) throws(UnreadMarkup) -> Element? {
    if bytes.starts(with: "<![CDATA[".utf8) {
      if text != nil { append(bytes.dropFirst(9).dropLast(3)) }
      return nil
    }
    let isEnd = bytes.dropFirst().first == 0x2F
    let name = bytes.dropFirst(isEnd ? 2 : 1).prefix {
      !($0 == 0x20 || $0 == 0x3E || $0 == 0x2F || ($0 >= 0x09 && $0 <= 0x0D))
    }
    if !hasSeenRoot, !bytes.starts(with: "<?".utf8), !bytes.starts(with: "<!--".utf8) {
      guard roots.contains(where: name.elementsEqual) else { throw failure("another sort of document") }
      hasSeenRoot = true
    }
    if !isEnd, name.elementsEqual(counted.element), let count = number(counted.attribute, in: bytes) {
      announced = (announced ?? 0).addingReportingOverflow(count).partialValue
    }
    guard name.elementsEqual(element) else {
      guard text == nil || bytes.starts(with: "<!--".utf8) else {
        throw failure("an element inside a failure")
      }
      return nil
    }
    if isEnd {
      guard let finished = text else { throw failure("an end tag without its start") }
      defer {
        text = nil
        problem = nil
      }
      return Element(text: finished, line: startLine, problem: problem)
    }
    guard text == nil else { throw failure("a failure inside a failure") }
    if bytes.dropLast().last != 0x2F {
      text = []
      startLine = line
    }
    return nil
  }

  /// The value of an attribute of a tag, where it is a number: `failures="2"`.
  private func number(_ attribute: [UInt8], in tag: ArraySlice<UInt8>) -> Int? {
    for quote in [UInt8(ascii: "\""), UInt8(ascii: "'")] {
      guard let start = tag.firstRange(of: [0x20] + attribute + [0x3D, quote])?.upperBound,
        let end = tag[start...].firstIndex(of: quote)
      else { continue }
      return Int(String(decoding: tag[start..<end], as: UTF8.self))
    }
    return nil
  }

  /// Character data, in which an entity may go on in the next piece.
  /// - Parameter isWhole: markup comes next, so nothing goes on.
  /// - Returns: where what may go on begins: the next piece decides what it is, as if both had come at once.
  private mutating func take(_ bytes: ArraySlice<UInt8>, isWhole: Bool) -> Int {
    guard text != nil else {
      count(bytes)
      return bytes.endIndex
    }
    var rest = bytes
    while let mark = rest.firstIndex(of: 0x26) {
      append(rest[..<mark])
      let reach = rest[mark...].prefix(13)  // no entity of ours is longer
      guard let end = reach.firstIndex(of: 0x3B) else {
        if !isWhole, reach.count < 13 {
          count(bytes[..<mark])
          return mark
        }
        problem = problem ?? "an ampersand that begins no entity"
        rest = rest[(mark + 1)...]
        continue
      }
      if let character = character(String(decoding: rest[(mark + 1)..<end], as: UTF8.self)) {
        append(character)
      } else {
        problem = problem ?? "an entity that is not predefined"
      }
      rest = rest[(end + 1)...]
    }
    append(rest)
    count(bytes)
    return bytes.endIndex
  }

  /// Nil for an entity that is none of XML's own.
  private func character(_ name: String) -> ArraySlice<UInt8>? {
    switch name {
    case "lt": return [0x3C]
    case "gt": return [0x3E]
    case "amp": return [0x26]
    case "quot": return [0x22]
    case "apos": return [0x27]
    default:
      let isHex = name.hasPrefix("#x")
      let digits = name.dropFirst(isHex ? 2 : 1)
      guard name.hasPrefix("#"), let number = UInt32(digits, radix: isHex ? 16 : 10), number != 0,
        let scalar = Unicode.Scalar(number)
      else { return nil }
      return ArraySlice(Array(String(Character(scalar)).utf8))
    }
  }

  private mutating func append(_ bytes: ArraySlice<UInt8>) {
    guard (text?.count ?? 0) + bytes.count <= maximumBytes else {
      problem = problem ?? "an element's text has more than \(maximumBytes) bytes"
      return
    }
    text?.append(contentsOf: bytes)
  }
}
