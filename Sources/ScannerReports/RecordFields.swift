import JSON

/// Why a record is malformed: the member and what it should be, never its content.
struct RecordProblem: Error, Sendable {
  let because: String
  init(_ because: String) { self.because = because }
}

/// An object of a report, read member by member. `null` counts as absent; a wrong type is a problem, never ignored.
struct RecordFields: Sendable {
  private let members: [String: JSONValue]
  private let path: String

  /// - Parameter path: what the object is, for problems, for example `finding`.
  init(_ value: JSONValue?, _ path: String) throws(RecordProblem) {
    guard let members = value?.object else { throw RecordProblem("\(path) must be an object") }
    self.members = members
    self.path = path
  }

  private func value(_ name: String) -> JSONValue? {
    guard let value = members[name], value != .null else { return nil }
    return value
  }

  private func name(_ member: String) -> String { path.isEmpty ? member : "\(path).\(member)" }

  /// The member as it is; nil when absent.
  subscript(_ member: String) -> JSONValue? { value(member) }

  func has(_ member: String) -> Bool { value(member) != nil }

  /// Names of all members.
  var names: Set<String> { Set(members.keys) }

  /// Nil when absent or empty.
  func text(_ member: String) throws(RecordProblem) -> String? {
    guard let value = value(member) else { return nil }
    guard let text = value.string else { throw RecordProblem("\(name(member)) must be text") }
    return text.isEmpty ? nil : text
  }

  /// The first of `members` that is there.
  func text(anyOf members: String...) throws(RecordProblem) -> String? {
    for member in members {
      if let text = try text(member) { return text }
    }
    return nil
  }

  func requiredText(_ member: String) throws(RecordProblem) -> String {
    guard let text = try text(member) else { throw RecordProblem("\(name(member)) is missing") }
    return text
  }

  /// A whole number, nil when absent.
  func integer(_ member: String) throws(RecordProblem) -> Int? {
    guard let value = value(member) else { return nil }
    guard let number = value.integer else { throw RecordProblem("\(name(member)) must be a whole number") }
    return number
  }

  /// A line number: scanners write 0 or -1 for "none".
  func line(_ member: String) throws(RecordProblem) -> Int? {
    guard let number = try integer(member), number != 0, number != -1 else { return nil }
    guard number > 0 else { throw RecordProblem("\(name(member)) must not be negative") }
    return number
  }

  func boolean(_ member: String) throws(RecordProblem) -> Bool? {
    guard let value = value(member) else { return nil }
    guard let truth = value.boolean else { throw RecordProblem("\(name(member)) must be true or false") }
    return truth
  }

  func object(_ member: String) throws(RecordProblem) -> RecordFields? {
    guard let value = value(member) else { return nil }
    return try RecordFields(value, name(member))
  }

  func requiredObject(_ member: String) throws(RecordProblem) -> RecordFields {
    guard let object = try object(member) else { throw RecordProblem("\(name(member)) is missing") }
    return object
  }

  /// Empty when absent.
  func array(_ member: String) throws(RecordProblem) -> [JSONValue] {
    guard let value = value(member) else { return [] }
    guard let elements = value.array else { throw RecordProblem("\(name(member)) must be a list") }
    return elements
  }

  /// The elements of a list of objects; empty when absent.
  func objects(_ member: String) throws(RecordProblem) -> [RecordFields] {
    var objects: [RecordFields] = []
    for (index, element) in try array(member).enumerated() {
      objects.append(try RecordFields(element, "\(name(member))[\(index)]"))
    }
    return objects
  }
}
