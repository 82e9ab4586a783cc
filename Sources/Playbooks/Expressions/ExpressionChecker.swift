import Capabilities
import Incidents

/// Looks up names and checks types: turns syntax into an ``Expression`` that can be evaluated.
///
/// A secret is opaque: no operator and no function takes one.
struct ExpressionChecker {
  /// A checked part with its type; nil is the type of `null`.
  private typealias Typed = (node: ExpressionNode, type: ValueType?)

  let names: Names

  /// - Throws: the first thing that is wrong.
  func check(_ source: ExpressionSource) throws(ExpressionError) -> Expression {
    let syntax = try ExpressionParser.parse(source)
    let (node, type) = try typed(syntax)
    return Expression(text: source.text, position: syntax.position, type: type ?? .any, root: node)
  }

  private func typed(_ syntax: ExpressionSyntax) throws(ExpressionError) -> Typed {
    switch syntax {
    case .literal(let value, _): return (.literal(value), Self.type(of: value))
    case .path(let components): return try PathResolver(names: names).resolve(components)
    case .list(let elements, let position):
      var nodes: [ExpressionNode] = []
      var type: ValueType?
      for element in elements {
        let (node, found) = try opaqueChecked(element)
        if let found, let type, found != type {
          throw ExpressionError(
            .wrongType, at: position, "a list holds values of one type, not \(type) and \(found)")
        }
        type = type ?? found
        nodes.append(node)
      }
      return (.list(nodes), .list(type ?? .any))
    case .not(let inner, _): return (.not(try condition(inner)), .boolean)
    case .both(let left, let right): return (.both(try condition(left), try condition(right)), .boolean)
    case .either(let left, let right): return (.either(try condition(left), try condition(right)), .boolean)
    case .comparison(let comparison, let left, let right, let position):
      return try compared(comparison, left, right, position)
    case .membership(let element, in: let list, let position):
      let (one, oneType) = try opaqueChecked(element)
      let (many, manyType) = try opaqueChecked(list)
      guard let manyType else { throw ExpressionError(.wrongType, at: list.position, "null has no elements") }
      switch manyType {
      case .any: break
      case .list(let elementType): try requireComparable(oneType, elementType, at: position)
      case .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .credential, .store, .consumer,
        .repository, .tracker, .incident:
        throw ExpressionError(
          .wrongType, at: list.position, "\"in\" needs a list on its right, not \(manyType)",
          "for text use contains(text, part)")
      }
      return (.membership(one, in: many), .boolean)
    case .call(let function, let arguments, let position): return try called(function, arguments, position)
    }
  }

  private func condition(_ syntax: ExpressionSyntax) throws(ExpressionError) -> ExpressionNode {
    let (node, type) = try opaqueChecked(syntax)
    guard type == .boolean || type == .any else {
      throw ExpressionError(
        .wrongType, at: syntax.position, "a condition is expected here, not \(type?.description ?? "null")",
        "compare it with something")
    }
    return node
  }

  private func compared(
    _ comparison: Comparison, _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ position: SourcePosition
  ) throws(ExpressionError) -> Typed {
    let (one, oneType) = try opaqueChecked(left)
    let (other, otherType) = try opaqueChecked(right)
    try requireComparable(oneType, otherType, at: position)
    if comparison.isOrdering {
      for (type, place) in [(oneType, left.position), (otherType, right.position)] {
        guard let type, [.integer, .duration, .timestamp, .any].contains(type) else {
          throw ExpressionError(
            .wrongType, at: place, "\(type?.description ?? "null") has no order",
            "only integers, durations and timestamps can be compared with \(comparison.rawValue)")
        }
      }
    }
    return (.comparison(comparison, one, other), .boolean)
  }

