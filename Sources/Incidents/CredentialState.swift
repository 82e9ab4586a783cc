/// What one probe of a credential showed.
///
/// A time-out, a 5xx, a 429 or a wrong signature is `unknown`, never `dead`.
public enum CredentialState: String, Sendable, Codable, Hashable {
  case alive, dead, unknown
}

/// One probe of a credential at its provider.
public struct CredentialProbe: Sendable, Codable, Hashable {
  public let state: CredentialState
  /// The provider's own word for it, for example `401 invalid_api_key` or `28P01`. Never a body or a header.
  public let code: String

  public init(_ state: CredentialState, code: String) {
    self.state = state
    self.code = code
  }
}

extension CredentialProbe {
  /// What several values of one credential say together: dead only when each is, alive when any is, else unknown.
  public static func verdict(of probes: [CredentialProbe]) -> CredentialProbe {
    if let alive = probes.first(where: { $0.state == .alive }) { return alive }
    if let unknown = probes.first(where: { $0.state == .unknown }) { return unknown }
    return probes.first ?? CredentialProbe(.unknown, code: "no value to try")
  }
}
