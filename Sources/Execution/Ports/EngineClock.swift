public import Foundation

/// Time, randomness and waiting for the planner and the engine; tests and the simulation bring virtual ones.
public protocol EngineClock: Sendable {
  /// The wall clock, for what people read. It may jump.
  var now: Date { get }
  /// Time since an arbitrary start that never jumps: deadlines, polls and pauses are measured by it.
  var elapsed: Duration { get }
  /// A number from 0 up to but not including 1, for jitter.
  func random() -> Double
  /// - Throws: `CancellationError`.
  func sleep(for duration: Duration) async throws
}

/// The machine's clocks.
public struct SystemClock: EngineClock {
  private let start = ContinuousClock.now
  public init() {}
  public var now: Date { Date() }
  public var elapsed: Duration { ContinuousClock.now - start }
  public func random() -> Double { Double.random(in: 0..<1) }
  public func sleep(for duration: Duration) async throws { try await Timers.shared.sleep(for: duration) }
}
