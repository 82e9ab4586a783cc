import Foundation
import Incidents

/// Which runs may begin now: at most two that rotate at the same provider, so that a storm of leaks of one kind does not meet the
/// provider's limits, and so many in all.
///
/// A run that takes longer than ``patience`` gives its place to others and goes on: one that hangs holds nobody up.
struct RunSlots {
  private struct Running {
    let provider: String?
    let since: Date
  }

  private static let perProvider = 2
  private static let atOnce = 8
  /// Of those that have given their place away, too.
  private static let most = 256
  /// Seconds.
  static let patience: TimeInterval = 60

  private var running: [RunID: Running] = [:]

  func contains(_ run: RunID) -> Bool { running[run] != nil }
  var runs: Set<RunID> { Set(running.keys) }

  /// Whether one that rotates at `provider` may begin. - Parameter provider: nil: it rotates nothing.
  func admits(_ provider: String?, at now: Date) -> Bool {
    let places = running.values.filter { now.timeIntervalSince($0.since) < Self.patience }
    guard running.count < Self.most, places.count < Self.atOnce else { return false }
    guard let provider else { return true }
    return places.count { $0.provider == provider } < Self.perProvider
  }

  mutating func begin(_ run: RunID, at provider: String?, now: Date) {
    running[run] = Running(provider: provider, since: now)
  }

  mutating func end(_ run: RunID) { running[run] = nil }

  /// When a run that is at work gives its place away, if it is at work then; nil: none will.
  func nextPlace(at now: Date) -> Date? {
    running.values.map { $0.since.addingTimeInterval(Self.patience) }.filter { $0 > now }.min()
  }
}
