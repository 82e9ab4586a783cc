public import Capabilities
import Foundation
public import JSON
public import Secrets

/// How the runner logs in at Azure and Entra: a client secret of its own, a token that somebody drew, or the managed identity
/// of the machine it runs on.
///
/// Sources: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
/// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
public struct AzureLogin: Sendable {
  let tenant: String?
  let client: String?
  let secret: String?
  let token: String?
  public let endpoint: EntraTokenEndpoint
  let metadata: String

  public init(from read: inout SettingsReader) throws(CapabilityError) {
    tenant = try read.optionalText("login_tenant", "the tenant of the runner's own application")
    client = try read.optionalText(
      "login_client_id", "the runner's own application; without a secret: its user-assigned managed identity")
    secret = try read.optionalReference(
      "login_client_secret", "a client secret of the runner's own application")
    token = try read.optionalReference(
      "login_token",
      "an access token that somebody has drawn (`az account get-access-token`); with neither, the managed identity is asked"
    )
    endpoint = EntraTokenEndpoint(
      base: try read.text(
        "login_url", default: "https://login.microsoftonline.com", "where tokens are granted"))
    metadata = try read.text(
      "metadata_url", default: "http://169.254.169.254",
      "the metadata server; its host stands under http.plain_hosts")
    try read.check(
      secret == nil || (tenant != nil && client != nil), "login_client_secret stands alone",
      fix: "name login_tenant and login_client_id too")
    try read.check(
      secret == nil || token == nil, "login_client_secret and login_token are both named",
      fix: "name the one that is meant")
    try read.check(
      [tenant, client].compactMap(\.self).allSatisfy(EntraTokenEndpoint.isName),
      "login_tenant or login_client_id is no id", fix: "az account show and az ad sp list show them")
  }

  private static let operation = "log in at Azure"

  /// The tokens of this login. - Parameter resource: `https://management.azure.com`, without a slash at its end.
  public func tokens(for resource: String, in environment: AdapterEnvironment) -> AccessTokens {
    AccessTokens(now: environment.now) { () async throws(CapabilityError) in
      if let token {
        return AccessTokens.Drawn(try await environment.sources.resolve(token), lifetime: nil)
      }
      guard let secret, let tenant, let client else { return try await fromMetadata(resource, environment) }
      let answer = try await environment.http.fetch(
        endpoint.request(
          tenant: tenant, client: client, secret: try await environment.sources.resolve(secret),
          scope: resource + "/.default"))
      switch EntraTokenWord(answer) {
      case .granted: return try AccessTokens.Drawn(answer, Self.operation)
      case .wrongSecret, .expired, .noApplication:
        throw CapabilityError(
          .refused, Self.operation,
          because: "Entra refuses the runner's own secret: \(EntraTokenWord(answer).code)",
          fix: "give the runner another one: login_client_secret in staunch.yaml")
      case .other:
        throw answer.failure(Self.operation, changes: false, now: environment.now())
          ?? CapabilityError(
            .invalid, Self.operation, because: "the answer holds no token", fix: "check login_url")
      }
    }
  }

  /// Whether a secret is the one that the runner logs in with.
  public func isOwn(_ other: Secret, in environment: AdapterEnvironment) async throws(CapabilityError) -> Bool
  {
    guard let secret else { return false }
    return try await environment.sources.resolve(secret).isSame(as: other)
  }

  private func fromMetadata(_ resource: String, _ environment: AdapterEnvironment)
    async throws(CapabilityError)
    -> AccessTokens.Drawn
  {
    let identity = client.map { "&client_id=\(RESTClient.escaped($0))" } ?? ""
    let answer = try await environment.http.fetch(
      .get(
        metadata + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
          + RESTClient.escaped(resource + "/") + identity, headers: [("Metadata", .text("true"))]))
    if let failure = answer.failure(
      Self.operation, changes: false, now: environment.now(),
      fix: "give this machine a managed identity, or name login_client_secret")
    {
      throw failure
    }
    return try AccessTokens.Drawn(answer, Self.operation)
  }
}

/// Entra's token endpoint: a client secret for an access token.
public struct EntraTokenEndpoint: Sendable {
  public let base: String

  public init(base: String) { self.base = base.hasSuffix("/") ? String(base.dropLast()) : base }

  /// Of ids and tenants' names, which stand in paths.
  public static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.count <= 100
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
  }

  /// A question, since a token changes nothing.
  public func request(tenant: String, client: String, secret: Secret, scope: String) -> SafeRequest {
    let form =
      "grant_type=client_credentials&client_id=\(RESTClient.escaped(client))&scope=\(RESTClient.escaped(scope))"
      + "&client_secret=\(RESTClient.escaped(secret.exposeAsText()))"
    return .post(
      "\(base)/\(RESTClient.escaped(tenant))/oauth2/v2.0/token",
      headers: [("Content-Type", .text("application/x-www-form-urlencoded"))], body: .secret(Secret(form)),
      readOnlyBecause: "a token is drawn, which changes nothing")
  }
}

