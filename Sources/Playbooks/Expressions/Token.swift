/// One word or sign of an expression.
struct Token: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    case name(String)
    case string(String)
    case integer(Int)
    case duration(Duration)
    case sign(Sign)
    case end
  }

  enum Sign: String, Sendable, CaseIterable {
    case or = "||"
    case and = "&&"
    case equal = "=="
    case notEqual = "!="
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
    case less = "<"
    case greater = ">"
    case not = "!"
    case openParenthesis = "("
    case closeParenthesis = ")"
    case openBracket = "["
    case closeBracket = "]"
    case comma = ","
    case dot = "."
  }

  let kind: Kind
  let position: SourcePosition

  /// The token in messages.
  var text: String {
    switch kind {
    case .name(let name): "\"\(name)\""
    case .string: "the text literal"
    case .integer(let number): "\(number)"
    case .duration: "the duration"
    case .sign(let sign): "\"\(sign.rawValue)\""
    case .end: "the end"
    }
  }
}

/// The text of an expression and where it stands.
struct ExpressionSource: Sendable {
  let text: String
  /// Where the first character stands; nil when the file's text and this one do not agree character by character.
  let start: SourcePosition?
  /// The scalar's own place, used when `start` is nil.
  let fallback: SourcePosition

  /// The place of the scalar at `offset` from the beginning.
  func position(at offset: Int) -> SourcePosition {
    guard let start else { return fallback }
    return SourcePosition(file: start.file, line: start.line, column: start.column + offset)
  }
}
