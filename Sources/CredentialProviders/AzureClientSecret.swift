public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

/// Client secrets of one application registered in Entra (Azure AD).
///
/// A secret does not say its id; Graph lists its first three characters. Whose it is, the token endpoint decides: alive is a
/// token that Entra grants for it (drawn, and dropped). Dead is AADSTS7000215 or 7000222 while Graph no longer lists a secret that
/// begins so, or lists it as over. Every other word, conditional access among them, is unknown. A removed secret cannot be
/// brought back.
///
/// **What outlives a secret:** access tokens that were drawn with it, for 60 to 90 minutes, up to 28 hours where the resource
/// evaluates access continuously. Nothing here ends them: a person may switch the service principal off.
///
/// What the holder of a leaked secret may have prepared, where the application may change applications (`Application.ReadWrite`):
/// - more secrets, certificates and federated identities of it: ``successors(_:since:)`` names those of this application;
/// - a secret under our marker, to be taken for the one whose reply was lost: what is found by its marker is only removed;
/// - secrets with the same beginning, so that the wrong one is removed: several that fit are a person's question.
///
/// Sources: https://learn.microsoft.com/graph/api/application-addpassword,
/// https://learn.microsoft.com/graph/api/application-removepassword,
/// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
public struct AzureClientSecret: CredentialProvider {
  struct Settings: AdapterSettings {
    let base: String
    let tenant: String
    let application: String
    let days: Int
    let login: AzureLogin
    let propagation: Duration
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://graph.microsoft.com")
      tenant = try read.text("tenant", "the tenant of the application, by its id")
      application = try read.text("application", "the application's (client) id")
      days = try read.integer("lifetime_days", "how long a new secret lives; 180 days when absent") ?? 180
      login = try AzureLogin(from: &read)
      propagation = try read.propagation(.seconds(300))
      trust = try read.trust()
      try read.check(
        EntraTokenEndpoint.isName(tenant) && EntraTokenEndpoint.isName(application),
        "tenant or application is no id",
        fix: "az ad app list shows appId, az account show the tenant")
      try read.check((1...730).contains(days), "lifetime_days is none", fix: "write a number from 1 to 730")
    }
  }

  public static let kind = "azure_client_secret"
  public static let summary = "Client secrets of an application in Entra (Azure AD)."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "Application.ReadWrite.OwnedBy, and to be an owner of the application",
    survives: Self.survivors,
    can: [.successors, .delete])
  public static let settings = Settings.declarations
  static let survivors =
    "access tokens that were drawn with it, for 60 to 90 minutes, up to 28 hours under continuous access evaluation; other "
    + "secrets, certificates and federated identities of the application"

  public let capabilities: ProviderCapabilities
  public let lock: String
  let settings: Settings
  let graph: RESTClient
  let tokens: AccessTokens
  let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    lock = "entra/\(settings.tenant)/\(settings.application)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .none, issuing: .named,
      propagation: settings.propagation)
    tokens = settings.login.tokens(for: "https://graph.microsoft.com", in: environment)
    graph = RESTClient(
      base: settings.base, login: .init(from: tokens), trust: settings.trust, environment: environment,
      fix: "the runner's login needs Application.ReadWrite.OwnedBy, and must own the application")
  }

  var path: String { "/v1.0/applications(appId='\(settings.application)')" }

  // MARK: the application

  /// What Graph lists of a secret.
  struct Listed: Sendable {
    let id: String
    let name: String
    let hint: String
    let start: Date?
    let end: Date?
    var ref: CredentialRef { CredentialRef(id) }

    init?(_ json: JSONValue) {
      guard let id = json["keyId"]?.string, EntraTokenEndpoint.isName(id) else { return nil }
      self.id = id
      name = json["displayName"]?.string ?? ""
      hint = json["hint"]?.string ?? ""
      start = json["startDateTime"]?.string.flatMap(Timestamp.date)
      end = json["endDateTime"]?.string.flatMap(Timestamp.date)
    }

    func fits(_ secret: Secret) -> Bool {
      !hint.isEmpty && secret.exposeAsBytes().starts(with: hint.utf8)
    }
  }

  /// The application's record; nil: the tenant has none of this id. - Throws: `.invalid` when it is another's.
  private func application() async throws(CapabilityError) -> JSONValue? {
    let operation = "GET applications/\(settings.application)"
    let answer = try await graph.answer(path + "?$select=id,appId,passwordCredentials,keyCredentials")
    if answer.status == 404, AzureAPI.code(of: answer) == "Request_ResourceNotFound" { return nil }
    let told = try AzureAPI.checked(answer, graph, operation)
    guard told["appId"]?.string?.lowercased() == settings.application.lowercased(),
      told["passwordCredentials"]?.array != nil
    else {
      throw CapabilityError(
        .invalid, operation, because: "the answer is not about this application", fix: "check base_url")
    }
    return told
  }

  func listed() async throws(CapabilityError) -> [Listed] {
    let operation = "GET applications/\(settings.application)"
    guard let application = try await application() else {
      throw CapabilityError(
        .notFound, operation, because: "the tenant has no such application",
        fix: "correct application in staunch.yaml, and see that the runner logs in at the same tenant")
    }
    var found: [Listed] = []
    for json in application["passwordCredentials"]?.array ?? [] {
      guard let listed = Listed(json) else {
        throw CapabilityError(.invalid, operation, because: "one of its secrets has no id")
      }
      found.append(listed)
    }
    return found
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify client secret"
    let all = try await listed()
    let named = leak.handle.flatMap { handle in all.first { $0.id == handle } }
    guard let value = leak.value else {
      guard let named else { throw stranger(operation) }
      return Subject(named.ref)
    }
    guard try await !settings.login.isOwn(value, in: environment) else {
      throw CapabilityError(
        .unsafe, operation, because: "it is the secret that the runner logs in with",
        fix: "give the runner another one: login_client_secret in staunch.yaml")
    }
    let fitting = all.filter { $0.fits(value) }
    guard !fitting.isEmpty else { throw stranger(operation) }
    switch try await word(value) {
    case .granted, .expired: break
    case .wrongSecret, .noApplication: throw stranger(operation)
    case .other(let code):
      throw CapabilityError(.serverError, operation, because: "Entra did not judge it (\(code))")
    }
    if let named, named.fits(value) { return Subject(named.ref) }
    guard let only = fitting.first, fitting.count == 1 else {
      throw CapabilityError(
        .conflict, operation,
        because: "several secrets begin alike: \(fitting.map(\.id).sorted().joined(separator: ", "))",
        fix: "see which it is by the time it was made, then give its id: --id ID")
    }
    return Subject(only.ref)
  }

  private func stranger(_ operation: String) -> CapabilityError {
    CapabilityError(
      .notFound, operation, because: "the application has no such secret",
      fix:
        "nothing is left to stop, unless it is another application's: check application and tenant in staunch.yaml"
    )
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    guard let secret = try await listed().first(where: { $0.ref == ref }) else {
      throw CapabilityError(.notFound, "inspect \(ref)", because: "the application has no such secret")
    }
    var facts: [String: JSONValue] = [
      "owner": .string("application \(settings.application)"), "survives": .string(Self.survivors),
    ]
    facts["created"] = secret.start.map { .string(Timestamp.text($0)) }
    facts["expires"] = secret.end.map { .string(Timestamp.text($0)) }
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(
      seen: nil, covered: nil,
      findings: [
        "Graph tells no sign-ins of service principals in its stable version: search AADServicePrincipalSignInLogs for "
          + "ServicePrincipalCredentialKeyId \(ref)"
      ])
  }

  /// Other secrets and the certificates of the application that were made since. What it made elsewhere is not asked, so nobody
  /// can say that this is all.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    func isNew(_ made: Date?) -> Bool { since.map { since in made.map { $0 >= since } ?? true } ?? true }
    var found = try await listed().filter { $0.ref != ref && isNew($0.start) }.map {
      Successors.Successor($0.ref, what: "client secret of the application", made: $0.start)
    }
    let keys = try await application()?["keyCredentials"]?.array ?? []
    found += keys.compactMap(Listed.init).filter { isNew($0.start) }.map {
      Successors.Successor($0.ref, what: "certificate of the application", made: $0.start)
    }
    return Successors(found, covered: nil)
  }

  // MARK: verdict

  private func request(_ secret: Secret) -> SafeRequest {
    settings.login.endpoint.request(
      tenant: settings.tenant, client: settings.application, secret: secret,
      scope: "https://graph.microsoft.com/.default")
  }

  private func word(_ secret: Secret) async throws(CapabilityError) -> EntraTokenWord {
    EntraTokenWord(try await environment.http.fetch(request(secret).trusting(settings.trust)))
  }

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let probe = KeyProbe(
      base: settings.login.endpoint.base, trust: settings.trust, environment: environment,
      request: { request($0) },
      read: { answer in
        let word = EntraTokenWord(answer)
        return switch word {
        case .granted: CredentialProbe(.alive, code: word.code)
        case .wrongSecret, .expired, .noApplication: CredentialProbe(.dead, code: word.code)
        case .other: CredentialProbe(.unknown, code: word.code)
        }
      })
    return try await probe.verdict(on: secret) { () async throws(CapabilityError) in
      do throws(CapabilityError) {
        guard try await application() != nil else { return nil }
        let now = environment.now()
        let living = try await listed().filter { $0.end.map { $0 > now } ?? true }
        let same = living.first { listed in ref.map { listed.ref == $0 } ?? listed.fits(secret) }
        return same.map { "the application still lists \($0.id)" }
      } catch { return "Graph gives the runner no answer (\(error.class.rawValue))" }
    }
  }
}
