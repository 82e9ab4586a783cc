public import JSON

extension JSONValue {
  /// The text inside a tagged name such as `{"$repository": "models"}`; nil for everything else.
  package var untagged: String? {
    guard case .object(let members) = self, members.count == 1, let (tag, value) = members.first,
      tag.hasPrefix("$")
    else { return nil }
    return value.string ?? value.integer.map(String.init)
  }

  /// One line for people: text as it is, lists joined by commas, members as `name: value`.
  public var readable: String {
    if let untagged { return untagged }
    switch self {
    case .null: return "unknown"
    case .boolean(let value): return value ? "yes" : "no"
    case .integer(let value): return String(value)
    case .number(let value): return "\(value)"
    case .string(let text): return text
    case .array(let elements): return elements.map(\.readable).joined(separator: ", ")
    case .object(let members):
      return members.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.readable)" }
        .joined(separator: ", ")
    }
  }
}
