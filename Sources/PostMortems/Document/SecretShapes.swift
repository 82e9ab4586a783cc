/// Shapes of credentials that many providers share: what must never stand in a report, whoever wrote it there.
///
/// A short list of unmistakable prefixes. The scanners know more; this one guards text that people paste. Values that stand
/// for a credential (documentation's examples, masks, variables, ``SecretPlaceholder``) are none.
enum SecretShapes {
  /// Ranges of text that look like a credential.
  static func ranges(in text: String) -> [Range<String.Index>] {
    let tokens =
      text.matches(of: /\bsk-[A-Za-z0-9_\-]{20,}/).filter { hasKeyPart($0.output) }.map(\.range)
      + text.matches(of: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/).map(\.range)
      + text.matches(of: /\bgh[pousr]_[A-Za-z0-9]{36,}/).map(\.range)
      + text.matches(of: /\bgithub_pat_[A-Za-z0-9_]{40,}/).map(\.range)
      + text.matches(of: /\bglpat-[A-Za-z0-9_\-]{20,}/).map(\.range)
      + text.matches(of: /\bxox[abeoprs]-[A-Za-z0-9\-]{10,}/).map(\.range)
      + text.matches(of: /\bAIza[A-Za-z0-9_\-]{35}/).map(\.range)
      + text.matches(of: /\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}/).map(\.range)
      + text.matches(of: /\bhf_[A-Za-z0-9]{30,}/).map(\.range)
      + text.matches(of: /\beyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}/).map(\.range)
      // A webhook address is itself a credential.
      + text.matches(of: /https:\/\/hooks\.slack\.com\/services\/[A-Za-z0-9\/]{20,}/).map(\.range)
      + text.matches(of: /https:\/\/discord(?:app)?\.com\/api\/webhooks\/[0-9]+\/[A-Za-z0-9_\-]{20,}/).map(
        \.range)
    let passwords = text.matches(of: /\b[a-z][a-z0-9+]*:\/\/[^\s:\/@]*:([^\s\/@]+)@[^\s\/@]+/)
      .filter { !SecretPlaceholder.isPassword($0.output.1) }.map(\.range)
    let found = tokens.filter { !SecretPlaceholder.isToken(text[$0]) } + passwords + keys(in: text)
    // A shape inside another (a token in a URL) is part of it.
    return found.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { result, range in
      if result.last.map({ $0.upperBound <= range.lowerBound }) ?? true { result.append(range) }
    }
  }

  /// `sk-` begins words, too: of a key one part is long and mixes letters and digits.
  private static func hasKeyPart(_ token: Substring) -> Bool {
    token.split(separator: "-").contains { part in
      part.count >= 16 && part.contains(where: \.isNumber) && part.contains(where: \.isLetter)
    }
  }

  /// Private keys with their text; the line that begins one says only what a scanner looks for.
  private static func keys(in text: String) -> [Range<String.Index>] {
    text.matches(of: /-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----/).compactMap { match in
      let rest = text[match.range.upperBound...].prefix(20_000)
      let end = rest.firstMatch(of: /-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----/)
      let body = end.map { rest[..<$0.range.lowerBound] } ?? rest
      guard let line = body.firstMatch(of: /[A-Za-z0-9+\/=]{32,}/), Set(line.output).count > 8 else {
        return nil
      }
      return match.range.lowerBound..<(end?.range.upperBound ?? line.range.upperBound)
    }
  }

  /// `text` with a mark in the place of everything that looks like a credential.
  static func removed(from text: String) -> String {
    var result = text
    for range in ranges(in: text).reversed() {
      result.replaceSubrange(range, with: "[REDACTED]")
    }
    return result
  }
}

/// Text in the place of a credential: of documentation, of a mask, of a template.
enum SecretPlaceholder {
  /// True for `AKIAIOSFODNN7EXAMPLE`, `ghp_xxxx…` and what a redactor leaves.
  static func isToken(_ text: Substring) -> Bool {
    let lower = text.lowercased()
    let words = [
      "example", "placeholder", "redacted", "removed", "xxxxxxxx", "00000000", "your-", "your_", "…", "...",
    ]
    return words.contains(where: lower.contains)
  }

  /// What stands between `:` and `@` of an address.
  static func isPassword(_ text: Substring) -> Bool {
    if text.contains("REMOVED") || text.contains("REDACTED") || text.contains("…") || text.contains("%s") {
      return true
    }
    let pairs = [
      ("<", ">"), ("${", "}"), ("$(", ")"), ("{{", "}}"), ("{", "}"), ("%(", ")s"), ("[", "]"), ("#{", "}"),
    ]
    if pairs.contains(where: { text.hasPrefix($0.0) && text.hasSuffix($0.1) }) { return true }
    // Shell's `$DB_PASSWORD`, cmd's `%DB_PASSWORD%`.
    if text.wholeMatch(of: /\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%/) != nil { return true }
    if text.allSatisfy({ "*xX.•#?-_".contains($0) }) { return true }
    if text.contains("***") { return true }
    let words: Set = [
      "password", "passwd", "pass", "pwd", "secret", "token", "changeme", "example", "placeholder", "hidden",
      "masked",
    ]
    let lower = text.lowercased()
    return words.contains(lower) || lower.hasPrefix("your-") || lower.hasPrefix("your_")
  }
}
