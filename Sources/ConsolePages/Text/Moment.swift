import Foundation
import Incidents

/// An instant on a page: exact for machines, UTC for people, and how long ago.
struct Moment: Sendable {
  let iso: String
  let clock: String
  let ago: String

  init(_ date: Date, now: Date) {
    iso = Timestamp.text(date)
    clock = Moment.clock(iso, now: Timestamp.text(now))
    let distance = Int(now.timeIntervalSince(date).rounded(.down))
    ago = distance < 0 ? "in \(ConsoleText.span(-distance))" : "\(ConsoleText.span(distance)) ago"
  }

  /// Nil when `text` names no instant.
  init?(_ text: String?, now: Date) {
    guard let date = text.flatMap(Timestamp.date) else { return nil }
    self.init(date, now: now)
  }

  /// The time alone on the same day, else the date too.
  private static func clock(_ iso: String, now: String) -> String {
    let time = iso.dropFirst(11).prefix(8) + "Z"
    return iso.prefix(10) == now.prefix(10) ? String(time) : "\(iso.prefix(10)) \(time)"
  }
}
