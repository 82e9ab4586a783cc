import Capabilities
import Incidents
import JSON

// Why a condition did not hold, for the timeline and the screen: `steps.triage.abuse.seen == true` says nothing at 03:00.
extension Expression {
  /// Why this is not true in `scope`: "triage.abuse.seen is no". The expression itself where nothing better can be said.
  public func whyNot(in scope: Scope) -> String {
    do { return try root.whyNot(in: scope, at: position) ?? "\(text) does not hold" } catch {
      return "\(text) does not hold"
    }
  }
}

extension ExpressionNode {
  /// Nil where the expression says it best.
  fileprivate func whyNot(in scope: Scope, at position: SourcePosition) throws(EvaluationError) -> String? {
    switch self {
    case .both(let left, let right):
      let first = try left.value(in: scope, at: position)
      return try (first == .boolean(true) ? right : left).whyNot(in: scope, at: position)
    case .either(let left, let right):
      guard let first = try left.whyNot(in: scope, at: position),
        let second = try right.whyNot(in: scope, at: position)
      else { return nil }
      return "\(first), and \(second)"
    case .reference(let reference):
      let found = said(try reference.value(in: scope))
      return "\(reference.name) is \(found)"
    case .not(.reference(let reference)): return "\(reference.name) is yes"
    case .comparison(let comparison, .reference(let reference), let other):
      let found = said(try reference.value(in: scope))
      let wanted = said(try other.value(in: scope, at: position))
      switch comparison {
      case .equal: return "\(reference.name) is \(found)" + (found == "no" ? "" : ", not \(wanted)")
      case .notEqual: return "\(reference.name) is \(found)"
      case .less, .lessOrEqual, .greater, .greaterOrEqual:
        return "\(reference.name) is \(found), which is not \(comparison.rawValue) \(wanted)"
      }
    case .call(.has, let arguments):
      guard case .reference(let reference)? = arguments.first else { return nil }
      return "\(reference.name) is not given"
    case .call(.ok, let arguments): return Self.status(arguments, "did not succeed")
    case .call(.failed, let arguments): return Self.status(arguments, "did not fail")
    case .call(.skipped, let arguments): return Self.status(arguments, "was not left out")
    case .literal, .list, .not, .comparison, .membership, .call: return nil
    }
  }

  private static func status(_ arguments: [ExpressionNode], _ words: String) -> String? {
    guard case .reference(let reference)? = arguments.first else { return nil }
    return "step \(reference.name) \(words)"
  }

  private func said(_ value: Value) -> String {
    switch value {
    case .null, .unknown: "not known"
    case .list(let elements) where elements.isEmpty: "empty"
    case .string(let text): "\"\(text)\""
    default: value.json.readable  // the journal's own words for everything else
    }
  }
}

extension Reference {
  /// As a person says it: without `inputs.` and `steps.`.
  fileprivate var name: String {
    let first: String? =
      switch root {
      case .input(let name), .item(let name): name
      case .step(let id): id.rawValue
      case .own: nil
      }
    return ([first].compactMap { $0 } + members).joined(separator: ".")
  }
}
