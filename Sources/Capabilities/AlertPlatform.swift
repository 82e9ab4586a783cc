public import Incidents

/// An alert of a platform about an incident's secret, which the platform lets us resolve.
public struct PlatformAlert: Sendable, Hashable {
  /// `owner/name` and number, for people: `acme/app#7`.
  public let name: String
  /// As in the incident's keys, for example `github:42:7`.
  public let key: String

  public init(name: String, key: String) {
    self.name = name
    self.key = key
  }
}

/// The platforms that report secrets and want to hear that one is revoked.
public protocol AlertPlatform: Sendable {
  /// The incident's alerts at platforms of staunch.yaml, by key; empty when no platform reported it.
  func alerts(of incident: IncidentID) async throws(CapabilityError) -> [PlatformAlert]
  /// Whether the alert is resolved, by us or anybody.
  func isResolved(_ alert: PlatformAlert) async throws(CapabilityError) -> Bool
  /// Marks it resolved as revoked. - Parameter comment: no secret, no name.
  func resolve(_ alert: PlatformAlert, comment: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
}

/// No platform: nothing to resolve.
public struct NoAlertPlatform: AlertPlatform {
  public init() {}
  public func alerts(of incident: IncidentID) async throws(CapabilityError) -> [PlatformAlert] { [] }
  public func isResolved(_ alert: PlatformAlert) async throws(CapabilityError) -> Bool { true }
  public func resolve(
    _ alert: PlatformAlert, comment: String, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {}
}
