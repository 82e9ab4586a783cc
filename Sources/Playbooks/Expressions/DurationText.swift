/// Durations as people write them: `500ms`, `30s`, `2m`, `1h30m`, `7d`.
public enum DurationText {
  private static let units: [(name: String, milliseconds: Int)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]

  /// The duration, or nil when `text` is none: each unit at most once, largest first, at most 10 years in all.
  public static func parse(_ text: String) -> Duration? {
    var rest = text[...]
    var total = 0
    var nextUnit = 0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      let name = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(name.count)
      guard let count = Int(digits), let unit = units.firstIndex(where: { $0.name == name }),
        unit >= nextUnit,
        count <= 315_360_000_000 / units[unit].milliseconds
      else { return nil }
      total += count * units[unit].milliseconds
      nextUnit = unit + 1
    }
    return total <= 315_360_000_000 ? .milliseconds(total) : nil
  }

  /// The shortest text that ``parse(_:)`` reads back; whole milliseconds, `0s` for nothing.
  public static func text(of duration: Duration) -> String {
    let parts = duration.components
    var rest = Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000)
    var text = ""
    for unit in units where rest >= unit.milliseconds {
      text += "\(rest / unit.milliseconds)\(unit.name)"
      rest %= unit.milliseconds
    }
    return text.isEmpty ? "0s" : text
  }
}
