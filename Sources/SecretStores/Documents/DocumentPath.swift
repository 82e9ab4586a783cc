/// Where a value stands in a document: `database.password`, `servers.0.token`, `"a.b".key`.
///
/// Steps are divided by dots; a list's elements are counted from 0. A step of other characters than letters, digits, `_` and
/// `-` stands in double quotes, with `\"` and `\\` inside. Each path has one spelling, so that paths can be compared as text.
struct DocumentPath: Hashable, Sendable, CustomStringConvertible {
  let steps: [String]

  init(_ steps: [String]) { self.steps = steps }

  /// Nil: it is no path, or another spelling of one.
  init?(_ text: String) {
    var steps: [String] = []
    var rest = text.unicodeScalars[...]
    while true {
      guard let step = Self.step(&rest) else { return nil }
      steps.append(step)
      if rest.isEmpty { break }
      guard rest.popFirst() == "." else { return nil }
    }
    self.steps = steps
    guard description == text else { return nil }
  }

  private static func step(_ rest: inout Substring.UnicodeScalarView) -> String? {
    var step = String.UnicodeScalarView()
    guard rest.first == "\"" else {
      while let next = rest.first, next != "." {
        step.append(next)
        rest.removeFirst()
      }
      return isBare(String(step)) ? String(step) : nil
    }
    rest.removeFirst()
    while let next = rest.popFirst() {
      switch next {
      case "\"": return String(step)
      case "\\":
        guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else { return nil }
        step.append(escaped)
      default: step.append(next)
      }
    }
    return nil
  }

  private static func isBare(_ step: String) -> Bool {
    !step.isEmpty
      && step.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
          || $0 == 0x2D
      }
  }

  var description: String {
    steps.map { step in
      if Self.isBare(step) { return step }
      let escaped = step.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      return "\"\(escaped)\""
    }.joined(separator: ".")
  }

  var last: String { steps.last ?? "" }
  var parent: DocumentPath { DocumentPath(Array(steps.dropLast())) }
  func appending(_ step: String) -> DocumentPath { DocumentPath(steps + [step]) }
}
