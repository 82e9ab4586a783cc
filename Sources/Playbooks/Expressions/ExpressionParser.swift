import Capabilities

/// Reads `a || b && !(c == 1)` into syntax; `||` binds weakest, comparisons do not chain.
struct ExpressionParser {
  private static let depthLimit = 40

  private let tokens: [Token]
  private var index = 0
  private var depth = 0

  static func parse(_ source: ExpressionSource) throws(ExpressionError) -> ExpressionSyntax {
    var parser = ExpressionParser(tokens: try Lexer.tokens(of: source))
    let syntax = try parser.disjunction()
    guard parser.current.kind == .end else {
      throw ExpressionError(
        .expressionSyntax, at: parser.current.position, "\(parser.current.text) is not expected here",
        "join conditions with && or ||")
    }
    return syntax
  }

  private init(tokens: [Token]) { self.tokens = tokens }

  private var current: Token { tokens[index] }

  private mutating func take(_ sign: Token.Sign) -> Bool {
    guard current.kind == .sign(sign) else { return false }
    index += 1
    return true
  }

  private mutating func expect(_ sign: Token.Sign) throws(ExpressionError) {
    guard take(sign) else {
      throw ExpressionError(
        .expressionSyntax, at: current.position, "\"\(sign.rawValue)\" is expected here, not \(current.text)")
    }
  }

  private mutating func disjunction() throws(ExpressionError) -> ExpressionSyntax {
    var left = try conjunction()
    while take(.or) { left = .either(left, try conjunction()) }
    return left
  }

  private mutating func conjunction() throws(ExpressionError) -> ExpressionSyntax {
    var left = try comparison()
    while take(.and) { left = .both(left, try comparison()) }
    return left
  }

  private mutating func comparison() throws(ExpressionError) -> ExpressionSyntax {
    let left = try unary()
    let position = current.position
    switch current.kind {
    case .name("in"):
      index += 1
      return .membership(left, in: try unary(), position)
    case .sign(let sign):
      guard let comparison = Comparison(rawValue: sign.rawValue) else { return left }
      index += 1
      let right = try unary()
      if case .sign(let next) = current.kind, Comparison(rawValue: next.rawValue) != nil {
        throw ExpressionError(
          .expressionSyntax, at: current.position, "comparisons do not chain", "join two comparisons with &&")
      }
      return .comparison(comparison, left, right, position)
    case .name, .string, .integer, .duration, .end: return left
    }
  }

  private mutating func unary() throws(ExpressionError) -> ExpressionSyntax {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw ExpressionError(
        .expressionSyntax, at: current.position, "the expression is nested too deep",
        "split it over several steps")
    }
    let position = current.position
    if take(.not) { return .not(try unary(), position) }
    if take(.openParenthesis) {
      let inner = try disjunction()
      try expect(.closeParenthesis)
      return inner
    }
    if take(.openBracket) { return .list(try elements(until: .closeBracket), position) }
    return try primary()
  }

  private mutating func elements(until end: Token.Sign) throws(ExpressionError) -> [ExpressionSyntax] {
    if take(end) { return [] }
    var elements = [try disjunction()]
    while take(.comma) { elements.append(try disjunction()) }
    try expect(end)
    return elements
  }

  private mutating func primary() throws(ExpressionError) -> ExpressionSyntax {
    let token = current
    switch token.kind {
    case .string(let text):
      index += 1
      return .literal(.string(text), token.position)
    case .integer(let number):
      index += 1
      return .literal(.integer(number), token.position)
    case .duration(let duration):
      index += 1
      return .literal(.duration(duration), token.position)
    case .name("true"), .name("false"):
      index += 1
      return .literal(.boolean(token.kind == .name("true")), token.position)
    case .name("null"):
      index += 1
      return .literal(.null, token.position)
    case .name(let name):
      index += 1
      return take(.openParenthesis) ? try call(name, token.position) : try path(name, token.position)
    case .sign, .end:
      throw ExpressionError(
        .expressionSyntax, at: token.position, "a value is expected here, not \(token.text)")
    }
  }

  private mutating func call(_ name: String, _ position: SourcePosition) throws(ExpressionError)
    -> ExpressionSyntax
  {
    guard let function = Function(rawValue: name) else {
      throw ExpressionError(
        .unknownName, at: position, "there is no function \"\(name)\"",
        Suggestion.phrase(for: name, among: Function.allCases.map(\.rawValue)))
    }
    let arguments = try elements(until: .closeParenthesis)
    guard arguments.count == function.arity else {
      throw ExpressionError(
        .expressionSyntax, at: position,
        "\(name) takes \(function.arity) argument\(function.arity == 1 ? "" : "s"), not \(arguments.count)",
        "write \(function.usage)")
    }
    return .call(function, arguments, position)
  }

  private mutating func path(_ first: String, _ position: SourcePosition) throws(ExpressionError)
    -> ExpressionSyntax
  {
    var components = [(name: first, position: position)]
    while take(.dot) {
      guard case .name(let name) = current.kind else {
        throw ExpressionError(
          .expressionSyntax, at: current.position, "a name is expected after the dot, not \(current.text)")
      }
      components.append((name: name, position: current.position))
      index += 1
    }
    return .path(components)
  }
}
