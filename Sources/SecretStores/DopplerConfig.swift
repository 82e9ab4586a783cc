public import Capabilities
import Foundation
import JSON
import RESTClient
public import Secrets

/// The secrets of one Doppler config, through its API: the command line would take the runner's token from its environment.
///
/// Every write is one request with a `change_requests` entry for each secret, and each names the value that was read
/// (`originalValue`): Doppler refuses it when somebody wrote in between. Several secrets change together. The version is the
/// newest entry of the config's log, which any write moves. Former values stay in that log, where *rollback* finds them and whoever
/// may read the config does too: a rotated value is dead, an old log is not taken away.
///
/// What the holder of the leaked value may have prepared: a reference in another config (`${project.config.NAME}`), which follows by
/// itself; a branch config that overrides the secret (it is an entry of its own: give it one); a sync, which copies the new
/// value to where it points. A `restricted` secret is shown to nobody, so it cannot be compared: refused.
/// The runner's right: a service token of the config with read and write access.
/// Tested against exchanges written from the documentation (read on 2026-11-30), not against api.doppler.com.
/// Sources: https://docs.doppler.com/reference/secrets-list, https://docs.doppler.com/reference/secrets-update,
/// https://docs.doppler.com/reference/config_logs-list
public struct DopplerConfig: SecretStore {
  struct Settings: AdapterSettings {
    let base: String
    let token: String
    let project: String
    let config: String
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://api.doppler.com")
      token = try read.reference("token", "a service token of the config, with read and write access")
      project = try read.text("project", "the project's name")
      config = try read.text("config", "the config's name: `prd`")
      trust = try read.trust()
    }
  }

  public static let kind = "doppler"
  public static let summary = "The secrets of a Doppler config."
  public static let settings = Settings.declarations

  private let settings: Settings
  private let api: RESTClient

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    api = RESTClient(
      base: settings.base, login: .init(settings.token), trust: settings.trust, environment: environment,
      fix:
        "token in staunch.yaml must be a service token of \(settings.project)/\(settings.config) with write access"
    )
  }

  /// As people write it: `shop/prd`.
  private var name: String { "\(settings.project)/\(settings.config)" }

  private var query: String {
    "project=\(RESTClient.escaped(settings.project))&config=\(RESTClient.escaped(settings.config))"
  }

  public func resource(of key: String) -> ResourceName? {
    ResourceName("doppler:\(settings.base)/\(name)/\(key)")
  }

  // MARK: reading

  /// Name → value as it is written, with references; nil: Doppler does not show it.
  private func secrets() async throws(CapabilityError) -> [String: String?] {
    let answer = try await api.get("/v3/configs/config/secrets?\(query)&include_managed_secrets=false")
    guard let found = answer["secrets"]?.object else {
      throw CapabilityError(
        .invalid, "list the secrets of \(name)", because: "the answer lists no secrets", fix: "check base_url"
      )
    }
    return found.mapValues { $0["raw"]?.string }
  }

  private func version() async throws(CapabilityError) -> String {
    let answer = try await api.get("/v3/configs/config/logs?\(query)&page=1&per_page=1")
    guard let newest = answer["logs"]?.array?.first?["id"]?.string else {
      throw CapabilityError(
        .invalid, "read the log of \(name)", because: "the answer names no entry", fix: "check base_url")
    }
    return newest
  }

  private static func checkKey(_ key: String) throws(CapabilityError) {
    let isPlain = key.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x5F
    }
    guard let first = key.utf8.first, !(0x30...0x39).contains(first), isPlain else {
      throw CapabilityError(
        .configuration, "find a secret of Doppler", because: "the key is no secret's name",
        fix: "use upper-case letters, digits and _")
    }
  }

  private func hidden(_ key: String) -> CapabilityError {
    CapabilityError(
      .unsupported, "read \(key) of \(name)", because: "the secret is restricted: Doppler shows it to nobody",
      fix: "set its visibility to masked in Doppler")
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let count = try await secrets().count
      _ = try await version()
      return [
        Readiness("reading", .ready("\(name) has \(count) secrets")),
        Readiness(
          "writing",
          .unknown(because: "Doppler tells only a write whether the token may: see that it has write access")),
      ]
    } catch { return [Readiness("reading", error)] }
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    try Self.checkKey(key)
    guard try await secrets().keys.contains(key) else { return nil }
    return try await version()
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    try Self.checkKey(key)
    guard let entry = try await secrets()[key] else {
      throw CapabilityError(
        .notFound, "read \(key) of \(name)", because: "the config has no such secret",
        fix: "check the key in staunch.yaml")
    }
    guard let value = entry else { throw hidden(key) }
    return Secret(value)
  }

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    var copies: [SecretCopy] = []
    for (other, value) in try await self.secrets().sorted(by: { $0.key < $1.key }) where other != key {
      guard let value else {
        copies.append(
          SecretCopy(key: other, canFollow: false, kind: .unread(because: "it is restricted")))
        continue
      }
      let copy = CredentialCopy(name: other, text: Array(value.utf8))
      let held = secrets.map { copy.holding($0.exposeAsBytes()) }
      if held.contains(where: { $0 != .nothing }) {
        copies.append(SecretCopy(key: other, canFollow: !held.contains(.unclear)))
      }
    }
    return copies
  }

  // MARK: writing

  public var takesSeveralEntries: Bool { true }

  public func put(
    _ key: String, _ secret: Secret, replacing old: [Secret], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try await put(
      [StoreEntry(key, secret, replacing: old)], sparing: others, marker: marker, under: authority)
  }

  /// All of them in one request. The marker stands nowhere: what is already there is not written again.
  public func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "write \(entries.map(\.key).joined(separator: ", ")) to \(name)"
    for entry in entries {
      try Self.checkKey(entry.key)
      let value = entry.secret.exposeAsBytes()
      guard !value.isEmpty, let text = String(validating: value, as: UTF8.self), !text.contains("${") else {
        throw CapabilityError(
          .invalid, operation,
          because: "a secret is UTF-8 text that is not empty and has no ${, which names another secret")
      }
    }
    let before = try await secrets()
    let changes = try changes(entries, sparing: others, in: before)
    guard !changes.isEmpty else { return try await version() }
    let requests = changes.sorted { $0.key < $1.key }.map { key, value -> JSONValue in
      let original = before[key] ?? nil
      return [
        "name": .string(key), "originalName": original == nil ? .null : .string(key), "value": .string(value),
        "originalValue": original.map { .string($0) } ?? .null,
      ]
    }
    let answer = try await api.change(
      .post, "/v3/configs/config/secrets",
      [
        "project": .string(settings.project), "config": .string(settings.config),
        "change_requests": .array(requests),
      ], under: authority)
    if let failure = api.failure(of: answer, operation, changes: true) {
      // A value that is not the original one is refused with a status that others have, too: the secrets tell.
      guard [400, 409, 422].contains(answer.status), try await secrets() != before else { throw failure }
      throw CapabilityError(
        .conflict, operation, because: "something else wrote it at the same time", fix: "staunch resume")
    }
    let after = try await secrets()
    guard changes.allSatisfy({ after[$0.key] == $0.value }) else {
      throw CapabilityError(
        .conflict, operation, because: "something else wrote it at the same time", fix: "staunch resume")
    }
    return try await version()
  }

  /// The secrets that get another value: the entries themselves, and what follows them.
  private func changes(_ entries: [StoreEntry], sparing others: Set<String>, in secrets: [String: String?])
    throws(CapabilityError) -> [String: String]
  {
    var changes: [String: String] = [:]
    for entry in entries {
      let known = secrets[entry.key]
      if case .some(.none) = known { throw hidden(entry.key) }
      let text = entry.secret.exposeAsText()
      if known != text { changes[entry.key] = text }
    }
    let own = Set(entries.map(\.key))
    for entry in entries {
      for old in entry.old.map({ $0.exposeAsBytes() }) {
        for (key, value) in secrets where !own.contains(key) && !others.contains(key) {
          guard let text = changes[key] ?? value else { continue }
          let copy = CredentialCopy(name: key, text: Array(text.utf8))
          guard copy.holding(old) == .replaceable,
            let whole = copy.replacing(old, with: entry.secret.exposeAsBytes()),
            let followed = String(validating: whole, as: UTF8.self)
          else { continue }
          changes[key] = followed
        }
      }
    }
    return changes
  }
}
