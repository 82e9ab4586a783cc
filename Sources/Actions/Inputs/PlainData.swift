import Capabilities
import Incidents
import JSON

extension Value {
  /// JSON from outside as a value. A member named `$…` could pass for one of our tagged values (a secret's handle),
  /// so the sign is replaced.
  static func data(_ json: JSONValue) -> Value {
    switch json {
    case .null: .null
    case .boolean(let truth): .boolean(truth)
    case .integer(let number): .integer(number)
    case .number(let number): .string("\(number)")
    case .string(let text): .string(text)
    case .array(let elements): .list(elements.map(Value.data))
    case .object(let members):
      .record(
        Dictionary(
          members.map { ($0.key.hasPrefix("$") ? "_" + $0.key.dropFirst() : $0.key, Value.data($0.value)) },
          uniquingKeysWith: { first, _ in first }))
    }
  }

  /// This value as plain JSON for a body; nil when it holds a secret's handle or something unknown.
  var plainJSON: JSONValue? {
    switch self {
    case .null: return .null
    case .unknown, .secret: return nil
    case .string(let text), .url(let text): return .string(text)
    case .integer(let number): return .integer(number)
    case .boolean(let truth): return .boolean(truth)
    case .duration(let duration): return .integer(duration.milliseconds)
    case .timestamp(let date): return .string(Timestamp.text(date))
    case .credential(let name): return .string(name.rawValue)
    case .store(let name): return .string(name.rawValue)
    case .consumer(let name): return .string(name.rawValue)
    case .repository(let name): return .string(name.rawValue)
    case .tracker(let name): return .string(name.rawValue)
    case .incident(let id): return .string(id.rawValue)
    case .list(let elements):
      let plain = elements.compactMap(\.plainJSON)
      return plain.count == elements.count ? .array(plain) : nil
    case .record(let members):
      let plain = members.compactMapValues(\.plainJSON)
      return plain.count == members.count ? .object(plain) : nil
    }
  }
}
