public import JSON

extension Redactor {
  /// A document that programs read, with every secret hidden in its free text and nothing else.
  ///
  /// Free text is what has white space in it, and the members of ``freeText``. Keys, enumerations, ids, digests and times are
  /// left alone: a leaked value may be an ordinary word (`postgres`, `steps`, `sev3`), and a document without them could not
  /// be read any more. A value that cannot be such a word is hidden there, too. Documents under a digest or a signature are
  /// not for this: see ``holdsSecret(document:)``.
  public func redact(document: JSONValue) -> JSONValue { redacted(document, isText: false) }

  /// Whether a document that must not be changed holds a registered secret that is no ordinary word.
  public func holdsSecret(document: JSONValue) -> Bool {
    redacted(document.canonicalText, hidesWords: false) != document.canonicalText
  }

  /// Members whose value people wrote or read, whatever is in it.
  private static let freeText: Set<String> = [
    "answer", "because", "body", "comment", "description", "detail", "error", "errors", "fix", "html",
    "line_text",
    "markdown", "message", "note", "output", "question", "reason", "subject", "summary", "text", "title",
    "what", "why",
  ]

  private func redacted(_ value: JSONValue, isText: Bool) -> JSONValue {
    switch value {
    case .null, .boolean, .integer, .number: value
    case .string(let text):
      .string(redacted(text, hidesWords: isText || text.utf8.contains { $0 <= 0x20 }))
    case .array(let elements): .array(elements.map { redacted($0, isText: isText) })
    case .object(let members):
      .object(
        Dictionary(
          members.map { key, value in
            (redacted(key, hidesWords: false), redacted(value, isText: Self.freeText.contains(key)))
          }, uniquingKeysWith: { first, _ in first }))
    }
  }
}
