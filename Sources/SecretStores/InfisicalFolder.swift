public import Capabilities
import Foundation
import JSON
import RESTClient
import Secrets

/// The secrets of one folder of an Infisical environment, through its API: the command line takes values as arguments, where others
/// can read them.
///
/// Several secrets change in one batch. There is no conditional write: each secret's `version` is looked at right before, and must be the
/// next one after. Former versions can be read by whoever may see the secret: a rotated value is dead there, an old version is not
/// taken away. Where a policy wants a review, nothing is changed until a person approves it in Infisical: the run waits.
///
/// What the holder of the leaked value may have prepared: a reference or an import in another folder, which follows by itself; a
/// sync, which copies the new value to where it points; a personal override, which the API does not show to others.
/// The runner's right: a machine identity that may read and edit secrets of the environment (`read`, `readValue`, `edit`, `create`).
/// Tested against exchanges written from the documentation (read on 2026-11-30), not against infisical.com.
/// Sources: https://infisical.com/docs/api-reference/endpoints/secrets/list,
/// https://infisical.com/docs/api-reference/endpoints/secrets/update-many
public struct InfisicalFolder: NamedTexts {
  struct Settings: AdapterSettings {
    let base: String
    let token: String
    let project: String
    let environment: String
    let path: String
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://us.infisical.com")
      token = try read.reference("token", "an access token of the runner's machine identity")
      project = try read.text("project", "the project's id")
      environment = try read.text("environment", "the environment's slug: `prod`")
      path = try read.text("path", default: "/", "the folder")
      trust = try read.trust()
      try read.check(path.hasPrefix("/"), "path is no folder", fix: "begin it with /, for example path: /app")
    }
  }

  public static let kind = "infisical"
  public static let summary = "The secrets of a folder of an Infisical environment."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "a machine identity that may read, readValue, edit and create secrets of the environment",
    survives: "former versions, for whoever may see the secret")
  public static let settings = Settings.declarations

  private let settings: Settings
  private let api: RESTClient

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    api = RESTClient(
      base: settings.base, login: .init(settings.token), trust: settings.trust, environment: environment,
      fix: "the machine identity needs read, readValue, edit and create on secrets of \(settings.environment)"
    )
  }

  var place: String { "\(settings.environment)\(settings.path)" }

  public func resource(of key: String) -> ResourceName? {
    ResourceName(
      "infisical:\(settings.base)/\(settings.project)/\(settings.environment)\(settings.path)/\(key)")
  }

  /// With references as they are written, without what is imported.
  func texts() async throws(CapabilityError) -> [String: NamedText] {
    let query = [
      ("projectId", settings.project), ("environment", settings.environment), ("secretPath", settings.path),
      ("viewSecretValue", "true"), ("expandSecretReferences", "false"), ("includeImports", "false"),
      ("recursive", "false"),
    ].map { "\($0.0)=\(RESTClient.escaped($0.1))" }.joined(separator: "&")
    let operation = "list the secrets of \(place)"
    guard let secrets = try await api.get("/api/v4/secrets?\(query)")["secrets"]?.array else {
      throw CapabilityError(
        .invalid, operation, because: "the answer lists no secrets", fix: "check base_url")
    }
    var texts: [String: NamedText] = [:]
    for secret in secrets where secret["type"]?.string != "personal" {
      guard let key = secret["secretKey"]?.string, let version = secret["version"]?.integer else {
        throw CapabilityError(
          .invalid, operation, because: "a secret of the answer has no key or version", fix: "check base_url")
      }
      let isHidden = secret["secretValueHidden"]?.boolean ?? false
      texts[key] = NamedText(text: isHidden ? nil : secret["secretValue"]?.string, version: "\(version)")
    }
    return texts
  }

  static func obstacle(to text: String) -> String? {
    text.contains("${") ? "a text with ${ names another secret there" : nil
  }

  static func checkKey(_ key: String) throws(CapabilityError) {
    let isPlain = key.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        || [0x5F, 0x2D, 0x2E].contains($0)
    }
    guard !key.isEmpty, !key.hasPrefix("."), isPlain else {
      throw CapabilityError(
        .configuration, "find a secret of Infisical", because: "the key is no secret's name",
        fix: "use letters, digits, _, - and, but not first, .")
    }
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let texts = try await texts()
      let isHidden = texts.values.contains { $0.text == nil }
      return [
        Readiness(
          "reading",
          isHidden
            ? .missing(
              because: "values are hidden from the machine identity",
              fix: "give it readValue on secrets of \(place)")
            : .ready("\(place) has \(texts.count) secrets")),
        Readiness(
          "writing",
          .unknown(
            because: "Infisical tells only a write whether the identity may: see that it has edit and create")
        ),
      ]
    } catch { return [Readiness("reading", error)] }
  }

  func write(
    _ changes: [String: String], over before: [String: NamedText], _ operation: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard try await texts() == before else {
      throw CapabilityError(
        .conflict, operation, because: "something else wrote it at the same time", fix: "staunch resume")
    }
    let secrets = changes.sorted { $0.key < $1.key }.map { key, text -> JSONValue in
      ["secretKey": .string(key), "secretValue": .string(text)]
    }
    let answer = try await api.change(
      .patch, "/api/v4/secrets/batch",
      [
        "projectId": .string(settings.project), "environment": .string(settings.environment),
        "secretPath": .string(settings.path), "mode": "upsert", "secrets": .array(secrets),
      ], under: authority)
    if let failure = api.failure(of: answer, operation, changes: true) { throw failure }
    // With a policy, the answer is a request for its approval.
    guard try api.json(answer, operation)["approval"] == nil else {
      throw CapabilityError(
        .awaitsPerson, operation, because: "a policy of Infisical wants the change to be approved there",
        fix: "approve it in Infisical, then: staunch resume")
    }
    let after = try await texts()
    let isNext = changes.keys.allSatisfy { key in
      guard let old = before[key].flatMap({ Int($0.version) }) else { return after[key] != nil }
      return after[key].flatMap { Int($0.version) } == old + 1
    }
    guard isNext else {
      throw CapabilityError(
        .conflict, operation, because: "something else wrote it at the same time: see its versions",
        fix: "staunch resume")
    }
  }
}
