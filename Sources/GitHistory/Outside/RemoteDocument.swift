public import Capabilities
public import Foundation
public import Secrets

/// A document that does not lie on this machine: a state behind HTTP, a version of an object in a bucket. Whoever knows such a
/// system makes one for each document; the search looks into it as into a file.
public protocol RemoteDocument: Sendable {
  /// Its address, without any login and without a query, which may hold one.
  var name: String { get }

  /// All of it; nil: nothing is there. Reads only.
  /// - Throws: when it cannot be read: it is then named as not searched.
  func read() async throws(CapabilityError) -> Data?
}

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

  public func read() async throws(CapabilityError) -> Data? {
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
