public import Capabilities
public import Incidents
import JSON
import RESTClient
public import Secrets

/// A personal, project or group access token of GitLab, which turns itself into a new one.
///
/// Nothing has to be configured: the leaked token is its own authority. `POST …/self/rotate` ends it in the same call, and
/// GitLab revokes the whole family of a token that is rotated a second time, so the call is sent once, and only after
/// GitLab has said that the token lives. What became of a lost reply is looked for, never asked for again.
///
/// The threat: its holder may have rotated it first; then it is dead, and theirs, of the same family, lives until its owner
/// revokes it. They may have made SSH keys, other tokens, deploy keys and tokens, triggers, runners and webhooks, which
/// outlive it. With `token`, SSH keys and personal tokens are listed, by their ids alone: names are the holder's own text.
/// `token` only reads. A blocked user's token is refused and works again later: that is no death.
/// Tested against the simulator of self-rotation behind GitLab's answers, and exchanges written from the documentation
/// (stored copies, read on 2026-11-30), not against a GitLab.
/// Sources: https://docs.gitlab.com/api/personal_access_tokens/ (self-inform, self-rotate, automatic reuse detection,
/// self-revoke), https://docs.gitlab.com/api/project_access_tokens/, https://docs.gitlab.com/api/user_keys/,
/// https://gitlab.com/gitlab-org/gitlab/-/issues/524639; the words of a refusal: lib/api/api_guard.rb of GitLab.
public struct GitLabToken: CredentialProvider {
  struct Settings: AdapterSettings {
    let base: String
    let project: String?
    let group: String?
    let token: String?
    let lifetime: Int?
    let expectedClients: [String]
    let propagation: Duration
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://gitlab.com")
      project = try read.optionalText(
        "project", "it is a token of this project (its id or path), not of a person")
      group = try read.optionalText("group", "it is a token of this group (its id or path), not of a person")
      try read.check(
        project == nil || group == nil, "project and group stand side by side",
        fix: "a token belongs to one of them: leave the other out")
      token = try read.optionalReference(
        "token",
        "another token of the same user, with read_api and no more: it is asked between refusals, and lists what the "
          + "leaked one's holder made")
      lifetime = try read.integer(
        "lifetime_days", "how long the new token lasts; as long as the leaked one did when absent")
      try read.check(
        lifetime.map { (1...400).contains($0) } ?? true, "lifetime_days is no number from 1 to 400",
        fix: "GitLab makes none that lasts longer")
      expectedClients = try read.texts(
        "expected_clients", "addresses or networks from which it is used; another one counts as abuse")
      propagation = try read.propagation(.seconds(60))
      trust = try read.trust()
    }
  }

  public static let kind = "gitlab"
  public static let summary = "A personal, project or group access token of GitLab, which rotates itself."
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  let settings: Settings
  let expected: ClientAddresses
  let environment: AdapterEnvironment
  let memory = GitLabMemory()
  /// What the store holds.
  var present: @Sendable () async -> [Secret] = { [] }

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    expected = try ClientAddresses(settings.expectedClients, of: target)
    self.environment = environment
    lock = "gitlab/\(settings.base)/\(target.name)"
    capabilities = ProviderCapabilities(
      authority: .`self`, overlap: .none, disable: .irreversible, sessions: .none, issuing: .rotated,
      propagation: settings.propagation)
  }

  public func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self {
    var copy = self
    copy.present = present
    return copy
  }

  static let own = "/personal_access_tokens/self"

  func client(_ secret: Secret, fix: String? = nil) -> RESTClient {
    RESTClient(
      base: settings.base + "/api/v4", login: .init(header: "PRIVATE-TOKEN", prefix: "", as: secret),
      trust: settings.trust, environment: environment,
      fix: fix ?? "make another token in GitLab (Preferences, Access tokens) and put it into the store")
  }

  /// What `token` in staunch.yaml asks.
  func reader() -> RESTClient? {
    settings.token.map { reference in
      RESTClient(
        base: settings.base + "/api/v4", login: .init(header: "PRIVATE-TOKEN", prefix: "", reference),
        trust: settings.trust, environment: environment,
        fix: "token in staunch.yaml must be a living token of the leaked one's user with read_api")
    }
  }

  func word(_ secret: Secret) async throws(CapabilityError) -> GitLabWord {
    GitLabWord(try await client(secret).answer(Self.own))
  }

  /// Other tokens of GitLab's, which this API neither knows nor revokes: its refusal says nothing of them.
  static let otherForms = [
    "gldt-", "glptt-", "GR1348941", "glrt-", "glrtr-", "glcbt-", "glft-", "glagent-", "glsoat-", "gloas-",
    "glimt-", "glffct-", "glwt-",
  ]

  /// As errors name it. An OAuth access token is 64 hexadecimal digits, lives under another header, and its refusal here would
  /// look like death.
  static func otherForm(_ secret: Secret) -> String? {
    let bytes = secret.exposeAsBytes()
    let isHex = bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    if bytes.count == 64, isHex { return "an OAuth access token" }
    return otherForms.first { bytes.starts(with: Array($0.utf8)) }
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "GET \(Self.own)"
    guard let value = leak.value else {
      throw CapabilityError(
        .notFound, operation, because: "a token is found by its value, and only an id is known",
        fix: "give the value (--secret env:NAME), or revoke it by its id in GitLab")
    }
    try await refuseOwn(value, operation)
    if let form = Self.otherForm(value) {
      throw CapabilityError(
        .notFound, operation, because: "it is of another kind (\(form)), which does not rotate itself",
        fix:
          "revoke it where it was made: in the settings of its project, group or runner, or its user's applications"
      )
    }
    let answer = try await client(value).answer(Self.own)
    switch GitLabWord(answer) {
    case .living(let record):
      if let user = record.user, let owner = try await owner(besides: value), owner != user {
        throw CapabilityError(
          .notFound, operation,
          because: "it is of user \(user), and this entry's tokens are of user \(owner)",
          fix: "give that user's token an entry of its own under credentials")
      }
      memory.keep(record)
      return Subject(record.ref)
    case .ended(let code), .strange(let code):
      throw CapabilityError(
        .notFound, operation, because: "GitLab does not accept it (\(code))",
        fix: "nothing is left to revoke, unless it is of another GitLab: check base_url in staunch.yaml")
    case .restricted, .other:
      throw client(value).failure(of: answer, operation, changes: false)
        ?? CapabilityError(
          .invalid, operation, because: "the answer is no token's record", fix: "check base_url")
    }
  }

  /// - Throws: `.unsafe` for the token that the runner itself uses.
  func refuseOwn(_ value: Secret, _ operation: String) async throws(CapabilityError) {
    guard let token = settings.token else { return }
    let isOwn: Bool
    do throws(CapabilityError) {
      isOwn = try await environment.sources.resolve(token).isSame(as: value)
    } catch { isOwn = false }  // what cannot be had is not used either
    guard isOwn else { return }
    throw CapabilityError(
      .unsafe, operation, because: "the leaked token is the one that the runner uses itself",
      fix: "make another one with read_api, name it in token, then come back")
  }

  /// Whose tokens the entry is for, where another one tells: the runner's, or what the store holds. Else whatever GitLab takes
  /// is meant.
  /// - Throws: while one that could tell gets no answer: a stranger's token must not become the program's.
  private func owner(besides value: Secret) async throws(CapabilityError) -> Int? {
    // A project's or group's token is of a user of its own.
    let isPersonal = settings.project == nil && settings.group == nil
    for other in await others(besides: value, withReader: isPersonal) {
      let client = client(other)
      let answer = try await client.answer(Self.own)
      if case .living(let record) = GitLabWord(answer), let user = record.user { return user }
      guard answer.status == 429 || answer.status >= 500 else { continue }
      if let failure = client.failure(of: answer, "GET \(Self.own)", changes: false) { throw failure }
    }
    return nil
  }

  public func readiness() async -> [Readiness] {
    var found = [
      Readiness(
        "rotating",
        .unknown(because: "the right is the leaked token's own (api or self_rotate): only it can be asked"))
    ]
    guard let reader = reader() else {
      return found + [
        Readiness(
          "token",
          .unknown(because: "none is named: nobody lists what the holder of a leaked token has made with it"))
      ]
    }
    do throws(CapabilityError) {
      let scopes = try await reader.get(Self.own)["scopes"]?.array?.compactMap(\.string) ?? []
      let excess = scopes.filter { $0 != "read_api" }.sorted().joined(separator: ", ")
      if scopes.contains("read_api"), excess.isEmpty {
        found.append(Readiness("token", .ready("read_api")))
      } else if scopes.contains("read_api") || scopes.contains("api") {
        found.append(Readiness("token", .ready("it may more than it needs: \(excess); read_api is enough")))
      } else {
        found.append(
          Readiness(
            "token", .missing(because: "it has no read_api", fix: "make one in GitLab with read_api alone")))
      }
    } catch { found.append(Readiness("token", error)) }
    return found
  }

  /// Dead is GitLab's own word that it has found the token and revoked it, or that it has expired. That it has no such token
  /// is a refusal only beside another token that it accepts: it may be of another GitLab.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    if let form = Self.otherForm(secret) {
      return CredentialProbe(
        .unknown, code: "not asked, this API does not know this kind of token (\(form))")
    }
    let url = settings.base + "/api/v4" + Self.own
    let control = await control(besides: secret)
    let hasControl = control != nil
    let probe = KeyProbe(
      base: settings.base, trust: settings.trust, environment: environment,
      request: { .get(url, headers: [("PRIVATE-TOKEN", .secret(prefix: "", $0))]) },
      read: { answer in
        switch GitLabWord(answer) {
        case .living: CredentialProbe(.alive, code: "200")
        case .restricted: CredentialProbe(.alive, code: "403 insufficient_scope")
        case .ended(let code): CredentialProbe(.dead, code: code)
        case .strange(let code) where hasControl: CredentialProbe(.dead, code: code)
        case .strange(let code):
          CredentialProbe(
            .unknown,
            code: "\(code), and no token to compare with: name one in token in staunch.yaml", isRefused: true)
        case .other(let code): CredentialProbe(.unknown, code: code)
        }
      })
    return try await probe.verdict(on: secret, hasControl: hasControl) { () async throws(CapabilityError) in
      guard let control else { return nil }
      return await accepts(control) ? nil : "a token that worked a moment ago is refused as well"
    }
  }

  /// Another token that works now: the runner's own, else what the store holds.
  private func control(besides secret: Secret) async -> Secret? {
    for candidate in await others(besides: secret) {
      if await accepts(candidate) { return candidate }
    }
    return nil
  }

  private func others(besides secret: Secret, withReader: Bool = true) async -> [Secret] {
    var others: [Secret] = []
    if withReader, let token = settings.token {
      // A reference that leads nowhere is doctor's to tell; without it the verdict stands on less.
      do throws(CapabilityError) { others.append(try await environment.sources.resolve(token)) } catch {}
    }
    others += await present()
    return others.filter { !$0.isSame(as: secret) }
  }

  private func accepts(_ secret: Secret) async -> Bool {
    do throws(CapabilityError) {
      switch try await word(secret) {
      case .living, .restricted: return true
      case .ended, .strange, .other: return false
      }
    } catch { return false }
  }
}
