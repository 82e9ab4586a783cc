public import Secrets

/// Keeps current secrets for the programs that use them.
public protocol SecretStore: Adapter {
  /// The version now current (an opaque id), or nil when the entry does not exist. Read only.
  func currentVersion(_ key: String) async throws(CapabilityError) -> String?
  /// The current value. Read only.
  func read(_ key: String) async throws(CapabilityError) -> Secret
  /// Makes `secret` current. Repeating it with the same `marker` and value changes nothing.
  /// - Returns: the new version.
  func put(_ key: String, _ secret: Secret, marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  /// What in this store holds `secret` now (keys). Read only.
  func keys(holding secret: Secret) async throws(CapabilityError) -> [String]
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
