import Foundation

/// What a metric came to. `unknown` is a legal value; zero is printed only when it was measured.
public enum MetricValue: Sendable, Hashable {
  case duration(Duration)
  /// It goes on: at least this long so far.
  case atLeast(Duration)
  /// Only an upper bound is known.
  case atMost(Duration)
  case between(Duration, Duration)
  /// A share of the whole, 0…1.
  case share(Double)
  case count(Int, of: Int)
  /// What the metric measures was looked for and did not occur.
  case none(String)
  case unknown(String)
  /// A negative duration: an instant is wrong. Printed, never clamped.
  case dataError(Duration, String)

  /// One cell of a table.
  public var text: String {
    switch self {
    case .duration(let duration): DurationText.text(duration)
    case .atLeast(let duration): "≥ \(DurationText.text(duration))"
    case .atMost(let duration): "≤ \(DurationText.text(duration))"
    case .between(let low, let high):
      DurationText.text(low) == DurationText.text(high)
        ? "\(DurationText.text(low)), its end known to within \(DurationText.text(high - low))"
        : "\(DurationText.text(low)) … \(DurationText.text(high))"
    // Rounded, but all is only what is all.
    case .share(let share): "\(share < 1 ? min(99, Int((share * 100).rounded())) : 100) %"
    case .count(let part, let whole): "\(part) of \(whole)"
    case .none(let reason): "none (\(reason))"
    case .unknown(let reason): "unknown (\(reason))"
    case .dataError(let duration, let reason): "data error: \(DurationText.text(duration)) (\(reason))"
    }
  }
}

/// Durations for people: the two largest units, `1 h 42 min`.
public enum DurationText {
  /// The text of `duration`; negative ones begin with a minus sign, parts of a second are shown below one minute.
  public static func text(_ duration: Duration) -> String {
    if duration < .zero { return "−" + text(.zero - duration) }
    let parts = duration.components
    let milliseconds = parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    let seconds = parts.seconds
    if seconds < 60 {
      let tenths = milliseconds % 1000 / 100
      return tenths == 0 ? "\(seconds) s" : "\(seconds).\(tenths) s"
    }
    if seconds < 3600 { return pair(seconds / 60, "min", seconds % 60, "s") }
    if seconds < 86_400 { return pair(seconds / 3600, "h", seconds % 3600 / 60, "min") }
    return pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h")
  }

  /// For how long ago something was, and how long it lasts already: in whole seconds, and never negative.
  public static func age(_ duration: Duration) -> String {
    let seconds = max(0, duration.components.seconds)
    return seconds == 0 ? "0 s" : text(.seconds(seconds))
  }

  private static func pair(_ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String) -> String
  {
    small == 0 ? "\(large) \(largeUnit)" : "\(large) \(largeUnit) \(small) \(smallUnit)"
  }
}
