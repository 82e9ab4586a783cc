public import Capabilities
public import Foundation
public import Secrets

/// The state in Terraform's or OpenTofu's HTTP backend (also GitLab's): one GET, never a lock.
///
/// Source: developer.hashicorp.com/terraform/language/backend/http.
public struct TerraformHTTPState: RemoteDocument {
  public let name: String
  private let address: String
  private let transport: any HTTPTransport
  private let login: Login?
  private let now: @Sendable () -> Date

  /// As Terraform takes it from `TF_HTTP_USERNAME` and `TF_HTTP_PASSWORD`.
  public struct Login: Sendable {
    let user: String
    let password: Secret

    public init(user: String, password: Secret) {
      self.user = user
      self.password = password
    }

    /// Source: RFC 7617.
    fileprivate var field: HTTPField {
      let pair = Array("\(user):".utf8) + password.exposeAsBytes()
      return .secret(prefix: "Basic ", Secret(Data(pair).base64EncodedString()))
    }
  }

  /// - Parameter address: of the state. Never with a login in it.
  public init(
    address: String, login: Login?, transport: any HTTPTransport, now: @escaping @Sendable () -> Date
  ) {
    self.now = now
    self.address = address
    name = String(address.prefix { $0 != "?" && $0 != "#" })
    self.login = login
    self.transport = transport
  }

  /// All of it at once: a backend gives no parts.
  public func read(from offset: Int) async throws(CapabilityError) -> Data? {
    guard offset == 0 else { return Data() }
    let headers: [(name: String, value: HTTPField)] =
      login.map { [(name: "authorization", value: $0.field)] } ?? []
    let answer = try await transport.fetch(.get(address, headers: headers, timeout: .seconds(60)))
    // Only 204 says that the backend is there and has no state; a wrong path is 404, too.
    if answer.status == 204 { return nil }
    let failure = answer.failure(
      "GET the state", changes: false, now: now(),
      fix: "set TF_HTTP_USERNAME and TF_HTTP_PASSWORD, as Terraform takes them")
    if let failure { throw failure }
    return answer.body
  }
}
