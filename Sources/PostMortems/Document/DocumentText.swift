import Mustache

/// Text on its way into a document. It may come from a commit, a file name, a provider or a person, so it is never
/// trusted: control characters are gone, and the template's kind of document escapes the rest.
struct DocumentText: Sendable, Hashable, CustomStringConvertible {
  private let clean: String

  /// One line: line breaks and tabs become spaces.
  init(_ text: String) { clean = DocumentText.stripped(text, keepingLines: false) }

  /// Keeps line breaks, for what people wrote.
  init(paragraphs text: String) { clean = DocumentText.stripped(text, keepingLines: true) }

  var description: String { clean }

  /// `text` without control characters and without the invisible ones that reorder or hide text (Unicode TR36, "Trojan Source").
  static func stripped(_ text: String, keepingLines: Bool) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0A where keepingLines: result.append(scalar)
      case 0x09, 0x0A, 0x0D, 0x2028, 0x2029: result.append(" ")
      case 0x00...0x1F, 0x7F...0x9F: continue
      case 0x00AD, 0x061C, 0x180E, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFC,
        0xE0000...0xE007F:
        continue
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}

extension DocumentText: ExpressibleByStringInterpolation {
  init(stringLiteral value: String) { self.init(value) }
}

extension DocumentText: MustacheTransformable {
  /// `{{{code(name)}}}` in a Markdown template: the text as a code span, nothing in it is markup.
  func transform(_ name: String) -> Any? {
    switch name {
    case "code": MarkdownText.codeSpan(clean)
    default: nil  // Mustache renders an unknown transform as nothing
    }
  }
}
