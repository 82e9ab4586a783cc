public import Capabilities
import Incidents

extension Value {
  /// This value as a value of `type`, or nil when it is none.
  ///
  /// Text becomes a name, URL, duration or time where one is declared; nothing becomes a secret, and a secret becomes
  /// nothing else but a list of itself: one leaked value is where several are taken, and a list of one where one is. Lists
  /// of secrets in a list are joined.
  /// Unknown stays unknown.
  public func coerced(to type: ValueType) -> Value? {
    if self == .unknown { return self }
    switch (type, self) {
    case (.any, _): return holdsSecret ? nil : self
    case (.string, .string), (.integer, .integer), (.boolean, .boolean), (.duration, .duration),
      (.timestamp, .timestamp), (.url, .url), (.secret, .secret), (.credential, .credential),
      (.store, .store),
      (.consumer, .consumer), (.repository, .repository), (.tracker, .tracker), (.incident, .incident):
      return self
    case (.string, .url(let text)): return .string(text)
    case (.url, .string(let text)): return Self.isURL(text) ? .url(text) : nil
    case (.duration, .string(let text)): return DurationText.parse(text).map { .duration($0) }
    case (.timestamp, .string(let text)): return Timestamp.date(text).map { .timestamp($0) }
    case (.credential, .string(let text)) where !text.isEmpty: return .credential(CredentialName(text))
    case (.store, .string(let text)) where !text.isEmpty: return .store(StoreName(text))
    case (.consumer, .string(let text)) where !text.isEmpty: return .consumer(ConsumerName(text))
    case (.repository, .string(let text)) where !text.isEmpty: return .repository(RepositoryName(text))
    case (.tracker, .string(let text)) where !text.isEmpty: return .tracker(TrackerName(text))
    case (.incident, .string(let text)) where !text.isEmpty: return .incident(IncidentID(text))
    case (.list(.secret), .list(let values)):
      var joined: [Value] = []
      for value in values {
        switch value.coerced(to: type) {
        case .list(let inner)?: joined += inner
        case .unknown?: joined.append(.unknown)
        default: return nil  // no secret
        }
      }
      return .list(joined)
    case (.list(let element), .list(let values)):
      var coerced: [Value] = []
      for value in values {
        guard let value = value.coerced(to: element) else { return nil }
        coerced.append(value)
      }
      return .list(coerced)
    case (.list(.secret), .secret): return .list([self])
    case (.secret, .list(let values)) where values.count == 1: return values[0].coerced(to: type)
    default: return nil  // every other pair is a mismatch
    }
  }

  /// True when a secret handle stands anywhere in it.
  var holdsSecret: Bool {
    switch self {
    case .secret: true
    case .list(let elements): elements.contains(where: \.holdsSecret)
    case .record(let members): members.values.contains(where: \.holdsSecret)
    case .null, .unknown, .string, .integer, .boolean, .duration, .timestamp, .url, .credential, .store,
      .consumer, .repository, .tracker, .incident:
      false
    }
  }

  /// `scheme://` and something behind it.
  private static func isURL(_ text: String) -> Bool {
    guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else { return false }
    let rest = text[colon...]
    return text[..<colon].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
      && rest.hasPrefix("://") && rest.count > 3 && !text.contains(where: \.isWhitespace)
  }
}

extension ValueType {
  /// Reads the playbook's spelling (`list<consumer>`); nil when it is none.
  public init?(_ text: String) {
    if text.hasPrefix("list<"), text.hasSuffix(">") {
      guard let element = ValueType(String(text.dropFirst(5).dropLast())) else { return nil }
      self = .list(element)
      return
    }
    guard let simple = ValueType.simple.first(where: { $0.description == text }) else { return nil }
    self = simple
  }

  /// Every type but lists, in the order of the reference.
  public static let simple: [ValueType] = [
    .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .credential, .store, .consumer,
    .repository, .tracker, .incident, .any,
  ]

  /// True when a value of `source` may be handed to an input of this type (text may turn out wrong only at run time
  /// when the source is `any`).
  func accepts(_ source: ValueType) -> Bool {
    switch (self, source) {
    case (_, _) where self == source: true
    case (.any, _): !source.holdsSecret
    case (_, .any): !holdsSecret
    case (.string, .url): true
    case (.list(let element), .list(let other)): element.accepts(other)
    case (.list(.secret), .secret): true
    default: false  // different types do not mix
    }
  }
}
