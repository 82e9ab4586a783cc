public import Capabilities
public import Foundation
public import Secrets
import Synchronization

/// The runner's access tokens at one system: drawn when the first is needed, kept in memory, and drawn again shortly before
/// one ends. They stand in no file.
public final class AccessTokens: Sendable {
  /// A token as it was drawn.
  public struct Drawn: Sendable {
    public let token: Secret
    /// Nil: it is asked for again at each call.
    public let lifetime: Duration?
    public init(_ token: Secret, lifetime: Duration?) {
      self.token = token
      self.lifetime = lifetime
    }
  }

  /// A request under way must not meet a token's end.
  private static let margin: TimeInterval = 120

  private let now: @Sendable () -> Date
  private let draw: @Sendable () async throws(CapabilityError) -> Drawn
  private let kept = Mutex<(token: Secret, end: Date)?>(nil)

  public init(
    now: @escaping @Sendable () -> Date, _ draw: @escaping @Sendable () async throws(CapabilityError) -> Drawn
  ) {
    self.now = now
    self.draw = draw
  }

  /// Two callers at once may both draw one; either is good.
  public func current() async throws(CapabilityError) -> Secret {
    let started = now()
    if let kept = kept.withLock({ $0 }), kept.end.timeIntervalSince(started) > Self.margin {
      return kept.token
    }
    let drawn = try await draw()
    if let lifetime = drawn.lifetime {
      let end = started.addingTimeInterval(Double(lifetime.components.seconds))
      kept.withLock { $0 = (drawn.token, end) }
    }
    return drawn.token
  }
}
