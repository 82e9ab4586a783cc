public import Capabilities
import Foundation
import JSON
import RESTClient
import Secrets

/// The fields of one 1Password item, by their labels, through a Connect server: the command line takes values as arguments, where
/// others can read them, and its token from an environment.
///
/// Several fields change in one JSON Patch. There is no conditional write: the item's `version` is looked at right before, and what
/// comes at the same moment is seen by the read that follows. 1Password keeps former versions of an item, which whoever may see it
/// can read: a rotated value is dead there, an old version is not taken away.
///
/// What the holder of the leaked value may have prepared: a second field of the same label (refused), a copy in another item or vault,
/// which is not searched here.
/// The runner's right: a Connect token that may read and write the vault.
/// Tested against exchanges written from the documentation (read on 2026-11-30), not against a Connect server.
/// Source: https://developer.1password.com/docs/connect/api-reference/
public struct OnePasswordItem: NamedTexts {
  struct Settings: AdapterSettings {
    let base: String
    let token: String
    let vault: String
    let item: String
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("http://localhost:8080")
      token = try read.reference("token", "a Connect token that may read and write the vault")
      vault = try read.text("vault", "the vault's id")
      item = try read.text("item", "the item's id")
      trust = try read.trust()
    }
  }

  public static let kind = "1password"
  public static let summary = "The fields of a 1Password item, through a Connect server."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "a Connect token that may read and write the vault",
    survives: "former versions of the item, for whoever may see it")
  public static let settings = Settings.declarations

  private let settings: Settings
  private let api: RESTClient

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    api = RESTClient(
      base: settings.base, login: .init(settings.token), trust: settings.trust, environment: environment,
      fix: "token in staunch.yaml must be a Connect token that may read and write the vault \(settings.vault)"
    )
  }

  var place: String { "the item \(settings.item)" }

  private var path: String {
    "/v1/vaults/\(RESTClient.escaped(settings.vault))/items/\(RESTClient.escaped(settings.item))"
  }

  public func resource(of key: String) -> ResourceName? {
    ResourceName("1password:\(settings.vault)/\(settings.item)/\(key)")
  }

  private struct Item {
    let version: Int
    /// Label → id.
    let ids: [String: String]
    let texts: [String: NamedText]
  }

  private func item() async throws(CapabilityError) -> Item {
    let operation = "GET \(api.shown(path))"
    let answer = try await api.get(path)
    guard let version = answer["version"]?.integer, let fields = answer["fields"]?.array else {
      throw CapabilityError(.invalid, operation, because: "the answer is no item", fix: "check base_url")
    }
    var ids: [String: String] = [:]
    var texts: [String: NamedText] = [:]
    for field in fields {
      guard let id = field["id"]?.string, let label = field["label"]?.string, !label.isEmpty else { continue }
      guard ids[label] == nil else {
        throw CapabilityError(
          .unsafe, operation, because: "two fields have one label: nobody can tell which one programs read",
          fix: "rename one of them, then: staunch resume")
      }
      ids[label] = id
      // A field that was never filled in has no value.
      texts[label] = NamedText(text: field["value"]?.string ?? "", version: "\(version)")
    }
    return Item(version: version, ids: ids, texts: texts)
  }

  func texts() async throws(CapabilityError) -> [String: NamedText] { try await item().texts }

  static func obstacle(to text: String) -> String? { nil }

  static func checkKey(_ key: String) throws(CapabilityError) {
    guard !key.isEmpty, !key.hasPrefix("."), !key.contains("/"), !key.contains(where: \.isNewline) else {
      throw CapabilityError(
        .configuration, "find a field of 1Password", because: "the key is no field's label",
        fix: "use the label as 1Password shows it, without /")
    }
  }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let count = try await texts().count
      return [
        Readiness("reading", .ready("\(place) has \(count) fields")),
        Readiness(
          "writing",
          .unknown(
            because: "Connect tells only a write whether the token may: see that it may write the vault")),
      ]
    } catch { return [Readiness("reading", error)] }
  }

  func write(
    _ changes: [String: String], over before: [String: NamedText], _ operation: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let now = try await item()
    guard now.texts == before else {
      throw CapabilityError(
        .conflict, operation, because: "something else wrote it at the same time", fix: "staunch resume")
    }
    let patch = changes.sorted { $0.key < $1.key }.map { label, text -> JSONValue in
      guard let id = now.ids[label] else {
        return [
          "op": "add", "path": "/fields",
          "value": ["label": .string(label), "type": "CONCEALED", "value": .string(text)],
        ]
      }
      return ["op": "replace", "path": .string("/fields/\(id)/value"), "value": .string(text)]
    }
    let answer = try await api.change(.patch, path, .array(patch), under: authority)
    if let failure = api.failure(of: answer, operation, changes: true) { throw failure }
    guard try await item().version == now.version + 1 else {
      throw CapabilityError(
        .conflict, operation, because: "something else wrote the item at the same time: see its versions",
        fix: "staunch resume")
    }
  }
}
