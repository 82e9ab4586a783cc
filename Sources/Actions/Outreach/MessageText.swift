import Capabilities

/// The words of a message: neutral where everyone can read them and the secret still works, never addressed to a person.
struct MessageText: Sendable {
  static let neutralTitle = NeutralMessage.title
  static let neutralBody = NeutralMessage.body

  let brief: IncidentBrief
  let isPublic: Bool
  let isDrill: Bool

  private var isNeutral: Bool { isPublic && !brief.isContained }

  /// - Parameter given: the playbook's; the incident's codename when nil.
  func title(_ given: String?) -> String {
    let text = isNeutral ? Self.neutralTitle : Self.harmless(given ?? brief.codename).oneLine
    return (isDrill ? "DRILL: " : "") + text.prefix(200)
  }

  /// - Parameter given: the playbook's; the state of the run when nil.
  func body(_ given: String?) -> String {
    let text = isNeutral ? Self.neutralBody : Self.harmless(given ?? brief.state)
    return isDrill ? "**DRILL: nothing here is real.**\n\n\(text)" : text
  }

  /// `text` without mentions of people: an `@` that starts a handle or stands in an address becomes `(at)`.
  static func harmless(_ text: String) -> String {
    text.replacing(/@(?=[A-Za-z0-9])/, with: "(at)").trimmingSpaces
  }
}

extension String {
  fileprivate var oneLine: String { split(whereSeparator: \.isNewline).joined(separator: " ") }
  fileprivate var trimmingSpaces: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
