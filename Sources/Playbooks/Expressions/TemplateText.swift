/// Cuts a scalar into text and `${{ }}` holes. `$${{` stands for a literal `${{`.
enum TemplateText {
  enum Piece {
    case text(String)
    case hole(ExpressionSource)
  }

  /// - Throws: when a hole does not end.
  static func pieces(of text: String, start: SourcePosition?, fallback: SourcePosition)
    throws(ExpressionError)
    -> [Piece]
  {
    guard text.contains("${{") else { return [.text(text)] }
    let characters = Array(text.unicodeScalars)
    var pieces: [Piece] = []
    var literal = String.UnicodeScalarView()
    var index = 0
    while index < characters.count {
      let rest = characters[index...]
      if rest.starts(with: "$${{".unicodeScalars) {
        literal.append(contentsOf: "${{".unicodeScalars)
        index += 4
      } else if rest.starts(with: "${{".unicodeScalars) {
        if !literal.isEmpty { pieces.append(.text(String(literal))) }
        literal = String.UnicodeScalarView()
        guard let end = endOfHole(in: characters, from: index + 3) else {
          throw ExpressionError(
            .expressionSyntax, at: position(index, start, fallback), "the ${{ does not end",
            "close it with }}")
        }
        var inner = String.UnicodeScalarView()
        inner.append(contentsOf: characters[(index + 3)..<end])
        let innerStart = start == nil ? nil : position(index + 3, start, fallback)
        pieces.append(
          .hole(trimmed(ExpressionSource(text: String(inner), start: innerStart, fallback: fallback))))
        index = end + 2
      } else {
        literal.append(characters[index])
        index += 1
      }
    }
    if !literal.isEmpty { pieces.append(.text(String(literal))) }
    return pieces
  }

  /// The expression of a condition, which may stand bare or as one `${{ }}`.
  static func condition(_ text: String, start: SourcePosition?, fallback: SourcePosition)
    throws(ExpressionError)
    -> ExpressionSource
  {
    let found = try pieces(of: text, start: start, fallback: fallback)
    if found.count == 1, case .hole(let source) = found[0] { return source }
    return trimmed(ExpressionSource(text: text, start: start, fallback: fallback))
  }

  private static func trimmed(_ source: ExpressionSource) -> ExpressionSource {
    let leading = source.text.unicodeScalars.prefix { $0.properties.isWhitespace }.count
    var scalars = source.text.unicodeScalars.dropFirst(leading)
    while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
    return ExpressionSource(
      text: String(scalars), start: source.start == nil ? nil : source.position(at: leading),
      fallback: source.fallback)
  }

  private static func position(_ offset: Int, _ start: SourcePosition?, _ fallback: SourcePosition)
    -> SourcePosition
  {
    ExpressionSource(text: "", start: start, fallback: fallback).position(at: offset)
  }

  /// The index of the `}}` outside quotes.
  private static func endOfHole(in characters: [Unicode.Scalar], from start: Int) -> Int? {
    var quote: Unicode.Scalar?
    var index = start
    while index < characters.count {
      let character = characters[index]
      if let open = quote {
        if character == "\\" { index += 1 } else if character == open { quote = nil }
      } else if character == "\"" || character == "'" {
        quote = character
      } else if character == "}", index + 1 < characters.count, characters[index + 1] == "}" {
        return index
      }
      index += 1
    }
    return nil
  }
}
