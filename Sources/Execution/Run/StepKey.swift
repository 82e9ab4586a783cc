import Capabilities
import Incidents
import JSON

/// A step, or one item of its loop.
struct StepKey: Hashable, Sendable, CustomStringConvertible {
  let step: StepID
  /// From 0; nil outside a loop.
  let item: Int?

  init(_ step: StepID, _ item: Int? = nil) {
    self.step = step
    self.item = item
  }

  /// What an event names; nil when it names no step.
  init?(named step: StepID?, _ item: Int?) {
    guard let step else { return nil }
    self.init(step, item)
  }

  /// The effect that takes this one back. A slash cannot stand in a playbook's ids.
  var undo: StepKey { StepKey(StepID("\(step)/undo"), item) }

  var description: String { item.map { "\(step)[\($0)]" } ?? "\(step)" }

  /// `step, item?` and `more`.
  func body(_ more: [String: JSONValue] = [:]) -> JSONValue {
    var members = more
    members["step"] = .string(step.rawValue)
    if let item { members["item"] = .integer(item) }
    return .object(members)
  }
}

/// Numbers of items, one bit each: 100,000 done items take 12 kB.
struct ItemSet: Sendable {
  private var words: [UInt64] = []
  private(set) var count = 0

  func contains(_ item: Int) -> Bool {
    let word = item >> 6
    return word < words.count && words[word] & (1 << UInt64(item & 63)) != 0
  }

  mutating func insert(_ item: Int) {
    guard !contains(item) else { return }
    let word = item >> 6
    if word >= words.count { words += Array(repeating: 0, count: word + 1 - words.count) }
    words[word] |= 1 << UInt64(item & 63)
    count += 1
  }
}
