import PostMortems
import Testing

/// A sentence and whether a rule must point at it.
struct LintCase: Sendable, CustomTestStringConvertible {
  let text: String
  let isFound: Bool
  var testDescription: String { (isFound ? "found: " : "fine: ") + text }

  static func found(_ text: String) -> LintCase { LintCase(text: text, isFound: true) }
  static func fine(_ text: String) -> LintCase { LintCase(text: text, isFound: false) }
}

enum Lint {
  static func findings(_ text: String, names: [String] = [], findsSecret: ([UInt8]) -> Bool = { _ in false })
    -> [LintFinding]
  {
    BlamelessLint.check(text: text, file: "pm.md", evidenceNames: names, findsSecret: findsSecret)
  }

  /// Checks one rule on one text.
  static func expect(
    _ rule: String, _ level: LintLevel, _ test: LintCase, names: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = findings(test.text, names: names).filter { $0.rule == rule }
    #expect(found.isEmpty != test.isFound, "\(found)", sourceLocation: sourceLocation)
    #expect(found.allSatisfy { $0.level == level }, sourceLocation: sourceLocation)
  }
}
