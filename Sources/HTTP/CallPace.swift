import Foundation
import Synchronization

/// How fast one provider may be called: a bucket of `burst` calls that fills at `perSecond`, and the pause that the provider
/// itself asked for. All runs of a process share it, so that many rotations at once do not become a refusal of all.
public final class CallPace: Sendable {
  private struct State {
    /// When the bucket will be full again, had nobody else called ("theoretical arrival time", GCRA).
    var full: Date = .distantPast
    /// No call before this instant: `retry-after`.
    var held: Date = .distantPast
  }

  /// Seconds between two calls; 0: no limit.
  private let interval: Double
  private let burst: Int
  private let state = Mutex(State())

  /// - Parameters:
  ///   - perSecond: calls a second, above 0; nil: as many as there are.
  ///   - burst: calls that may come at once, from 1.
  public init(perSecond: Double? = nil, burst: Int = 1) {
    interval = perSecond.map { 1 / $0 } ?? 0
    self.burst = max(1, burst)
  }

  /// Books the next place. - Returns: seconds until it; nil when the provider wants longer silence than `patience`: nothing
  /// is booked then.
  func book(at now: Date, patience: Double) -> Double? {
    state.withLock { state in
      let pause = state.held.timeIntervalSince(now)
      guard pause <= patience else { return nil }
      let start = max(now, state.held)
      let full = max(state.full, start) + interval
      state.full = full
      return max(0, pause, full.timeIntervalSince(now) - interval * Double(burst))
    }
  }

  /// The provider has asked for silence. A shorter pause takes nothing from a longer one.
  func hold(until date: Date) { state.withLock { $0.held = max($0.held, date) } }

  /// Seconds of silence that are left.
  func held(at now: Date) -> Double { state.withLock { max(0, $0.held.timeIntervalSince(now)) } }
}
