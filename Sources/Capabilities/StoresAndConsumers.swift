public import Secrets

/// Keeps current secrets for the programs that use them.
public protocol SecretStore: Adapter {
  /// The version now current (an opaque id), or nil when the entry does not exist. Read only.
  func currentVersion(_ key: String) async throws(CapabilityError) -> String?
  /// The current value. Read only.
  func read(_ key: String) async throws(CapabilityError) -> Secret
  /// Makes `secret` current. Repeating it with the same `marker` and value changes nothing.
  ///
  /// - Parameter old: values that it succeeds: the ``copies(of:besides:)`` that can follow get it too, in the spelling
  ///   that the old value has there.
  /// - Parameter others: entries that are not written along: they belong to another credential.
  /// - Returns: the new version.
  func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String
  /// What in this store holds one of `secrets` now, as it is, encoded or among other text; by key, in the store's order.
  /// Read only. - Parameter key: an entry that does not count.
  func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
}

/// An entry of a store that holds a secret besides the one it is kept as: a connection string, a second variable.
public struct SecretCopy: Sendable, Hashable {
  public let key: String
  /// The successor can be written in its place. False: in a spelling or at a place that only a person can change.
  public let canFollow: Bool

  public init(key: String, canFollow: Bool) {
    self.key = key
    self.canFollow = canFollow
  }
}

/// A program that uses a credential and must be moved to the new one.
public protocol Consumer: Adapter {
  /// What a roll-out would do. Read only.
  func plan() async throws(CapabilityError) -> PlannedEffect
  /// Makes it use the current secret. Safe to repeat.
  func rollOut(marker: String, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
  /// Whether it works. Read only.
  func health() async throws(CapabilityError) -> ConsumerHealth
}

/// A consumer's health.
public struct ConsumerHealth: Sendable, Hashable {
  public enum State: String, Sendable, Codable { case healthy, unhealthy, unknown }
  public let state: State
  /// What was seen, without secrets.
  public let evidence: String
  public init(_ state: State, evidence: String) {
    self.state = state
    self.evidence = evidence
  }
}
