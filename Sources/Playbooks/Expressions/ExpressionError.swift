/// What is wrong with one expression; becomes a ``Diagnostic``.
struct ExpressionError: Error, Sendable {
  let diagnostic: Diagnostic

  init(_ rule: Rule, at position: SourcePosition, _ message: String, _ suggestion: String? = nil) {
    diagnostic = Diagnostic(rule, at: position, message, suggestion: suggestion)
  }
}

/// Why a checked expression gave no value when it was evaluated.
public struct EvaluationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where the expression stands.
  public let position: SourcePosition
  /// One sentence, starting lower-case. Names, never values.
  public let because: String
  /// How to change the playbook.
  public let fix: String?

  package init(at position: SourcePosition, _ because: String, fix: String? = nil) {
    self.position = position
    self.because = because
    self.fix = fix
  }

  public var description: String { "\(position): \(because)" + (fix.map { "; fix: \($0)" } ?? "") }
}
