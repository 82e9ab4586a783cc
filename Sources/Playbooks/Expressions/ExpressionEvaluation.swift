public import Capabilities
import Incidents

// Three-valued evaluation: `false && unknown` is false, `true || unknown` is true, everything else that touches
// unknown is unknown. Null is a value: it equals only null, and it cannot be ordered.
extension Expression {
  /// The value in `scope`; `.unknown` when it depends on something that is not known yet.
  public func value(in scope: Scope) throws(EvaluationError) -> Value {
    try root.value(in: scope, at: position)
  }

  /// The truth in `scope`; nil is "maybe" (both branches are possible). Null counts as false.
  ///
  /// - Throws: when the value is neither a boolean nor unknown.
  public func truth(in scope: Scope) throws(EvaluationError) -> Bool? {
    switch try value(in: scope) {
    case .boolean(let truth): return truth
    case .unknown: return nil
    case .null: return false
    case .string, .integer, .duration, .timestamp, .url, .secret, .credential, .store, .consumer,
      .repository, .tracker, .incident, .list, .record:
      throw EvaluationError(
        at: position, "\"\(text)\" is not true or false", fix: "compare it, for example with == true")
    }
  }
}

extension ExpressionNode {
  func value(in scope: Scope, at position: SourcePosition) throws(EvaluationError) -> Value {
    switch self {
    case .literal(let value): return value
    case .list(let elements):
      var values: [Value] = []
      for element in elements { values.append(try element.value(in: scope, at: position)) }
      return .list(values)
    case .reference(let reference): return try reference.value(in: scope)
    case .not(let inner):
      let truth = try inner.truth(in: scope, at: position)
      return truth.map { .boolean(!$0) } ?? .unknown
    case .both(let left, let right):
      let first = try left.truth(in: scope, at: position)
      if first == false { return .boolean(false) }
      let second = try right.truth(in: scope, at: position)
      if second == false { return .boolean(false) }
      return first == nil || second == nil ? .unknown : .boolean(true)
    case .either(let left, let right):
      let first = try left.truth(in: scope, at: position)
      if first == true { return .boolean(true) }
      let second = try right.truth(in: scope, at: position)
      if second == true { return .boolean(true) }
      return first == nil || second == nil ? .unknown : .boolean(false)
    case .comparison(let comparison, let left, let right):
      return try comparison.apply(
        left.value(in: scope, at: position), right.value(in: scope, at: position), at: position)
    case .membership(let element, in: let list):
      return try Function.contains.apply(
        [list.value(in: scope, at: position), element.value(in: scope, at: position)], at: position)
    case .call(let function, let arguments):
      if let question = function.statusQuestion {
        guard case .reference(let reference) = arguments[0], case .step(let id) = reference.root else {
          throw EvaluationError(at: position, "\(function.rawValue) asks about a step")
        }
        return scope.steps[id].map { question($0.status) } ?? .unknown
      }
      var values: [Value] = []
      for argument in arguments { values.append(try argument.value(in: scope, at: position)) }
      return try function.apply(values, at: position)
    }
  }

  /// Nil is unknown. Null counts as false, so that `when: steps.search.seen` holds only when it was seen.
  private func truth(in scope: Scope, at position: SourcePosition) throws(EvaluationError) -> Bool? {
    switch try value(in: scope, at: position) {
    case .boolean(let truth): return truth
    case .unknown: return nil
    case .null: return false
    case .string, .integer, .duration, .timestamp, .url, .secret, .credential, .store, .consumer, .repository,
      .tracker, .incident, .list, .record:
      throw EvaluationError(at: position, "a part of the condition is not true or false")
    }
  }
}

extension Reference {
  /// The value in `scope`.
  func value(in scope: Scope) throws(EvaluationError) -> Value {
    var rest = members[...]
    var value: Value
    switch root {
    case .input(let name): value = scope.inputs[name] ?? .unknown
    case .item(let name): value = scope.items[name] ?? .unknown
    case .own:
      guard let own = scope.own, let output = rest.popFirst() else { return .unknown }
      value = own[output] ?? .null
    case .step(let id):
      guard let result = scope.steps[id], let output = rest.popFirst() else { return .unknown }
      value = result.outputs[output] ?? (result.status == .undecided ? .unknown : .null)
    }
    for member in rest { value = try scope.member(member, of: value, at: position) }
    return value
  }
}

extension Scope {
  fileprivate func member(_ name: String, of value: Value, at position: SourcePosition)
    throws(EvaluationError)
    -> Value
  {
    switch value {
    case .unknown: return .unknown
    case .null: return .null
    case .record(let members): return members[name] ?? .null
    case .incident(let id):
      return name == "id" ? .string(id.rawValue) : attributes.attribute(name, of: value) ?? .unknown
    case .credential, .store, .consumer, .repository, .tracker:
      if name == "name", let text = value.text { return .string(text) }
      return attributes.attribute(name, of: value) ?? .unknown
    case .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .list:
      throw EvaluationError(at: position, "there is no member \"\(name)\" in this value")
    }
  }
}
