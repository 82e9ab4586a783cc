/// Cuts an expression into tokens.
struct Lexer {
  private let source: ExpressionSource
  private let characters: [Unicode.Scalar]
  private var index = 0

  private init(_ source: ExpressionSource) {
    self.source = source
    characters = Array(source.text.unicodeScalars)
  }

  /// The tokens, ending with `.end`.
  static func tokens(of source: ExpressionSource) throws(ExpressionError) -> [Token] {
    var lexer = Lexer(source)
    var tokens: [Token] = []
    repeat { tokens.append(try lexer.next()) } while tokens.last?.kind != .end
    return tokens
  }

  private mutating func next() throws(ExpressionError) -> Token {
    while index < characters.count, characters[index].properties.isWhitespace { index += 1 }
    let start = index
    let position = source.position(at: start)
    guard index < characters.count else { return Token(kind: .end, position: position) }
    let first = characters[index]
    if Self.startsName(first) {
      while index < characters.count, Self.continuesName(characters[index]) { index += 1 }
      return Token(kind: .name(text(from: start)), position: position)
    }
    if Self.isDigit(first)
      || (first == "-" && index + 1 < characters.count && Self.isDigit(characters[index + 1]))
    {
      return Token(kind: try number(from: start), position: position)
    }
    if first == "\"" || first == "'" { return Token(kind: try string(quote: first), position: position) }
    for sign in Token.Sign.allCases where characters[start...].starts(with: sign.rawValue.unicodeScalars) {
      index += sign.rawValue.unicodeScalars.count
      return Token(kind: .sign(sign), position: position)
    }
    throw ExpressionError(
      .expressionSyntax, at: position, "the character \"\(first)\" means nothing here", Self.hint(for: first))
  }

  private static func hint(for character: Unicode.Scalar) -> String? {
    switch character {
    case "=": "compare with =="
    case "&": "write && for and"
    case "|": "write || for or"
    case "+", "-", "*", "/", "%": "there is no arithmetic; let an action's output carry the value"
    case "~": "there are no regular expressions; use contains(…) or startsWith(…)"
    case "$": "inside an expression no ${{ }} is needed"
    default: nil
    }
  }

  private mutating func number(from start: Int) throws(ExpressionError) -> Token.Kind {
    index += 1
    while index < characters.count, Self.isDigit(characters[index]) || Self.isLetter(characters[index]) {
      index += 1
    }
    let word = text(from: start)
    if let number = Int(word) { return .integer(number) }
    if let duration = DurationText.parse(word) { return .duration(duration) }
    throw ExpressionError(
      .expressionSyntax, at: source.position(at: start), "\"\(word)\" is no number and no duration",
      "numbers are whole (42), durations have units (90s, 5m, 1h30m)")
  }

  private mutating func string(quote: Unicode.Scalar) throws(ExpressionError) -> Token.Kind {
    let start = index
    var text = String.UnicodeScalarView()
    index += 1
    while index < characters.count, characters[index] != quote {
      if characters[index] == "\\", index + 1 < characters.count {
        index += 1
        guard characters[index] == quote || characters[index] == "\\" else {
          throw ExpressionError(
            .expressionSyntax, at: source.position(at: index - 1),
            "unknown escape \"\\\(characters[index])\"",
            "only the quote and the backslash are escaped")
        }
      }
      text.append(characters[index])
      index += 1
    }
    guard index < characters.count else {
      throw ExpressionError(
        .expressionSyntax, at: source.position(at: start), "the text literal does not end",
        "close it with \(quote)")
    }
    index += 1
    return .string(String(text))
  }

  private func text(from start: Int) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: characters[start..<index])
    return String(view)
  }

  private static func isDigit(_ character: Unicode.Scalar) -> Bool { ("0"..."9").contains(character) }
  private static func isLetter(_ character: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(character) || ("A"..."Z").contains(character)
  }
  private static func startsName(_ character: Unicode.Scalar) -> Bool {
    isLetter(character) || character == "_"
  }
  private static func continuesName(_ character: Unicode.Scalar) -> Bool {
    startsName(character) || isDigit(character) || character == "-"
  }
}
