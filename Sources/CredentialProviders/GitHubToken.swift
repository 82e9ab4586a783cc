public import Capabilities
import Cryptography
import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

/// A token of GitHub: personal (classic and fine-grained), OAuth, of a GitHub App.
///
/// Nothing has to be configured to stop one: whoever holds it may send it to `POST /credentials/revoke`. That answers 202 to
/// whatever it is sent, also to a token that never existed: 202 is no verdict, only a refusal of the token itself is. Only a
/// person can issue another one. An installation token (`ghs_`) revokes itself; a refresh token (`ghr_`) can be tried only
/// by using it up, so nobody can prove it dead.
///
/// The threat: what the holder made with it outlives it: SSH keys, deploy keys (GitHub deletes those that a personal or OAuth
/// token made when that token is *deleted*, not when it is regenerated, and none that an app's token made), GitHub Apps that
/// they installed, webhooks, runners, and workflows that read a secret as soon as it is stored. With `token`, keys of its
/// user and of `repositories` and installations of `organizations` are listed, by their ids alone: titles are the holder's
/// own text. `token` only reads. Whoever has an app's private key mints a new installation token at any time.
/// Tested against the simulator of tokens issued by hand behind GitHub's answers, and exchanges written from the
/// documentation (stored copies, read on 2026-11-30), not against api.github.com.
/// Sources: https://docs.github.com/en/rest/credentials/revoke, https://docs.github.com/en/rest/users/users,
/// https://docs.github.com/en/rest/apps/installations (revoke an installation access token),
/// https://docs.github.com/en/rest/deploy-keys/deploy-keys, https://docs.github.com/en/rest/users/keys,
/// https://docs.github.com/en/rest/orgs/orgs (list app installations),
/// https://docs.github.com/en/rest/overview/authenticating-to-the-rest-api (failed login limit)
public struct GitHubToken: CredentialProvider {
  struct Settings: AdapterSettings {
    let base: String
    let token: String?
    let serverToken: String?
    let replacement: String
    let repositories: [String]
    let organizations: [String]
    let propagation: Duration
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://api.github.com")
      token = try read.optionalReference(
        "token",
        "another token of the same user that only reads: it is asked between refusals, and lists what the leaked one's "
          + "holder made (fine-grained: Git SSH keys, Administration of repositories and of organisations, each to read)"
      )
      serverToken = try read.optionalReference(
        "server_token",
        "GitHub Enterprise Server wants a login for a revocation: any token of it; github.com refuses one")
      try read.check(
        serverToken == nil || base != "https://api.github.com",
        "server_token stands without base_url, and github.com answers 403 to a revocation with a login",
        fix: "leave it out, or name your server in base_url (https://HOST/api/v3)")
      replacement =
        try read.optionalReference(
          "replacement", "where a person puts the new token; `prompt` when absent")
        ?? "prompt:the new token of \(read.name)"
      repositories = try read.texts(
        "repositories", "owner/name of repositories whose deploy keys are listed with `token`")
      try read.check(
        repositories.allSatisfy { GitHubToken.path(ofRepository: $0) != nil },
        "a name under repositories is not owner/name", fix: "write for example repositories: [acme/shop]")
      organizations = try read.texts(
        "organizations", "organisations whose app installations and audit log are read with `token`")
      propagation = try read.propagation(.seconds(120))
      trust = try read.trust()
    }
  }

  public static let kind = "github"
  public static let summary =
    "A token of GitHub, which whoever holds it can revoke; a person issues the new one."
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  let settings: Settings
  let handingOver: String
  let environment: AdapterEnvironment
  let memory = GitHubMemory()
  /// What the store holds.
  var present: @Sendable () async -> [Secret] = { [] }

  private static let headers: [(name: String, value: HTTPField)] = [
    ("Accept", .text("application/vnd.github+json")), ("X-GitHub-Api-Version", .text("2022-11-28")),
  ]

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    lock = "github/\(settings.base)/\(target.name)"
    handingOver = try SecretReference(settings.replacement).fix
    capabilities = ProviderCapabilities(
      authority: .`self`, overlap: .several, disable: .irreversible, sessions: .none, issuing: .human,
      propagation: settings.propagation)
  }

  public func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self {
    var copy = self
    copy.present = present
    return copy
  }

  /// The name under which GitHub's audit log knows a token: its SHA-256, which reveals nothing of so long a random text.
  /// Source: https://docs.github.com/en/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/identifying-audit-log-events-performed-by-an-access-token
  static func ref(_ secret: Secret) -> CredentialRef {
    CredentialRef(mark + Data(SHA256.hash(data: secret.exposeAsBytes())).base64EncodedString())
  }
  static let mark = "sha256:"

  static func path(ofRepository name: String) -> String? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    return "/repos/" + parts.map { RESTClient.escaped(String($0)) }.joined(separator: "/")
  }

  func client(_ login: RESTClient.Login, fix: String) -> RESTClient {
    RESTClient(
      base: settings.base, login: login, headers: Self.headers, trust: settings.trust,
      environment: environment, fix: fix)
  }

  func client(_ secret: Secret) -> RESTClient {
    client(.init(as: secret), fix: "make another token on GitHub (Settings, Developer settings)")
  }

  /// What `token` in staunch.yaml asks.
  func reader() -> RESTClient? {
    settings.token.map {
      client(
        .init($0),
        fix: "token in staunch.yaml must be a living token of the leaked one's user that reads this")
    }
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    guard let value = leak.value else {
      throw CapabilityError(
        .notFound, "GET /user", because: "a token is found by its value, and only an id is known",
        fix: "give the value (--secret env:NAME), or revoke it on GitHub (Settings, Developer settings)")
    }
    let form = GitHubForm(value)
    let operation = "GET \(form.question.prefix { $0 != "?" })"
    try await refuseOwn(value, operation)
    let ref = Self.ref(value)
    // Using it would turn it into another one.
    if form == .refresh { return Subject(ref) }
    let own = client(value)
    let answer = try await own.answer(form.question)
    switch GitHubWord(answer) {
    case .living(let seen):
      if let user = seen.user, let owner = await owner(besides: value), owner != user {
        throw CapabilityError(
          .notFound, operation,
          because: "it is of user \(user), and this entry's tokens are of user \(owner)",
          fix: "give that user's token an entry of its own under credentials")
      }
      memory.keep(ref, seen)
      return Subject(ref)
    case .restricted: return Subject(ref)
    case .refused(let code):
      throw CapabilityError(
        .notFound, operation, because: "GitHub does not accept it (\(code))",
        fix: "nothing is left to revoke, unless it is of another GitHub: check base_url in staunch.yaml")
    case .other:
      throw own.failure(of: answer, operation, changes: false)
        ?? CapabilityError(.invalid, operation, because: "the answer names no user", fix: "check base_url")
    }
  }

  /// - Throws: `.unsafe` for a token that the runner itself uses.
  func refuseOwn(_ value: Secret, _ operation: String) async throws(CapabilityError) {
    for reference in [settings.token, settings.serverToken].compactMap({ $0 }) {
      let isOwn: Bool
      do throws(CapabilityError) {
        isOwn = try await environment.sources.resolve(reference).isSame(as: value)
      } catch { isOwn = false }  // what cannot be had is not used either
      guard isOwn else { continue }
      throw CapabilityError(
        .unsafe, operation, because: "the leaked token is one that the runner uses itself",
        fix: "make another one, name it in staunch.yaml, then come back")
    }
  }

  /// Whose tokens the entry is for, where another one tells: the runner's, or what the store holds. Else whatever GitHub takes
  /// is meant.
  private func owner(besides value: Secret) async -> Int? {
    for other in await others(besides: value, [settings.token]) where GitHubForm(other) == .user {
      do throws(CapabilityError) {
        if case .living(let seen) = GitHubWord(try await client(other).answer(GitHubForm.user.question)),
          let user = seen.user
        {
          return user
        }
      } catch { continue }
    }
    return nil
  }

  public func readiness() async -> [Readiness] {
    var found = [
      Readiness("revoking", .unknown(because: "the call can be tried only by revoking; it needs no right"))
    ]
    if let reference = settings.serverToken {
      do throws(CapabilityError) {
        _ = try await client(.init(reference), fix: "make another one on the server").get("/user")
        found.append(Readiness("server_token", .ready("accepted")))
      } catch { found.append(Readiness("server_token", error)) }
    }
    guard let reader = reader() else {
      return found + [
        Readiness(
          "token",
          .unknown(
            because:
              "none is named: no refusal proves a token dead before the new one is there, and nobody lists what its holder "
              + "made"))
      ]
    }
    found.append(
      await Self.right("SSH keys") { () async throws(CapabilityError) in
        try await reader.pages("/user/keys", by: .number, first: 1).count
      })
    for name in settings.repositories {
      guard let path = Self.path(ofRepository: name) else { continue }
      found.append(
        await Self.right("deploy keys of \(name)") { () async throws(CapabilityError) in
          try await reader.pages(path + "/keys", by: .number, first: 1).count
        })
    }
    for name in settings.organizations {
      found.append(
        await Self.right("app installations of \(name)") { () async throws(CapabilityError) in
          try await Self.installations(name, reader).count
        })
      do throws(CapabilityError) {
        let path = "/orgs/\(RESTClient.escaped(name))/audit-log?include=all"
        _ = try await reader.pages(path, by: .number, first: 1)
        found.append(Readiness("audit log of \(name)", .ready("read")))
      } catch {
        // Not every organisation has one that an API tells.
        found.append(
          Readiness(
            "audit log of \(name)",
            .unknown(
              because: "\(error.because): its uses are not searched (GitHub Enterprise Cloud, read:audit_log)"
            )))
      }
    }
    return found
  }

  private static func right(_ what: String, _ ask: () async throws(CapabilityError) -> Int) async -> Readiness
  {
    do throws(CapabilityError) { return Readiness(what, .ready("\(try await ask()) listed")) } catch {
      return Readiness(what, error)
    }
  }

  /// No organisation has so many; beyond, something is wrong.
  private static let mostPages = 100

  static func installations(_ organization: String, _ reader: RESTClient)
    async throws(CapabilityError) -> [JSONValue]
  {
    let path = "/orgs/\(RESTClient.escaped(organization))/installations"
    var found: [JSONValue] = []
    for page in 1...Self.mostPages {
      let answer = try await reader.get("\(path)?per_page=100&page=\(page)")
      guard let new = answer["installations"]?.array else {
        throw CapabilityError(.invalid, "GET \(path)", because: "the answer is no list")
      }
      found += new
      if new.count < 100 { return found }
    }
    throw CapabilityError(.invalid, "GET \(path)", because: "the list has no end")
  }

  /// GitHub says the same of a revoked token and of one that never was, and after many failed logins it refuses everybody: a
  /// refusal is dead only beside another token that it accepts.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let form = GitHubForm(secret)
    guard form != .refresh else {
      return CredentialProbe(
        .unknown,
        code: "not asked, a refresh token can be tried only by using it up: see on GitHub that it is gone")
    }
    let base = settings.base
    let control = await control(besides: secret)
    let hasControl = control != nil
    let probe = KeyProbe(
      base: base, trust: settings.trust, environment: environment,
      request: {
        .get(
          base + form.question,
          headers: [("Authorization", .secret(prefix: "Bearer ", $0))] + Self.headers)
      },
      read: { answer in
        switch GitHubWord(answer) {
        case .living: CredentialProbe(.alive, code: "200")
        case .restricted: CredentialProbe(.alive, code: "403, known and restricted")
        case .refused(let code) where hasControl: CredentialProbe(.dead, code: code)
        case .refused(let code):
          CredentialProbe(
            .unknown,
            code:
              "\(code), and no token to compare with: name one in token in staunch.yaml, or put the new one into place",
            isRefused: true)
        case .other(let code): CredentialProbe(.unknown, code: code)
        }
      })
    return try await probe.verdict(on: secret, hasControl: hasControl) { () async throws(CapabilityError) in
      guard let control else { return nil }
      return await accepts(control) ? nil : "a token that worked a moment ago is refused as well"
    }
  }

  /// Another token that works now: the runner's own, else the new one, as a person put it there or as the store holds it.
  private func control(besides secret: Secret) async -> Secret? {
    let references = [settings.token, settings.serverToken, settings.replacement]
    for candidate in await others(besides: secret, references) {
      if await accepts(candidate) { return candidate }
    }
    return nil
  }

  private func others(besides secret: Secret, _ references: [String?]) async -> [Secret] {
    var others: [Secret] = []
    for reference in references.compactMap({ $0 }) where !reference.hasPrefix("prompt") {
      // A reference that leads nowhere is doctor's to tell; without it the verdict stands on less.
      do throws(CapabilityError) { others.append(try await environment.sources.resolve(reference)) } catch {}
    }
    others += await present()
    return others.filter { !$0.isSame(as: secret) }
  }

  private func accepts(_ secret: Secret) async -> Bool {
    let form = GitHubForm(secret)
    guard form != .refresh else { return false }
    do throws(CapabilityError) {
      switch GitHubWord(try await client(secret).answer(form.question)) {
      case .living, .restricted: return true
      case .refused, .other: return false
      }
    } catch { return false }
  }
}
