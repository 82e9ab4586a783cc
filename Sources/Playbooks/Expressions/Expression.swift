public import Capabilities
public import Incidents

/// A checked expression: its names exist, its types fit, and it evaluates to three values (`Value.unknown` is the third).
public struct Expression: Sendable, Hashable {
  /// As written, without `${{ }}`.
  public let text: String
  public let position: SourcePosition
  /// What it evaluates to, besides null and unknown.
  public let type: ValueType
  let root: ExpressionNode

  /// Every name that it uses, in order.
  public var references: [Reference] {
    var found: [Reference] = []
    root.collect(into: &found)
    return found
  }
}

/// A name in an expression, resolved when the playbook was loaded.
public struct Reference: Sendable, Hashable {
  public enum Root: Sendable, Hashable {
    /// `inputs.name`
    case input(String)
    /// `steps.a.b`: the full id, also inside a sub-playbook.
    case step(StepID)
    /// `self`: the outputs of the step that the expression belongs to.
    case own
    /// The item of the loop around it, by the name after `as:`.
    case item(String)
  }

  public let root: Root
  /// What follows: an output, an attribute of a target, a member of free-form data.
  public let members: [String]
  public let position: SourcePosition
}

/// The checked tree of an ``Expression``.
indirect enum ExpressionNode: Sendable, Hashable {
  case literal(Value)
  case list([ExpressionNode])
  case reference(Reference)
  case not(ExpressionNode)
  case both(ExpressionNode, ExpressionNode)
  case either(ExpressionNode, ExpressionNode)
  case comparison(Comparison, ExpressionNode, ExpressionNode)
  case membership(ExpressionNode, in: ExpressionNode)
  case call(Function, [ExpressionNode])

  func collect(into found: inout [Reference]) {
    switch self {
    case .literal: break
    case .reference(let reference): found.append(reference)
    case .not(let inner): inner.collect(into: &found)
    case .list(let elements), .call(_, let elements):
      for element in elements { element.collect(into: &found) }
    case .both(let left, let right), .either(let left, let right), .comparison(_, let left, let right),
      .membership(let left, in: let right):
      left.collect(into: &found)
      right.collect(into: &found)
    }
  }
}
