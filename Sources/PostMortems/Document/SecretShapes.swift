/// Shapes of credentials that many providers share: what must never stand in a report, whoever wrote it there.
///
/// A short list of unmistakable prefixes. The scanners know more; this one guards text that people paste.
enum SecretShapes {
  /// Ranges of text that look like a credential.
  static func ranges(in text: String) -> [Range<String.Index>] {
    let found =
      text.matches(of: /\bsk-[A-Za-z0-9_\-]{20,}/).map(\.range)
      + text.matches(of: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/).map(\.range)
      + text.matches(of: /\bgh[pousr]_[A-Za-z0-9]{36,}/).map(\.range)
      + text.matches(of: /\bgithub_pat_[A-Za-z0-9_]{40,}/).map(\.range)
      + text.matches(of: /\bglpat-[A-Za-z0-9_\-]{20,}/).map(\.range)
      + text.matches(of: /\bxox[abeoprs]-[A-Za-z0-9\-]{10,}/).map(\.range)
      + text.matches(of: /\bAIza[A-Za-z0-9_\-]{35}/).map(\.range)
      + text.matches(of: /\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}/).map(\.range)
      + text.matches(of: /\bhf_[A-Za-z0-9]{30,}/).map(\.range)
      + text.matches(of: /\beyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}/).map(\.range)
      + text.matches(of: /-----BEGIN [A-Z ]*PRIVATE KEY-----/).map(\.range)
      + text.matches(of: /\b[a-z][a-z0-9+]*:\/\/[^\s:\/@]+:[^\s\/@]+@[^\s\/@]+/).map(\.range)
      // A webhook address is itself a credential.
      + text.matches(of: /https:\/\/hooks\.slack\.com\/services\/[A-Za-z0-9\/]{20,}/).map(\.range)
      + text.matches(of: /https:\/\/discord(?:app)?\.com\/api\/webhooks\/[0-9]+\/[A-Za-z0-9_\-]{20,}/).map(
        \.range)
    // A shape inside another (a token in a URL) is part of it.
    return found.filter { !isPlaceholder(text[$0]) }.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: [])
    { result, range in
      if result.last.map({ $0.upperBound <= range.lowerBound }) ?? true { result.append(range) }
    }
  }

  /// What a rewrite or a redactor left: `postgres://app:***REMOVED***@db` holds no secret any more.
  private static func isPlaceholder(_ match: Substring) -> Bool {
    match.contains("REMOVED") || match.contains("REDACTED") || match.contains("…")
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
