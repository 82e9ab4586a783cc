public import Capabilities
public import JSON
import Secrets

// Answers as they come: for an API that says in the body, or by more than the status, what became of a call. Bodies are kept
// as secrets until they are sent.
extension RESTClient {
  /// A question that the API wants as a POST, unchecked. - Parameter reason: why it changes nothing.
  public func ask(_ path: String, _ body: JSONValue, readOnlyBecause reason: StaticString)
    async throws(CapabilityError) -> HTTPResponse
  {
    let request = SafeRequest.post(
      base + path, headers: try await allHeaders() + [("Content-Type", .text("application/json"))],
      body: .secret(Self.text(of: body)), readOnlyBecause: reason)
    return try await environment.http.fetch(request.trusting(trust))
  }

  /// A change, unchecked. - Parameters:
  ///   - body: JSON; nil: none.
  ///   - type: of the body.
  public func change(
    _ method: HTTPRequest.Method, _ path: String, _ body: JSONValue?, type: String = "application/json",
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HTTPResponse {
    var request = HTTPRequest(method, base + path, headers: try await allHeaders(), timeout: .seconds(30))
    if let body {
      request.headers.append(("Content-Type", .text(type)))
      request.body = .secret(Self.text(of: body))
    }
    request.trust = trust
    return try await environment.http.send(request, under: authority)
  }

  private static func text(of body: JSONValue) -> Secret {
    Secret(SecretBytes(copying: body.canonicalBytes))
  }
}
