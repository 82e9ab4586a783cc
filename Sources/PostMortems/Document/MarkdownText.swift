import Mustache

/// Makes text inert in Markdown (CommonMark with GitHub's tables, strike-through and autolinks).
/// Source: GitHub Flavored Markdown Spec, §2.4 backslash escapes, §6.9 autolinks.
enum MarkdownText {
  /// `text` so that it reads as itself inside a paragraph, a list item or a table cell.
  static func escaped(_ text: String) -> String {
    var result = ""
    let characters = Array(text.unicodeScalars)
    for (index, scalar) in characters.enumerated() {
      if isMarkup(scalar, at: index, in: characters) { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return result
  }

  /// `text` as a code span that also holds inside a table cell.
  static func codeSpan(_ text: String) -> String {
    guard !text.isEmpty else { return "" }
    var longest = 0
    var current = 0
    for character in text {
      current = character == "`" ? current + 1 : 0
      longest = max(longest, current)
    }
    let fence = String(repeating: "`", count: longest + 1)
    let pad = text.hasPrefix("`") || text.hasSuffix("`") || text.allSatisfy { $0 == " " } ? " " : ""
    // A table splits at every bar that is not escaped, code spans included (GFM §4.10).
    return fence + pad + text.replacing("|", with: "\\|") + pad + fence
  }

  private static func isMarkup(_ scalar: Unicode.Scalar, at index: Int, in text: [Unicode.Scalar]) -> Bool {
    let next = index + 1 < text.count ? text[index + 1] : " "
    switch scalar {
    case "\\", "`", "*", "_", "[", "]", "<", ">", "|", "~", "$": return true
    case "&": return next == "#" || next.properties.isAlphabetic
    // Without these two a bare address becomes a link.
    case ":": return next == "/"
    case ".", ")":
      let before = text[..<index]
      let startsAddress = before.suffix(3).map { $0.properties.lowercaseMapping } == ["w", "w", "w"]
      return scalar == "." && startsAddress
        || next == " " && !before.isEmpty && before.allSatisfy { ("0"..."9").contains($0) }
    // These begin a heading, a list or an underline only in the first place.
    case "#", "-", "+", "=": return index == 0
    default: return false  // an ordinary character
    }
  }
}

/// The escaping of `{{name}}` in Markdown templates.
struct MarkdownContentType: MustacheContentType {
  static let name = "MARKDOWN"
  func escapeText(_ text: String) -> String { MarkdownText.escaped(text) }
}
