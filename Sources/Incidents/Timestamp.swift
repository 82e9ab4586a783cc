public import Foundation

/// Instants as text: RFC 3339 in UTC with milliseconds, `2026-11-24T03:00:00.000Z`.
public enum Timestamp {
  /// The text of `date`.
  public static func text(_ date: Date) -> String {
    date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }

  /// The instant that `text` names, with or without fractional seconds or an offset; nil when it names none.
  public static func date(_ text: String) -> Date? {
    // Each style accepts one shape; a miss is not an error.
    if let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) {
      return date
    }
    return try? Date(text, strategy: Date.ISO8601FormatStyle())
  }
}
