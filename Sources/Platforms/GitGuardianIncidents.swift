public import Capabilities
public import JSON
import RESTClient

/// Incidents of a GitGuardian workspace, without secrets: its API gives none.
///
/// Tested against a mock on loopback written from the reference, not against api.gitguardian.com.
/// Source: https://api.gitguardian.com/docs, GET /v1/incidents/secrets
public struct GitGuardianIncidents: Sendable {
  private let api: RESTClient

  /// - Parameter token: a reference to a token with the scope `incidents:read`.
  public init(baseURL: String, token: String, environment: AdapterEnvironment) {
    api = RESTClient(
      base: baseURL, login: .init(prefix: "Token ", token), environment: environment,
      fix: "give the source's token the scope incidents:read")
  }

  /// Incidents that nobody has resolved or ignored.
  public func open() async throws(CapabilityError) -> [JSONValue] {
    try await api.pages("/v1/incidents/secrets?status=TRIGGERED", by: .linkCursor)
  }

  /// An incident as the webhook would have brought it.
  public static func event(_ incident: JSONValue) -> JSONValue {
    ["source": "GitGuardian", "action": "incident_triggered", "incident": incident]
  }
}
