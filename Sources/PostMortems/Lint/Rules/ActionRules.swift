/// Rules for the section of action items: a row (or a list item) is one action.
extension LintRule {
  /// BL12: asking people to try harder is no control.
  static var exhortation: LintRule {
    .phrase(
      "BL12", .warning, why: "is no control", suggestion: "name a mechanism with a done-test", in: .actions,
      [
        /(?i)\bbe\s+more\s+careful\b/, /(?i)\bpay\s+(?:more\s+|closer\s+)?attention\b/,
        /(?i)\bremind(?:s|ed|ing|ers?)?\b/, /(?i)\bre-?train(?:s|ed|ing)?\b/,
        /(?i)\brais(?:e|es|ing)\s+awareness\b/,
      ])
  }

  /// BL13: an action that cannot be finished.
  static var actionable: LintRule {
    LintRule(
      id: "BL13", level: .warning, why: "is not actionable", suggestion: "write a verb with a bounded outcome"
    ) { document in
      ActionRow.all(in: document).flatMap { row -> [LintHit] in
        var hits: [LintHit] = []
        if row.action.contains(/^(?i)(?:investigate|look\s+into|consider|improve)\b/) {
          hits.append(LintHit(row.range))
        }
        if !row.missing.isEmpty {
          hits.append(LintHit(row.range, suggestion: "give it \(row.missing.joined(separator: ", "))"))
        }
        return hits
      }
    }
  }
}

/// One action of the section.
private struct ActionRow {
  let action: String
  /// Of `an owner role`, `a ticket`, `a done-test`.
  let missing: [String]
  let range: Range<Int>

  static func all(in document: LintDocument) -> [ActionRow] {
    document.sections.filter { $0.kind == .actions }.flatMap { section in
      rows(section, document) + items(section, document)
    }
  }

  private static func rows(_ section: LintSection, _ document: LintDocument) -> [ActionRow] {
    MarkdownTable.all(in: document, lines: section.lines).flatMap { table in
      table.rows.map { row in
        let wanted = [("an owner role", "owner"), ("a ticket", "ticket"), ("a done-test", "done")]
        let missing = wanted.filter { _, word in
          table.column(word).map { row.cell($0).isEmpty } ?? true
        }
        return ActionRow(action: row.cell(0), missing: missing.map(\.0), range: row.range)
      }
    }
  }

  private static func items(_ section: LintSection, _ document: LintDocument) -> [ActionRow] {
    section.lines.compactMap { index in
      let line = document.line(index)
      guard let match = line.firstMatch(of: /^\s*(?:[-*+]|[0-9]+[.)])\s+(?:\[[ x]\]\s+)?(.+)$/) else {
        return nil
      }
      let action = String(match.output.1)
      let wanted = [("an owner role", "owner"), ("a ticket", "ticket"), ("a done-test", "done")]
      let missing = wanted.filter { !action.lowercased().contains($0.1) }
      let start = document.lineStarts[index]
      return ActionRow(
        action: action, missing: missing.map(\.0), range: start..<(start + line.unicodeScalars.count))
    }
  }
}
