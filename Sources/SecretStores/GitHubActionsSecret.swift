public import Capabilities
import Cryptography
import Foundation
import JSON
import RESTClient
public import Secrets

/// Secrets of GitHub Actions: of a repository, of one of its environments, or of an organisation.
///
/// A value is sealed to the owner's public key here (libsodium's sealed box) and never shown again by anybody. What follows:
/// nobody can compare what is there with what should be (`canBeRead` is false): the version is GitHub's `updated_at`, a lost
/// answer is settled by sending the same value again, and only a workflow that uses the new value proves that it is there.
/// There is no conditional write either: when somebody wrote the secret since it was looked at, that is seen before the
/// write and refused; what comes at the same moment is not seen. Several secrets cannot change in one step.
///
/// An organisation's secret keeps who may use it: `visibility` and the selected repositories are read and sent again. One
/// that is not there is not added: whom it is for, a person decides.
///
/// What the holder of a leaked credential may have prepared: whoever can push to the repository can have a workflow that
/// prints a secret as soon as it is stored, a runner of their own, or an environment without protection. Look at the
/// workflows first; a leaked token of GitHub is stopped before anything new is stored where it can write.
/// The runner's right: fine-grained *Secrets* (repository), *Environments* (environment), *Organization secrets*, each to write;
/// classic `repo` or `admin:org`.
/// Tested against exchanges written from the documentation (read on 2026-11-30), sealed values opened by PyNaCl.
/// Sources: https://docs.github.com/en/rest/actions/secrets,
/// https://docs.github.com/en/rest/guides/encrypting-secrets-for-the-rest-api
public struct GitHubActionsSecret: SecretStore {
  struct Settings: AdapterSettings {
    let base: String
    let token: String
    let repository: String?
    let environment: String?
    let organization: String?
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://api.github.com")
      token = try read.reference(
        "token",
        "the runner's own token; fine-grained: Secrets (of an environment: Environments; of an organisation: Organization secrets) to write"
      )
      repository = try read.optionalText("repository", "owner/name of the repository")
      environment = try read.optionalText("environment", "an environment of it, whose secrets are meant")
      organization = try read.optionalText("organization", "instead of a repository: the organisation")
      trust = try read.trust()
      let parts = repository?.split(separator: "/", omittingEmptySubsequences: false) ?? []
      try read.check(
        repository == nil || parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." },
        "repository is not owner/name", fix: "write for example repository: acme/shop")
      try read.check(
        (repository == nil) != (organization == nil) && (environment == nil || repository != nil),
        "it names neither one repository nor one organisation",
        fix: "give repository (and environment where there is one), or organization")
    }
  }

  public static let kind = "github-actions"
  public static let summary = "Secrets of GitHub Actions, of a repository, an environment or an organisation."
  public static let profile: AdapterProfile? = AdapterProfile(
    .recorded,
    privilege: "fine-grained Secrets, Environments or Organization secrets, each to write (classic: repo"
      + " or admin:org)",
    survives: "jobs that run, with the value that they were given; nobody can read what is stored",
    note: "sealed values are opened by PyNaCl")
  public static let settings = Settings.declarations

  private let settings: Settings
  private let api: RESTClient

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    api = RESTClient(
      base: settings.base, login: .init(settings.token),
      headers: [
        ("Accept", .text("application/vnd.github+json")), ("X-GitHub-Api-Version", .text("2022-11-28")),
      ], trust: settings.trust, environment: environment,
      fix: "token in staunch.yaml must be allowed to write these secrets (staunch doctor lists what)")
  }

  /// As people write it: `acme/shop`, `acme/shop (production)`, `acme`.
  private var owner: String {
    guard let repository = settings.repository else { return settings.organization ?? "" }
    return settings.environment.map { "\(repository) (\($0))" } ?? repository
  }

  private var path: String {
    guard let repository = settings.repository else {
      return "/orgs/\(RESTClient.escaped(settings.organization ?? ""))/actions/secrets"
    }
    let name = repository.split(separator: "/").map { RESTClient.escaped(String($0)) }.joined(separator: "/")
    return settings.environment.map { "/repos/\(name)/environments/\(RESTClient.escaped($0))/secrets" }
      ?? "/repos/\(name)/actions/secrets"
  }

  public var canBeRead: Bool { false }

  public func resource(of key: String) -> ResourceName? {
    ResourceName("github:\(settings.base)\(path)/\(key.uppercased())")
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      _ = try await publicKey()
      return [
        Readiness("reading", .ready("the public key of \(owner) is shown")),
        Readiness(
          "writing",
          .unknown(
            because: "GitHub tells only a write whether it is allowed: see that the token may write secrets")),
      ]
    } catch { return [Readiness("reading", error)] }
  }

  // MARK: reading

  /// What GitHub tells of a secret; nil: there is none.
  private func about(_ key: String) async throws(CapabilityError) -> JSONValue? {
    let operation = "GET \(api.shown("\(path)/\(key)"))"
    let answer = try await api.answer("\(path)/\(key)")
    if answer.status == 404 {
      // The same answer as for an owner that the token may not see: the key says which it is.
      _ = try await publicKey()
      return nil
    }
    if let failure = api.failure(of: answer, operation, changes: false) { throw failure }
    return try api.json(answer, operation)
  }

  private static func checkKey(_ key: String) throws(CapabilityError) {
    let isPlain = key.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
    }
    guard let first = key.utf8.first, !(0x30...0x39).contains(first), isPlain,
      !key.uppercased().hasPrefix("GITHUB_")
    else {
      throw CapabilityError(
        .configuration, "find a secret of GitHub Actions", because: "the key is no secret's name",
        fix: "use letters, digits and _, no digit first, and not GITHUB_")
    }
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    try Self.checkKey(key)
    guard let about = try await about(key) else { return nil }
    guard let version = about["updated_at"]?.string else {
      throw CapabilityError(
        .invalid, "GET \(path)/\(key)", because: "the answer names no updated_at", fix: "check base_url")
    }
    return version
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    throw CapabilityError(
      .unsupported, "read \(key) of \(owner)", because: "GitHub never shows the value of a secret",
      fix: "see by a workflow that uses it whether it works")
  }

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    guard !secrets.isEmpty else { return [] }
    return [
      SecretCopy(
        key: "any secret\(key.map { " besides \($0)" } ?? "") of \(owner)", canFollow: false,
        kind: .unread(because: "GitHub never shows the value of a secret"))
    ]
  }

  // MARK: writing

  private func publicKey() async throws(CapabilityError) -> (id: String, key: Data) {
    let operation = "GET \(api.shown("\(path)/public-key"))"
    let answer = try await api.get("\(path)/public-key")
    guard let id = answer["key_id"]?.string, let text = answer["key"]?.string,
      let key = Data(base64Encoded: text), key.count == 32
    else {
      throw CapabilityError(
        .invalid, operation, because: "the answer is no public key", fix: "check base_url")
    }
    return (id, key)
  }

  /// Safe to repeat: the same value again changes nothing but `updated_at`. The marker stands nowhere.
  public func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try Self.checkKey(key)
    let operation = "PUT \(api.shown("\(path)/\(key)"))"
    let value = secret.exposeAsBytes()
    guard !value.isEmpty, value.count <= 48 << 10, String(validating: value, as: UTF8.self) != nil else {
      throw CapabilityError(
        .invalid, operation, because: "a secret is UTF-8 text of 1 to 49152 bytes", fix: "store another value"
      )
    }
    let before = try await about(key)
    let audience = try await audience(of: key, before, operation)
    let (id, publicKey) = try await publicKey()
    let sealed: Data
    do throws(CryptographyError) { sealed = try SealedBox.seal(value, to: publicKey) } catch {
      throw CapabilityError(
        .invalid, operation, because: "nothing can be sealed to the public key", fix: "check base_url")
    }
    let now = try await about(key)
    guard now?["updated_at"] == before?["updated_at"] else {
      throw CapabilityError(
        .conflict, operation, because: "somebody else wrote the secret at the same time",
        fix: "staunch resume")
    }
    let body = audience.merging([
      "encrypted_value": .string(sealed.base64EncodedString()), "key_id": .string(id),
    ]) { _, new in new }
    let answer = try await api.change(.put, "\(path)/\(key)", .object(body), under: authority)
    if let failure = api.failure(of: answer, operation, changes: true) { throw failure }
    guard answer.status == 201 || answer.status == 204 else {
      throw CapabilityError(
        .unknownOutcome, operation,
        because: "it answered \(answer.status), neither 201 (made) nor 204 (replaced)")
    }
    guard let version = try await currentVersion(key) else {
      throw CapabilityError(
        .conflict, operation, because: "it was stored, and is gone again", fix: "see who deleted it")
    }
    return version
  }

  /// Who may use an organisation's secret, as it is.
  private func audience(of key: String, _ secret: JSONValue?, _ operation: String)
    async throws(CapabilityError)
    -> [String: JSONValue]
  {
    guard let organization = settings.organization else { return [:] }
    guard let secret else {
      throw CapabilityError(
        .notFound, operation,
        because: "\(organization) has no such secret, and whom it is for a person decides",
        fix:
          "gh secret set \(key) --org \(organization) --visibility selected --repos NAMES; then: staunch resume"
      )
    }
    guard let visibility = secret["visibility"]?.string else {
      throw CapabilityError(
        .invalid, operation, because: "the answer does not say who may use the secret", fix: "check base_url")
    }
    guard visibility == "selected" else { return ["visibility": .string(visibility)] }
    var ids: [JSONValue] = []
    var page = 1
    while true {
      let answer = try await api.get("\(path)/\(key)/repositories?per_page=100&page=\(page)")
      guard let found = answer["repositories"]?.array, let total = answer["total_count"]?.integer else {
        throw CapabilityError(
          .invalid, operation, because: "the answer does not list its repositories", fix: "check base_url")
      }
      for repository in found {
        guard let id = repository["id"]?.integer else {
          throw CapabilityError(
            .invalid, operation, because: "a repository of the answer has no id", fix: "check base_url")
        }
        ids.append(.integer(id))
      }
      if ids.count >= total { break }
      guard !found.isEmpty else {
        throw CapabilityError(
          .invalid, operation, because: "\(ids.count) of \(total) repositories were listed",
          fix: "give the token the organisation's repositories to read")
      }
      page += 1
    }
    return ["visibility": "selected", "selected_repository_ids": .array(ids)]
  }
}
