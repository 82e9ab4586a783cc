public import Capabilities
public import Foundation
public import Secrets

/// What a journal takes from outside: the clock, randomness, who is alive, and what to hide.
public struct JournalSettings: Sendable {
  /// The wall clock.
  public var now: @Sendable () -> Date
  /// A new journal's random id.
  public var newID: @Sendable () -> String
  /// How long a write waits for another process, in seconds.
  public var busyTimeout: TimeInterval
  /// Hides secrets in bodies before they are written; every sealed secret is registered with it.
  public var redactor: Redactor
  /// Whether a lock's owner still runs.
  public var isAlive: @Sendable (LockOwner) -> Bool
  /// How long an owner on another host counts as alive after its last renewal.
  public var lease: Duration

  public init(
    now: @escaping @Sendable () -> Date = { Date() },
    newID: @escaping @Sendable () -> String = { UUID().uuidString.lowercased() },
    busyTimeout: TimeInterval = 10, redactor: Redactor = Redactor(),
    isAlive: @escaping @Sendable (LockOwner) -> Bool = { $0.isAliveHere },
    lease: Duration = .seconds(60)
  ) {
    self.now = now
    self.newID = newID
    self.busyTimeout = busyTimeout
    self.redactor = redactor
    self.isAlive = isAlive
    self.lease = lease
  }
}

/// The keys that a writing journal needs.
public struct JournalKeys: Sendable {
  /// Signs the head after each append.
  public let identity: LocalIdentity
  /// Wraps the sealing keys of runs and incidents.
  public let operatorKey: SealingKey

  public init(identity: LocalIdentity, operatorKey: SealingKey) {
    self.identity = identity
    self.operatorKey = operatorKey
  }
}
