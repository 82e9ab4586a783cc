import Response

/// How long to wait before a child that died is started again: at once the first time, then 1, 2, 4 … 60 seconds, and at
/// once again after it has lived for a minute.
struct RestartPause: Equatable {
  private var failures = 0

  static let longest = Duration.seconds(60)
  /// A child that lived so long was well.
  static let healthy = Duration.seconds(60)

  /// - Parameter lived: how long the child ran until it died.
  mutating func next(afterLiving lived: Duration) -> Duration {
    if lived >= Self.healthy { failures = 0 }
    defer { failures += 1 }
    guard failures > 0 else { return .zero }
    return min(Self.longest, .seconds(1 << min(failures - 1, 6)))
  }
}
