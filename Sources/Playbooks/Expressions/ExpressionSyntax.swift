import Capabilities

/// An expression as written: names are not looked up yet.
indirect enum ExpressionSyntax: Sendable {
  case literal(Value, SourcePosition)
  case list([ExpressionSyntax], SourcePosition)
  /// `a.b.c`, with the place of each component.
  case path([(name: String, position: SourcePosition)])
  case not(ExpressionSyntax, SourcePosition)
  case both(ExpressionSyntax, ExpressionSyntax)
  case either(ExpressionSyntax, ExpressionSyntax)
  case comparison(Comparison, ExpressionSyntax, ExpressionSyntax, SourcePosition)
  case membership(ExpressionSyntax, in: ExpressionSyntax, SourcePosition)
  case call(Function, [ExpressionSyntax], SourcePosition)

  /// Where it begins.
  var position: SourcePosition {
    switch self {
    case .literal(_, let position), .list(_, let position), .not(_, let position), .call(_, _, let position):
      position
    case .path(let components): components[0].position
    case .both(let left, _), .either(let left, _), .comparison(_, let left, _, _),
      .membership(let left, _, _):
      left.position
    }
  }
}

/// The comparisons of the language.
enum Comparison: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="

  var isOrdering: Bool { self != .equal && self != .notEqual }
}

/// The functions of the language.
package enum Function: String, Sendable, CaseIterable {
  /// Elements of a list, characters of a text.
  case len
  /// Whether a value is there (not null).
  case has
  /// The first value, or the second when the first is null.
  case `default`
  /// Whether a list has an element or a text a part.
  case contains
  case startsWith
  /// How a step ended.
  case ok, failed, skipped

  var arity: Int {
    switch self {
    case .len, .has, .ok, .failed, .skipped: 1
    case .default, .contains, .startsWith: 2
    }
  }

  /// For messages, for example `contains(list or text, part)`.
  package var usage: String {
    switch self {
    case .len: "len(list or text)"
    case .has: "has(value)"
    case .default: "default(value, other)"
    case .contains: "contains(list or text, part)"
    case .startsWith: "startsWith(text, beginning)"
    case .ok, .failed, .skipped: "\(rawValue)(steps.name)"
    }
  }
}
