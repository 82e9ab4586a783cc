public import Capabilities
import Foundation
import Incidents

// What the comparisons and functions do with values that are there.
extension Comparison {
  func apply(_ left: Value, _ right: Value, at position: SourcePosition) throws(EvaluationError) -> Value {
    if left.hasUnknown || right.hasUnknown { return .unknown }
    switch self {
    case .equal: return .boolean(left.isSame(as: right))
    case .notEqual: return .boolean(!left.isSame(as: right))
    case .less: return .boolean(try Self.precedes(left, right, at: position))
    case .greater: return .boolean(try Self.precedes(right, left, at: position))
    case .lessOrEqual: return .boolean(!(try Self.precedes(right, left, at: position)))
    case .greaterOrEqual: return .boolean(!(try Self.precedes(left, right, at: position)))
    }
  }

  private static func precedes(_ left: Value, _ right: Value, at position: SourcePosition)
    throws(EvaluationError) -> Bool
  {
    switch (left, right) {
    case (.integer(let one), .integer(let other)): return one < other
    case (.duration(let one), .duration(let other)): return one < other
    case (.timestamp(let one), .timestamp(let other)): return one < other
    case (.null, _), (_, .null):
      throw EvaluationError(
        at: position, "null cannot be ordered", fix: "give it a value first: default(value, other)")
    default:  // refuses: every pair that has an order is above
      throw EvaluationError(at: position, "only numbers, durations and times of the same kind can be ordered")
    }
  }
}

extension Function {
  /// For `ok`, `failed` and `skipped`: the answer by status.
  var statusQuestion: ((StepResult.Status) -> Value)? {
    let wanted: StepResult.Status
    switch self {
    case .ok: wanted = .succeeded
    case .failed: wanted = .failed
    case .skipped: wanted = .skipped
    case .len, .has, .default, .contains, .startsWith: return nil
    }
    return { $0 == .undecided ? .unknown : .boolean($0 == wanted) }
  }

  func apply(_ arguments: [Value], at position: SourcePosition) throws(EvaluationError) -> Value {
    if arguments[0] == .unknown { return .unknown }
    switch self {
    case .has: return .boolean(arguments[0] != .null)
    case .default: return arguments[0] == .null ? arguments[1] : arguments[0]
    case .len:
      if case .list(let elements) = arguments[0] { return .integer(elements.count) }
      if case .null = arguments[0] { return .integer(0) }
      if let text = arguments[0].text { return .integer(text.count) }
    case .contains:
      if case .null = arguments[0] { return .boolean(false) }
      if case .list(let elements) = arguments[0] { return Self.contains(elements, arguments[1]) }
      if arguments[1] == .unknown { return .unknown }
      if let text = arguments[0].text, let part = arguments[1].text {
        return .boolean(part.isEmpty || text.contains(part))
      }
    case .startsWith:
      if arguments[1] == .unknown { return .unknown }
      if case .null = arguments[0] { return .boolean(false) }
      if let text = arguments[0].text, let part = arguments[1].text { return .boolean(text.hasPrefix(part)) }
    case .ok, .failed, .skipped: break
    }
    throw EvaluationError(at: position, "\(rawValue) does not apply to this value", fix: "write \(usage)")
  }

  private static func contains(_ elements: [Value], _ element: Value) -> Value {
    if !element.hasUnknown, elements.contains(where: { !$0.hasUnknown && $0.isSame(as: element) }) {
      return .boolean(true)
    }
    if elements.isEmpty { return .boolean(false) }
    return element.hasUnknown || elements.contains { $0.hasUnknown } ? .unknown : .boolean(false)
  }
}

extension Value {
  /// The text of values that may stand in text; nil for secrets, lists, records, null and unknown.
  public var text: String? {
    switch self {
    case .string(let text), .url(let text): text
    case .integer(let number): String(number)
    case .boolean(let truth): truth ? "true" : "false"
    case .duration(let duration): DurationText.text(of: duration)
    case .timestamp(let date): Timestamp.text(date)
    case .credential(let name): name.rawValue
    case .store(let name): name.rawValue
    case .consumer(let name): name.rawValue
    case .repository(let name): name.rawValue
    case .tracker(let name): name.rawValue
    case .incident(let id): id.rawValue
    case .null, .unknown, .secret, .list, .record: nil
    }
  }

  /// True when this or a part of it is not known yet.
  public var hasUnknown: Bool {
    switch self {
    case .unknown: true
    case .list(let elements): elements.contains { $0.hasUnknown }
    case .record(let members): members.values.contains { $0.hasUnknown }
    case .null, .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .credential, .store,
      .consumer,
      .repository, .tracker, .incident:
      false
    }
  }

  /// Equality of the language: a name or URL equals the text that spells it.
  func isSame(as other: Value) -> Bool {
    if self == other { return true }
    switch (self, other) {
    case (.string(let text), _): return other.isTextual && other.text == text
    case (_, .string(let text)): return isTextual && self.text == text
    case (.list(let one), .list(let two)):
      return one.count == two.count && zip(one, two).allSatisfy { $0.isSame(as: $1) }
    default: return false
    }
  }

  private var isTextual: Bool {
    switch self {
    case .string, .url, .credential, .store, .consumer, .repository, .tracker, .incident: true
    case .null, .unknown, .integer, .boolean, .duration, .timestamp, .secret, .list, .record: false
    }
  }
}
