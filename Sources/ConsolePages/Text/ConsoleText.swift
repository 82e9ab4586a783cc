import Foundation
import Mustache

/// Text on its way into a page. It may come from a commit, a file name, a provider or a person, so it is never trusted.
enum ConsoleText {
  /// `text` without what a reader cannot see: control characters, and the invisible ones that reorder or hide text
  /// (Unicode TR36, "Trojan Source"). Line breaks and tabs stay.
  static func visible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x09, 0x0A: result.append(scalar)
      case 0x0D, 0x2028, 0x2029: result.append("\n")
      case 0x00...0x1F, 0x7F...0x9F, 0x00AD, 0x061C, 0x180E, 0x200B...0x200F, 0x202A...0x202E,
        0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFC, 0xE0000...0xE007F:
        result.append("\u{FFFD}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// Text for HTML, also inside a double-quoted attribute.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in visible(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// `text` as one segment of a path: RFC 3986 unreserved characters, everything else as percent escapes.
  static func pathSegment(_ text: String) -> String {
    text.utf8.reduce(into: "") { result, byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default: result += String(format: "%%%02X", Int(byte))
      }
    }
  }

  /// `12 s`, `4 min 05 s`, `3 h 12 min`, `2 d 4 h`: the words of `staunch status`, and of console.js.
  static func span(_ seconds: Int) -> String {
    let seconds = max(0, seconds)
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60) min \(twoDigits(seconds % 60)) s" }
    if seconds < 86400 { return "\(seconds / 3600) h \(twoDigits(seconds / 60 % 60)) min" }
    return "\(seconds / 86400) d \(seconds / 3600 % 24) h"
  }

  /// `850 ms` below a second, else as ``span(_:)``.
  static func took(milliseconds: Int) -> String {
    milliseconds < 1000 ? "\(max(0, milliseconds)) ms" : span(milliseconds / 1000)
  }

  static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(number) \(number == 1 ? one : many ?? one + "s")"
  }

  /// `10,000`.
  static func number(_ number: Int) -> String {
    var digits = String(abs(number))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }

  private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// The escaping of `{{name}}` in the console's templates: it belongs to the kind of document, not to the care of whoever
/// writes a template.
struct ConsoleContentType: MustacheContentType {
  static let name = "CONSOLE"
  func escapeText(_ text: String) -> String { ConsoleText.escaped(text) }
}
