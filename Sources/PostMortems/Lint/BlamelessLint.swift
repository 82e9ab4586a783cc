public import JSON

/// Checks the wording of a post-mortem: facts and conditions instead of blame, hindsight and empty phrases.
///
/// Code, links, block quotes and `<q>` quotations are skipped, except by the rules about names (quotes) and secrets
/// (everything). A rule is suppressed from `<!-- lint off BL03: reason -->` to `<!-- lint on BL03 -->` or to the end of
/// the section; the reason is mandatory, and BL90 and BL91 cannot be suppressed.
public enum BlamelessLint {
  /// Findings in the order of their place.
  ///
  /// - Parameters:
  ///   - file: the path to print.
  ///   - evidenceNames: names, logins and addresses that the run's evidence knows (BL05).
  ///   - findsSecret: true when bytes hold a secret of the run in any encoding (BL90), for example `Redactor.finds(in:)`.
  public static func check(
    text: String, file: String, evidenceNames: [String], findsSecret: ([UInt8]) -> Bool
  ) -> [LintFinding] {
    let document = LintDocument(text)
    var findings = suppressionFindings(document, file: file)
    for rule in LintRule.all(evidenceNames: evidenceNames) {
      for hit in rule.find(document) where !document.isSuppressed(rule, at: hit.range.lowerBound) {
        findings.append(finding(rule, hit, document, file: file))
      }
    }
    let secret = LintRule.leakedValue
    for range in LeakedValue.ranges(in: document, findsSecret: findsSecret) {
      findings.append(finding(secret, LintHit(range), document, file: file))
    }
    return findings.sorted { ($0.line, $0.column, $0.rule) < ($1.line, $1.column, $1.rule) }
  }

  /// True when `findings` fail the lint.
  public static func fails(_ findings: [LintFinding]) -> Bool { findings.contains { $0.level == .error } }

  /// `text` with every replacement that a finding offers: names become roles.
  public static func fixed(_ text: String, _ findings: [LintFinding]) -> String {
    var scalars = Array(text.unicodeScalars)
    // In the text as it is: findings count lines, whose ends it may write as CR LF.
    var lines = [0]
    for (index, scalar) in scalars.enumerated()
    where scalar == "\n" || (scalar == "\r" && !(index + 1 < scalars.count && scalars[index + 1] == "\n")) {
      lines.append(index + 1)
    }
    let fixes = findings.filter { $0.replacement != nil }
      .sorted { ($0.line, $0.column) > ($1.line, $1.column) }
    var end = scalars.count
    for fix in fixes {
      let start = lines[fix.line - 1] + fix.column - 1
      guard start + fix.length <= end, let replacement = fix.replacement else { continue }
      scalars.replaceSubrange(start..<(start + fix.length), with: Array(replacement.unicodeScalars))
      end = start
    }
    var result = String.UnicodeScalarView()
    result.append(contentsOf: scalars)
    return String(result)
  }

  /// What `staunch postmortem lint --json` prints; documented in docs/JSON.md.
  public static func document(_ findings: [LintFinding]) -> JSONValue {
    let counts = LintLevel.allCases.map { level in
      (level.rawValue + "s", JSONValue.integer(findings.count { $0.level == level }))
    }
    var members = Dictionary(counts, uniquingKeysWith: { first, _ in first })
    members["schema"] = 1
    members["findings"] = .array(findings.map(\.json))
    return .object(members)
  }

  private static func finding(_ rule: LintRule, _ hit: LintHit, _ document: LintDocument, file: String)
    -> LintFinding
  {
    let (line, column) = document.position(of: hit.range.lowerBound)
    // A secret is never quoted, not even in part.
    let quoted = rule.mayQuote ? "\"\(document.excerpt(hit.range))\" " : ""
    return LintFinding(
      file: file, line: line, column: column, level: rule.level, rule: rule.id,
      message: "\(quoted)\(rule.why); \(hit.suggestion ?? rule.suggestion)", replacement: hit.replacement,
      length: hit.range.count)
  }

  private static func suppressionFindings(_ document: LintDocument, file: String) -> [LintFinding] {
    document.comments.compactMap { comment in
      let problem: String? =
        if !LintRule.ids.contains(comment.rule) {
          "there is no rule \(comment.rule)"
        } else if comment.isOff, ["BL90", "BL91"].contains(comment.rule) {
          "\(comment.rule) cannot be suppressed"
        } else if comment.isOff, comment.reason.isEmpty {
          "a suppression needs its reason: <!-- lint off \(comment.rule): reason -->"
        } else {
          nil
        }
      guard let problem else { return nil }
      let (line, column) = document.position(of: comment.offset)
      return LintFinding(
        file: file, line: line, column: column, level: .error, rule: "BL00", message: problem,
        replacement: nil,
        length: comment.length)
    }
  }
}
