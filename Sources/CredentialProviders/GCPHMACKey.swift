public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

/// HMAC keys of one service account, with which programs use Cloud Storage as if it were S3.
///
/// Alive is a signature that Cloud Storage takes, also where the account lacks the right to what was asked. Dead is a refusal
/// while the key's own record says that it is INACTIVE or gone: a signature that does not fit an active key is another secret,
/// not a death. A key must be inactive before it can be deleted.
///
/// What the holder of a leaked key may have prepared: nothing with the key itself, which reads and writes objects and no more;
/// signed URLs that they made end with the key. Objects that they made public, or wrote, stay.
///
/// Sources: https://cloud.google.com/storage/docs/authentication/hmackeys,
/// https://cloud.google.com/storage/docs/json_api/v1/projects/hmacKeys
public struct GCPHMACKey: CredentialProvider {
  struct Settings: AdapterSettings {
    let base: String
    let project: String
    let account: String
    let login: GoogleLogin
    let resourceManager: String
    let propagation: Duration
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://storage.googleapis.com")
      project = try read.text("project", "the project's id")
      account = try read.text(
        "account", "the service account's address: `app@project.iam.gserviceaccount.com`")
      login = try GoogleLogin(from: &read)
      resourceManager = try read.text(
        "resource_manager_url", default: "https://cloudresourcemanager.googleapis.com",
        "where the Resource Manager's API is")
      propagation = try read.propagation(.seconds(180))
      trust = try read.trust()
      try read.check(
        GCPServiceAccountKey.isPlain(project) && GCPServiceAccountKey.isPlain(account)
          && account.contains("@"),
        "project or account is none", fix: "gcloud storage hmac list shows both")
    }
  }

  public static let kind = "gcp_hmac_key"
  public static let summary = "HMAC keys of a Google Cloud service account, for Cloud Storage."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "storage.hmacKeys.get, list, create, update, delete",
    survives: "objects that were written, and what was made public",
    can: [.successors, .delete])
  public static let settings = Settings.declarations
  static let mostKeys = 10
  public let shape = MaterialShape(
    [.init("access_id", secret: false), .init("secret", secret: true)], primary: "secret", oneText: .object)

  public let capabilities: ProviderCapabilities
  public let lock: String
  let settings: Settings
  let api: RESTClient
  private let tokens: AccessTokens
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    lock = "gcp-hmac/\(settings.project)/\(settings.account)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .reversible, sessions: .none, issuing: .unnamed,
      propagation: settings.propagation)
    tokens = settings.login.tokens(in: environment)
    api = RESTClient(
      base: settings.base, login: .init(from: tokens), trust: settings.trust, environment: environment,
      fix: "the runner's login needs the permissions that staunch doctor lists for this entry")
  }

  // MARK: records

  struct Key: Sendable {
    let id: String
    /// `ACTIVE`, `INACTIVE`, `DELETED`.
    let state: String
    let created: Date?
    let etag: String?
    var isActive: Bool { state == "ACTIVE" }
    var ref: CredentialRef { CredentialRef(id) }

    init?(_ json: JSONValue?, of account: String) {
      guard let id = json?["accessId"]?.string, GCPServiceAccountKey.isPlain(id),
        let state = json?["state"]?.string,
        json?["serviceAccountEmail"]?.string == account
      else { return nil }
      self.id = id
      self.state = state
      created = json?["timeCreated"]?.string.flatMap(Timestamp.date)
      etag = json?["etag"]?.string
    }
  }

  var path: String { "/storage/v1/projects/\(RESTClient.escaped(settings.project))/hmacKeys" }
  func path(_ id: String) -> String { "\(path)/\(RESTClient.escaped(id))" }

  /// All but the deleted ones. - Throws: `.invalid` when one of them is not this account's.
  func keys() async throws(CapabilityError) -> [Key] {
    let list = "\(path)?serviceAccountEmail=\(RESTClient.escaped(settings.account))"
    var keys: [Key] = []
    for json in try await GoogleAPI.list(list, "items", of: api) {
      guard let key = Key(json, of: settings.account) else {
        throw CapabilityError(
          .invalid, "GET hmacKeys", because: "the answer is no list of this account's keys",
          fix: "check base_url")
      }
      keys.append(key)
    }
    return keys
  }

  /// Nil: the project has none of this id, or it is another account's.
  func key(_ id: String) async throws(CapabilityError) -> Key? {
    guard GCPServiceAccountKey.isPlain(id) else { return nil }
    let answer = try await api.answer(path(id))
    let json = try? JSONValue(parsing: answer.body)  // no JSON: not the API's own word
    if answer.status == 404, json?["error"]?["code"]?.integer == 404 { return nil }
    return Key(try GoogleAPI.checked(answer, api, "GET hmacKeys/\(id)"), of: settings.account)
  }

  // MARK: whose it is

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify HMAC key"
    let candidates: [Key]
    if let handle = leak.handle {
      candidates = [try await key(handle)].compactMap(\.self).filter { $0.state != "DELETED" }
    } else {
      candidates = leak.value == nil ? [] : try await keys()
    }
    for key in candidates {
      guard let value = leak.value else { return Subject(key.ref) }
      switch try await word(value, key.id) {
      case .taken: return Subject(key.ref)
      // Of a key that is switched off its id is all that can be known.
      case .refused where !key.isActive && leak.handle != nil: return Subject(key.ref)
      case .refused: continue
      case .other(let code):
        throw CapabilityError(.serverError, operation, because: "Cloud Storage did not judge it (\(code))")
      }
    }
    throw CapabilityError(
      .notFound, operation, because: "\(settings.account) has no key of this id and secret",
      fix: "nothing is left to stop, unless project or account in staunch.yaml is another's")
  }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    guard let key = try await key(ref.rawValue) else {
      throw CapabilityError(.notFound, "inspect \(ref)", because: "the account has no such key")
    }
    var facts: [String: JSONValue] = [
      "owner": .string(settings.account), "state": .string(key.state),
      "survives": "objects that were written, and what was made public",
    ]
    facts["created"] = key.created.map { .string(Timestamp.text($0)) }
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    AbuseReport(
      seen: nil, covered: nil,
      findings: [
        "Cloud Storage's API tells no uses: search its Data Access audit logs for \(settings.account)"
      ])
  }

  /// Keys of the account that were made since; it cannot have made them itself.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    let others = try await keys().filter { key in
      key.ref != ref && (since.map { since in key.created.map { $0 >= since } ?? true } ?? true)
    }
    return Successors(
      others.map { .init($0.ref, what: "HMAC key of \(settings.account)", made: $0.created) }, covered: nil)
  }

  public func readiness() async -> [Readiness] {
    let projects = RESTClient(
      base: settings.resourceManager, login: .init(from: tokens), trust: settings.trust,
      environment: environment,
      fix: "the runner needs the permissions that staunch doctor lists")
    return await GoogleAPI.readiness(
      [
        ("finding keys", ["storage.hmacKeys.get", "storage.hmacKeys.list"]),
        ("stopping keys", ["storage.hmacKeys.update", "storage.hmacKeys.delete"]),
        ("making keys", ["storage.hmacKeys.create"]),
      ], excess: ["resourcemanager.projects.setIamPolicy", "storage.objects.get"],
      on: "/v1/projects/\(RESTClient.escaped(settings.project))", of: projects)
  }

  // MARK: verdict

  private enum Word {
    case taken
    case refused(String)
    case other(String)

    init(_ answer: HTTPResponse) {
      switch (answer.status, GCPHMACSignature.code(of: answer)) {
      case (200, _): self = .taken
      case (403, "AccessDenied"?): self = .taken
      case (400...403, let code?)
      where ["SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidSecurity"].contains(code):
        self = .refused("\(answer.status) \(code)")
      case (let status, let code): self = .other(code.map { "\(status) \($0)" } ?? "\(status)")
      }
    }
  }

  private func request(_ secret: Secret, _ id: String) -> SafeRequest {
    GCPHMACSignature.request(
      settings.base, id: id, secret: secret, project: settings.project, at: environment.now())
  }

  private func word(_ secret: Secret, _ id: String) async throws(CapabilityError) -> Word {
    Word(try await environment.http.fetch(request(secret, id).trusting(settings.trust)))
  }

  /// Without an id every key of the account is tried: one that is active and refuses has another secret.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let ids: [String]
    do throws(CapabilityError) {
      if let ref { ids = [ref.rawValue] } else { ids = try await keys().map(\.id) }
    } catch {
      return CredentialProbe(.unknown, code: "the runner's login gets no answer (\(error.class.rawValue))")
    }
    guard !ids.isEmpty else { return CredentialProbe(.dead, code: "the account has no HMAC key") }
    var places: [(place: String, probe: CredentialProbe)] = []
    for id in ids {
      places.append((id, try await verify(secret, id, mayBeAnother: ref == nil)))
    }
    return places.count == 1 ? places[0].probe : CredentialProbe.verdict(at: places)
  }

  private func verify(_ secret: Secret, _ id: String, mayBeAnother: Bool) async throws(CapabilityError)
    -> CredentialProbe
  {
    let probe = KeyProbe(
      base: settings.base, trust: settings.trust, environment: environment,
      request: { request($0, id) },
      read: { answer in
        switch Word(answer) {
        case .taken: CredentialProbe(.alive, code: "\(answer.status)")
        case .refused(let code): CredentialProbe(.dead, code: code)
        case .other(let code): CredentialProbe(.unknown, code: code)
        }
      })
    return try await probe.verdict(on: secret) { () async throws(CapabilityError) in
      do throws(CapabilityError) {
        guard let key = try await key(id), key.isActive else { return nil }
        return mayBeAnother ? nil : "its record says that it is ACTIVE"
      } catch { return "the runner's login gets no answer (\(error.class.rawValue))" }
    }
  }
}
