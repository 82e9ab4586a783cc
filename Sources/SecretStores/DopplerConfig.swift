public import Capabilities
import Foundation
import JSON
import RESTClient
import Secrets

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
public struct DopplerConfig: NamedTexts {
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
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "a service token of the config with read and write access",
    survives: "former values in the config's log, for whoever may read the config")
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

  var place: String { "\(settings.project)/\(settings.config)" }

  private var query: String {
    "project=\(RESTClient.escaped(settings.project))&config=\(RESTClient.escaped(settings.config))"
  }

  public func resource(of key: String) -> ResourceName? {
    ResourceName("doppler:\(settings.base)/\(place)/\(key)")
  }

  // MARK: reading

  /// With references as they are written.
  func texts() async throws(CapabilityError) -> [String: NamedText] {
    let answer = try await api.get("/v3/configs/config/secrets?\(query)&include_managed_secrets=false")
    guard let found = answer["secrets"]?.object else {
      throw CapabilityError(
        .invalid, "list the secrets of \(place)", because: "the answer lists no secrets",
        fix: "check base_url")
    }
    let version = found.isEmpty ? "" : try await version()
    return found.mapValues { NamedText(text: $0["raw"]?.string, version: version) }
  }

  private func version() async throws(CapabilityError) -> String {
    let answer = try await api.get("/v3/configs/config/logs?\(query)&page=1&per_page=1")
    guard let newest = answer["logs"]?.array?.first?["id"]?.string else {
      throw CapabilityError(
        .invalid, "read the log of \(place)", because: "the answer names no entry", fix: "check base_url")
    }
    return newest
  }

  static func checkKey(_ key: String) throws(CapabilityError) {
    let isPlain = key.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x5F
    }
    guard let first = key.utf8.first, !(0x30...0x39).contains(first), isPlain else {
      throw CapabilityError(
        .configuration, "find a secret of Doppler", because: "the key is no secret's name",
        fix: "use upper-case letters, digits and _")
    }
  }

  static func obstacle(to text: String) -> String? {
    text.contains("${") ? "a text with ${ names another secret there" : nil
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let count = try await texts().count
      _ = try await version()
      return [
        Readiness("reading", .ready("\(place) has \(count) secrets")),
        Readiness(
          "writing",
          .unknown(because: "Doppler tells only a write whether the token may: see that it has write access")),
      ]
    } catch { return [Readiness("reading", error)] }
  }

  // MARK: writing

  func write(
    _ changes: [String: String], over before: [String: NamedText], _ operation: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let requests = changes.sorted { $0.key < $1.key }.map { key, value -> JSONValue in
      let original = before[key]?.text
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
    guard let failure = api.failure(of: answer, operation, changes: true) else { return }
    // A value that is not the original one is refused with a status that others have, too: the secrets tell.
    guard [400, 409, 422].contains(answer.status), try await texts() != before else { throw failure }
    throw CapabilityError(
      .conflict, operation, because: "something else wrote it at the same time", fix: "staunch resume")
  }
}