  private func called(_ function: Function, _ arguments: [ExpressionSyntax], _ position: SourcePosition)
    throws(ExpressionError) -> Typed
  {
    if function.statusQuestion != nil {
      guard case .path(let components) = arguments[0] else {
        throw ExpressionError(
          .wrongType, at: arguments[0].position, "\(function.rawValue) asks about a step",
          "write \(function.usage)")
      }
      return (.call(function, [.reference(try PathResolver(names: names).step(components))]), .boolean)
    }
    var nodes: [ExpressionNode] = []
    var types: [ValueType?] = []
    for argument in arguments {
      let (node, type) = try function == .has ? typed(argument) : opaqueChecked(argument)
      nodes.append(node)
      types.append(type)
    }
    let result: ValueType?
    switch function {
    case .has: result = .boolean
    case .len:
      try require(types[0], isListOrText: true, of: function, at: arguments[0].position)
      result = .integer
    case .contains:
      try require(types[0], isListOrText: true, of: function, at: arguments[0].position)
      if case .list(let element)? = types[0] {
        try requireComparable(element, types[1], at: position)
      } else {
        try require(types[1], isListOrText: false, of: function, at: arguments[1].position)
      }
      result = .boolean
    case .startsWith:
      for (type, argument) in zip(types, arguments) {
        try require(type, isListOrText: false, of: function, at: argument.position)
      }
      result = .boolean
    case .default:
      if let first = types[0], let second = types[1], first != second, first != .any, second != .any {
        throw ExpressionError(
          .wrongType, at: position, "default needs two values of one type, not \(first) and \(second)")
      }
      result = types[0] ?? types[1]
    case .ok, .failed, .skipped: result = .boolean
    }
    return (.call(function, nodes), result)
  }

  private func require(
    _ type: ValueType?, isListOrText: Bool, of function: Function, at position: SourcePosition
  )
    throws(ExpressionError)
  {
    guard let type else { return }
    if case .list = type, isListOrText { return }
    guard Self.isTextual(type) || type == .any else {
      throw ExpressionError(
        .wrongType, at: position, "\(function.rawValue) does not take \(type)", "write \(function.usage)")
    }
  }

  private func requireComparable(_ one: ValueType?, _ other: ValueType?, at position: SourcePosition)
    throws(ExpressionError)
  {
    guard let one, let other, one != other, one != .any, other != .any else { return }
    if one == .string, Self.isTextual(other) { return }
    if other == .string, Self.isTextual(one) { return }
    if case .list(let first) = one, case .list(let second) = other {
      return try requireComparable(first, second, at: position)
    }
    throw ExpressionError(.wrongType, at: position, "\(one) and \(other) cannot be compared")
  }

  /// Checks `syntax` and that it is no secret.
  private func opaqueChecked(_ syntax: ExpressionSyntax) throws(ExpressionError) -> Typed {
    let (node, type) = try typed(syntax)
    if let type, type.holdsSecret {
      throw ExpressionError(
        .secretInText, at: syntax.position, "a secret is opaque: it cannot be compared, measured or searched",
        "hand it to an action's input of type secret, for example credential.verify")
    }
    return (node, type)
  }

  private static func isTextual(_ type: ValueType) -> Bool {
    switch type {
    case .string, .url, .credential, .store, .consumer, .repository, .tracker, .incident: true
    case .integer, .boolean, .duration, .timestamp, .secret, .list, .any: false
    }
  }

  private static func type(of literal: Value) -> ValueType? {
    switch literal {
    case .string: .string
    case .integer: .integer
    case .boolean: .boolean
    case .duration: .duration
    case .null, .unknown: nil
    case .timestamp, .url, .secret, .credential, .store, .consumer, .repository, .tracker, .incident, .list,
      .record:
      .any
    }
  }
}

extension ValueType {
  /// True for a secret and for lists of them.
  var holdsSecret: Bool {
    switch self {
    case .secret: true
    case .list(let element): element.holdsSecret
    case .string, .integer, .boolean, .duration, .timestamp, .url, .credential, .store, .consumer,
      .repository,
      .tracker, .incident, .any:
      false
    }
  }
}
