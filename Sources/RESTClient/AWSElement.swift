/// An element of an XML answer of AWS: its name, its text and what stands in it. Attributes are passed over: no answer that is
/// read here has one that matters.
public struct AWSElement: Sendable, Hashable {
  public let name: String
  public let text: String
  public let children: [AWSElement]

  /// The first child of that name.
  public subscript(_ name: String) -> AWSElement? { children.first { $0.name == name } }

  /// The elements of a list: `<Name><member>…</member></Name>`; empty when there is no such list.
  public func members(_ name: String) -> [AWSElement] {
    self[name]?.children.filter { $0.name == "member" } ?? []
  }

  /// The root of a document; nil for what is not well-formed, nested deeper than any answer, or has a document type, which
  /// could make text out of nothing.
  public init?(parsing document: some Sequence<UInt8>) {
    guard let text = String(validating: Array(document), as: UTF8.self) else { return nil }
    var reader = Reader(rest: text.unicodeScalars[...])
    guard reader.skipProlog(), let root = reader.element(depth: 0) else { return nil }
    guard reader.rest.allSatisfy(Reader.isSpace) else { return nil }
    self = root
  }

  fileprivate init(name: String, text: String, children: [AWSElement]) {
    self.name = name
    self.text = text
    self.children = children
  }

  private struct Reader {
    var rest: Substring.UnicodeScalarView
    private static let deepest = 40

    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
      scalar == " " || scalar == "\n" || scalar == "\r" || scalar == "\t"
    }

    mutating func skipProlog() -> Bool {
      rest = rest.drop(while: Self.isSpace)
      while take("<?") {
        guard skip(behind: "?>") else { return false }
        rest = rest.drop(while: Self.isSpace)
      }
      return true
    }

    mutating func element(depth: Int) -> AWSElement? {
      guard depth < Self.deepest, take("<") else { return nil }
      let name = takeName()
      guard !name.isEmpty, let isEmpty = skipAttributes() else { return nil }
      var text = ""
      var children: [AWSElement] = []
      guard !isEmpty else { return AWSElement(name: name, text: "", children: []) }
      while !rest.isEmpty {
        if take("</") {
          guard takeName() == name else { return nil }
          rest = rest.drop(while: Self.isSpace)
          return take(">") ? AWSElement(name: name, text: text, children: children) : nil
        } else if take("<!--") {
          guard skip(behind: "-->") else { return nil }
        } else if rest.first == "<" {
          guard let child = element(depth: depth + 1) else { return nil }
          children.append(child)
        } else {
          guard let scalar = takeCharacter() else { return nil }
          text.unicodeScalars.append(scalar)
        }
      }
      return nil
    }

    private mutating func take(_ text: String) -> Bool {
      guard rest.starts(with: text.unicodeScalars) else { return false }
      rest = rest.dropFirst(text.unicodeScalars.count)
      return true
    }

    private mutating func skip(behind end: String) -> Bool {
      while !rest.isEmpty {
        if take(end) { return true }
        rest = rest.dropFirst()
      }
      return false
    }

    /// A name ends where a space, `/` or `>` stands; its prefix of a namespace is passed over.
    private mutating func takeName() -> String {
      let name = rest.prefix { !Self.isSpace($0) && $0 != "/" && $0 != ">" && $0 != "<" && $0 != "!" }
      rest = rest[name.endIndex...]
      return String(String.UnicodeScalarView(name.split(separator: ":").last ?? name))
    }

    /// - Returns: whether the element ends here; nil when its tag is broken.
    private mutating func skipAttributes() -> Bool? {
      while let scalar = rest.first {
        if take("/>") { return true }
        if take(">") { return false }
        guard scalar != "<" else { return nil }
        rest = rest.dropFirst()
        if scalar == "\"" || scalar == "'" {
          guard let end = rest.firstIndex(of: scalar) else { return nil }
          rest = rest[rest.index(after: end)...]
        }
      }
      return nil
    }

    private mutating func takeCharacter() -> Unicode.Scalar? {
      guard take("&") else { return rest.popFirst() }
      guard let end = rest.prefix(12).firstIndex(of: ";") else { return nil }
      let entity = String(rest[..<end])
      rest = rest[rest.index(after: end)...]
      switch entity {
      case "amp": return "&"
      case "lt": return "<"
      case "gt": return ">"
      case "quot": return "\""
      case "apos": return "'"
      default:
        let number =
          entity.hasPrefix("#x")
          ? UInt32(entity.dropFirst(2), radix: 16)
          : entity.hasPrefix("#") ? UInt32(entity.dropFirst()) : nil
        return number.flatMap(Unicode.Scalar.init)
      }
    }
  }
}
