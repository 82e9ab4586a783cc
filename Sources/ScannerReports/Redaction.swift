import Foundation
import Incidents

/// Values that a scanner has hidden.
enum Redaction {
  /// True for `REDACTED`, `[REDACTED:…]`, `abc...` and values masked with asterisks.
  static func isRedacted(_ value: String) -> Bool {
    value.contains("REDACTED") || value.hasSuffix("...") || value.contains("***")
      || value.contains("<redacted>")
  }

  /// What stands before and after the hidden value in its match.
  static func match(_ match: String, redacted: String) -> RedactedMatch? {
    guard let range = match.range(of: redacted) else { return nil }
    return RedactedMatch(
      before: String(match[..<range.lowerBound]), after: String(match[range.upperBound...]))
  }
}
