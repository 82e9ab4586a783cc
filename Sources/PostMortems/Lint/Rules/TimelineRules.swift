/// Rules for rows of a timeline and for sections that must not stay empty.
extension LintRule {
  /// BL21: a row that nobody can check.
  static var unverifiableRow: LintRule {
    LintRule(
      id: "BL21", level: .error, why: "cannot be verified",
      suggestion: "begin with a UTC instant (2026-11-24T03:00:00Z) and link the evidence, or tag it entered"
    ) { document in
      document.sections.filter { $0.kind == .timeline }.flatMap { section in
        rows(of: section, document).filter { !isVerifiable($0.text) }.map { LintHit($0.range) }
      }
    }
  }

  /// BL23: only what went wrong is told.
  static var emptyLessons: LintRule {
    LintRule(
      id: "BL23", level: .suggestion, why: "is empty",
      suggestion: "ask: what worked as hoped, and what kept this from being worse?"
    ) { document in
      document.sections.filter { section in
        // A heading above such sections says nothing itself.
        section.kind == .lessons
          && !document.sections.contains {
            $0.lines.lowerBound > section.lines.lowerBound && section.lines.contains($0.lines.lowerBound)
          }
      }
      .filter { isEmpty($0, document) }
      .map { section in
        let start = document.lineStarts[section.lines.lowerBound]
        return LintHit(start..<(start + document.line(section.lines.lowerBound).unicodeScalars.count))
      }
    }
  }

  private static func rows(of section: LintSection, _ document: LintDocument) -> [(
    text: String, range: Range<Int>
  )] {
    let tables = MarkdownTable.all(in: document, lines: section.lines).flatMap(\.rows)
      .map { (text: $0.cells.joined(separator: "|"), range: $0.range) }
    let items = section.lines.compactMap { index -> (text: String, range: Range<Int>)? in
      let line = document.line(index)
      guard let match = line.firstMatch(of: /^\s*(?:[-*+]|[0-9]+[.)])\s+(.+)$/) else { return nil }
      let start = document.lineStarts[index]
      return (String(match.output.1), start..<(start + line.unicodeScalars.count))
    }
    return tables + items
  }

  private static func isVerifiable(_ row: String) -> Bool {
    let instant =
      /^\s*`?[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z| ?UTC)/
    guard row.contains(instant) else { return false }
    return row.contains(/\]\([^)]+\)|https?:\/\/|\bentered\b/)
  }

  /// True when nothing stands there but comments and prompts (a line of emphasis that ends with a question).
  private static func isEmpty(_ section: LintSection, _ document: LintDocument) -> Bool {
    section.lines.dropFirst().allSatisfy { index in
      document.line(index).replacing(/<!--.*?-->/, with: "").replacing(/_[^_]*\?_/, with: "")
        .allSatisfy(\.isWhitespace)
    }
  }
}
