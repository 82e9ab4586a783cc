import Foundation
import Incidents

/// Dates as scanners write them.
enum ReportedDate {
  /// RFC 3339; a day alone; Go's `2022-06-16 10:17:40 -0700 PDT`. Nil for anything else: a date is never required.
  static func date(_ text: String) -> Date? {
    if let date = Timestamp.date(text) { return date }
    let parts = text.split(separator: " ")
    if parts.count == 1, text.count == 10 { return Timestamp.date(text + "T00:00:00Z") }
    guard parts.count >= 3, parts[2].count == 5 else { return nil }
    let zone = parts[2].prefix(3) + ":" + parts[2].suffix(2)
    return Timestamp.date("\(parts[0])T\(parts[1].prefix(8))\(zone)")
  }
}