/// What Entra's token endpoint says to a client secret. Only numbers that speak of the secret itself count; Microsoft says
/// that they may change, and another one is then no verdict.
///
/// Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
public enum EntraTokenWord: Sendable, Hashable {
  case granted
  /// AADSTS7000215: "Invalid client secret provided."
  case wrongSecret
  /// AADSTS7000222: "The provided client secret keys are expired."
  case expired
  /// AADSTS700016: the tenant has no such application.
  case noApplication
  /// It speaks of something else.
  case other(String)

  public init(_ answer: HTTPResponse) {
    let json = try? JSONValue(parsing: answer.body)  // no JSON: a proxy answered, not Entra
    let codes = json?["error_codes"]?.array?.compactMap(\.integer) ?? []
    switch answer.status {
    case 200:
      self = json?["access_token"]?.string?.isEmpty == false ? .granted : .other("200 without a token")
    case 400, 401:
      if codes.contains(7_000_215) {
        self = .wrongSecret
      } else if codes.contains(7_000_222) {
        self = .expired
      } else if codes.contains(700_016) {
        self = .noApplication
      } else {
        self = .other("\(answer.status)" + (codes.first.map { " AADSTS\($0)" } ?? ""))
      }
    default: self = .other("\(answer.status)")
    }
  }

  /// For people and verdicts.
  public var code: String {
    switch self {
    case .granted: "200"
    case .wrongSecret: "401 AADSTS7000215"
    case .expired: "401 AADSTS7000222 (expired)"
    case .noApplication: "400 AADSTS700016 (no such application)"
    case .other(let code): code
    }
  }
}

/// What Azure's APIs say beside the status of an answer.
public enum AzureAPI {
  /// `ResourceNotFound`, `AuthorizationFailed` …; nil when the answer is not Azure's own: a proxy answered.
  public static func code(of answer: HTTPResponse) -> String? {
    let json = try? JSONValue(parsing: answer.body)  // no JSON: not Azure's own answer
    return json?["error"]?["code"]?.string
  }

  /// The answer's JSON, when nothing went wrong.
  public static func checked(
    _ answer: HTTPResponse, _ api: RESTClient, _ operation: String, changes: Bool = false
  ) throws(CapabilityError) -> JSONValue {
    if let failure = api.failure(of: answer, operation, changes: changes) { throw failure }
    guard !answer.body.isEmpty else { return .null }
    do throws(CapabilityError) { return try api.json(answer, operation) } catch {
      guard changes else { throw error }
      throw CapabilityError(.unknownOutcome, operation, because: "it was done, but the answer is not JSON")
    }
  }

  /// What `doctor` says of actions on a resource of the Resource Manager.
  /// Source: https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
  public static func readiness(
    _ needs: [(what: String, actions: [String])], excess: [String], on resource: String, of api: RESTClient
  ) async -> [Readiness] {
    do throws(CapabilityError) {
      let told = try await api.get(
        resource + "/providers/Microsoft.Authorization/permissions?api-version=2022-04-01")
      let grants = told["value"]?.array ?? []
      func may(_ action: String) -> Bool {
        grants.contains { grant in
          func covers(_ list: String) -> Bool {
            grant[list]?.array?.compactMap(\.string).contains { fits(action, $0) } ?? false
          }
          return covers("actions") && !covers("notActions")
        }
      }
      var found: [Readiness] = []
      for need in needs {
        let missing = need.actions.filter { !may($0) }.joined(separator: ", ")
        found.append(
          Readiness(
            need.what,
            missing.isEmpty
              ? .ready(need.actions.joined(separator: ", "))
              : .missing(
                because: "the runner lacks \(missing)",
                fix: "give it a role with that action, on this resource alone, then: staunch doctor")))
      }
      let many = excess.filter(may).joined(separator: ", ")
      if !many.isEmpty {
        found.append(
          Readiness(
            "least privilege",
            .missing(
              because: "the runner may do \(many), which no run needs",
              fix: "give it a role of its own with: \(needs.flatMap(\.actions).joined(separator: ", "))")))
      }
      return found
    } catch { return [Readiness(needs.map(\.what).joined(separator: ", "), error)] }
  }

  /// Whether an action is one of those that `pattern` means; `*` stands for any text, and letters' case says nothing.
  static func fits(_ action: String, _ pattern: String) -> Bool {
    let parts = pattern.lowercased().split(separator: "*", omittingEmptySubsequences: false)
    var rest = Substring(action.lowercased())
    guard let first = parts.first, rest.hasPrefix(first) else { return false }
    rest = rest.dropFirst(first.count)
    guard parts.count > 1 else { return rest.isEmpty }
    for part in parts.dropFirst().dropLast() {
      guard !part.isEmpty else { continue }
      guard let range = rest.firstRange(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(parts[parts.count - 1])
  }
}
