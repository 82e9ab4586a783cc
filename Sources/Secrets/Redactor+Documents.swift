public import JSON

extension Redactor {
  /// A document that programs read, with every secret hidden in its free text and nothing else.
  ///
  /// Free text is what has white space in it, and the members of ``freeText``; in a finding's place a word is hidden from
  /// eight bytes on (``foreignNames``). Keys, enumerations, ids, digests and times are left alone: a leaked value may be an
  /// ordinary word (`postgres`, `steps`, `sev3`), and a document without them could not be read any more. A value that cannot
  /// be such a word is hidden there, too. Documents under a digest or a signature are not for this: see
  /// ``holdsSecret(document:)``.
  public func redact(document: JSONValue) -> JSONValue { redacted(document, hiding: .unmistakable) }

  /// Whether a document that must not be changed holds a registered secret that is no ordinary word.
  public func holdsSecret(document: JSONValue) -> Bool {
    redacted(document.canonicalText, hiding: .unmistakable) != document.canonicalText
  }

  /// Members of a finding's place (`locations`) that a report brings and nobody looks up again. A word of some length is
  /// hidden there; a short one (`src`, `main`) stays.
  private static let foreignNames: Set<String> = ["path", "rule", "url"]

  /// Members whose value people wrote or read, whatever is in it.
  private static let freeText: Set<String> = [
    "answer", "because", "body", "comment", "description", "detail", "error", "errors", "fix", "html",
    "line_text",
    "markdown", "message", "note", "output", "question", "reason", "subject", "summary", "text", "title",
    "what", "why",
  ]

  private static func hiding(in member: String, isPlace: Bool) -> Hiding {
    if freeText.contains(member) { return .everything }
    return isPlace && foreignNames.contains(member) ? .longWords : .unmistakable
  }

  private func redacted(_ value: JSONValue, hiding: Hiding, isPlace: Bool = false) -> JSONValue {
    switch value {
    case .null, .boolean, .integer, .number: value
    case .string(let text):
      .string(redacted(text, hiding: text.utf8.contains { $0 <= 0x20 } ? .everything : hiding))
    case .array(let elements): .array(elements.map { redacted($0, hiding: hiding, isPlace: isPlace) })
    case .object(let members):
      .object(
        Dictionary(
          members.map { key, value in
            (
              redacted(key, hiding: .unmistakable),
              redacted(
                value, hiding: Self.hiding(in: key, isPlace: isPlace), isPlace: isPlace || key == "locations")
            )
          }, uniquingKeysWith: { first, _ in first }))
    }
  }
}
