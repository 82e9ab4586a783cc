public import Capabilities

/// What stands after a key of `with:`: a literal, an expression, text with holes, or a tree of these.
public indirect enum Template: Sendable, Hashable {
  case literal(Value)
  /// The whole scalar is one `${{ }}`: the value keeps its type.
  case expression(Expression)
  /// Text around expressions; never holds a secret.
  case text([Piece])
  case list([Template])
  case record([String: Template])

  /// A part of interpolated text.
  public enum Piece: Sendable, Hashable {
    case literal(String)
    case expression(Expression)
  }

  /// The value in `scope`. Text with an unknown hole is unknown as a whole; lists and records keep known parts.
  public func value(in scope: Scope) throws(EvaluationError) -> Value {
    switch self {
    case .literal(let value): return value
    case .expression(let expression): return try expression.value(in: scope)
    case .text(let pieces): return try Self.text(of: pieces, in: scope)
    case .list(let elements):
      var values: [Value] = []
      for element in elements { values.append(try element.value(in: scope)) }
      return .list(values)
    case .record(let members):
      var values: [String: Value] = [:]
      for (name, member) in members { values[name] = try member.value(in: scope) }
      return .record(values)
    }
  }

  /// Every expression in it.
  public var expressions: [Expression] {
    switch self {
    case .literal: []
    case .expression(let expression): [expression]
    case .text(let pieces):
      pieces.compactMap { if case .expression(let expression) = $0 { expression } else { nil } }
    case .list(let elements): elements.flatMap(\.expressions)
    case .record(let members): members.sorted { $0.key < $1.key }.flatMap(\.value.expressions)
    }
  }

  private static func text(of pieces: [Piece], in scope: Scope) throws(EvaluationError) -> Value {
    var text = ""
    for piece in pieces {
      switch piece {
      case .literal(let part): text += part
      case .expression(let expression):
        let value = try expression.value(in: scope)
        if value == .unknown { return .unknown }
        guard let part = value.text else {
          throw EvaluationError(
            at: expression.position, "\"\(expression.text)\" cannot stand in text",
            fix: "take a text, number, time or name; for null write default(value, \"\")")
        }
        text += part
      }
    }
    return .string(text)
  }
}
