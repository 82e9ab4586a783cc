public import Capabilities
import Foundation
import JSON
import RESTClient
import Secrets

/// Secrets of an Azure Key Vault; a key is a secret's name.
///
/// A version that was set is current at once; what is staged lies in a secret of its own, `KEY-MARKER`. Every write keeps the
/// content type and the tags of the version before, says in the tag `rotated-by` which run it was, and is read back. Former
/// versions that hold the old value are disabled, which `moveBack` takes back.
///
/// What the holder of a leaked login may have prepared: a version of their own, since Key Vault compares nothing before it
/// writes (one just before ours is a former one then, one after ours is met by reading back); an expiry on the secret, which
/// the new version does not take over; a secret that was deleted and can be recovered, in whose place none can be set (said,
/// with the command).
///
/// Source: https://learn.microsoft.com/rest/api/keyvault/secrets
public struct AzureKeyVault: VersionedStore, EntryVersions {
  struct Settings: AdapterSettings {
    let base: String
    let login: AzureLogin
    let known: [String]
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      let base = try read.text("vault_url", "the vault: `https://shop.vault.azure.net`")
      self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
      login = try AzureLogin(from: &read)
      known = try read.texts(
        "known", "the names of secrets that may hold the same value: they are searched and written along")
      trust = try read.trust()
      try read.check(
        known.allSatisfy { AzureKeyVault.isName($0) }, "known has what is no secret's name",
        fix: "use letters, digits and -")
    }
  }

  public static let kind = "azure-key-vault"
  public static let summary = "Secrets of an Azure Key Vault."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "secrets/get, secrets/list, secrets/set",
    survives: "former versions, disabled: who may set secrets enables them")
  public static let settings = Settings.declarations
  static let version = "api-version=7.4"

  let settings: Settings
  let api: RESTClient
  var known: [String] { settings.known }

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    api = RESTClient(
      base: settings.base,
      login: .init(from: settings.login.tokens(for: "https://vault.azure.net", in: environment)),
      trust: settings.trust, environment: environment,
      fix: "the runner's login needs secrets get, list and set on the vault (Key Vault Secrets Officer)")
  }

  /// "1–127 characters, 0–9, a–z, A–Z and -."
  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.count <= 127
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || byte == 0x2D
      }
  }

  func checkKey(_ key: String) throws(CapabilityError) {
    guard Self.isName(key) else {
      throw CapabilityError(
        .configuration, "secret of \(settings.base)", because: "the key is no secret's name",
        fix: "use letters, digits and -")
    }
  }

  public func resource(of key: String) -> ResourceName? {
    ResourceName("azure:\(settings.base)/secrets/\(key)")
  }

  /// Key Vault does not tell rights without using one.
  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    for key in known {
      do throws(CapabilityError) {
        _ = try await bundle(key, nil)
        _ = try await listed(key)
        found.append(Readiness("reading \(key)", .ready("get and list")))
      } catch { found.append(Readiness("reading \(key)", error)) }
    }
    return found + [
      Readiness(
        "writing", .unknown(because: "the vault tells only by trying: the login needs secrets/setSecret"))
    ]
  }

  // MARK: reading

  func path(_ key: String, _ version: String? = nil) -> String {
    "/secrets/\(key)" + (version.map { "/\($0)" } ?? "") + "?\(Self.version)"
  }

  /// A version with what stands beside its value.
  struct Bundle {
    let entry: EntryVersion
    let contentType: JSONValue?
    let tags: [String: JSONValue]
  }

  /// - Parameter version: nil: the newest.
  /// - Returns: nil when there is none, or it is disabled.
  func bundle(_ key: String, _ version: String?) async throws(CapabilityError) -> Bundle? {
    let operation = "GET secrets/\(key)"
    let answer = try await api.answer(path(key, version))
    let inner = (try? JSONValue(parsing: answer.body))?["error"]?["innererror"]?["code"]?.string
    switch (answer.status, AzureAPI.code(of: answer)) {
    case (404, "SecretNotFound"?): return nil
    case (403, _) where inner == "SecretDisabled": return nil
    default: break
    }
    let told = try AzureAPI.checked(answer, api, operation)
    guard let id = Self.version(of: told, key), let value = told["value"]?.string else {
      throw CapabilityError(
        .invalid, operation, because: "the answer is no version of it", fix: "check vault_url")
    }
    return Bundle(
      entry: EntryVersion(id: id, value: Secret(value)), contentType: told["contentType"],
      tags: told["tags"]?.object ?? [:])
  }

  /// `https://shop.vault.azure.net/secrets/KEY/0123…` → `0123…`
  private static func version(of json: JSONValue, _ key: String) -> String? {
    let parts = (json["id"]?.string ?? "").split(separator: "/").map(String.init)
    guard parts.count >= 3, parts[parts.count - 3] == "secrets", parts[parts.count - 2] == key,
      let id = parts.last, id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
    else { return nil }
    return id
  }

  func current(_ key: String) async throws(CapabilityError) -> EntryVersion? {
    try await bundle(key, nil)?.entry
  }

  struct Listed {
    let id: String
    let isEnabled: Bool
    /// Unix time: two of one second have no order.
    let created: Int
  }

  private static let mostPages = 100

  /// Newest first. The next page is asked for by its mark; the address that an answer names is not followed.
  func listed(_ key: String) async throws(CapabilityError) -> [Listed] {
    let operation = "GET secrets/\(key)/versions"
    var found: [Listed] = []
    var mark = ""
    for _ in 0..<Self.mostPages {
      let answer = try await api.answer("/secrets/\(key)/versions?\(Self.version)\(mark)")
      if answer.status == 404, AzureAPI.code(of: answer) == "SecretNotFound" { return [] }
      let told = try AzureAPI.checked(answer, api, operation)
      for json in told["value"]?.array ?? [] {
        guard let id = Self.version(of: json, key), let isEnabled = json["attributes"]?["enabled"]?.boolean,
          let created = json["attributes"]?["created"]?.integer
        else {
          throw CapabilityError(.invalid, operation, because: "one is no version", fix: "check vault_url")
        }
        found.append(Listed(id: id, isEnabled: isEnabled, created: created))
      }
      let next = told["nextLink"]?.string.flatMap { URLComponents(string: $0)?.queryItems }
      guard let skip = next?.first(where: { $0.name.lowercased() == "$skiptoken" })?.value else {
        return found.sorted { $0.created > $1.created }
      }
      mark = "&%24skiptoken=\(RESTClient.escaped(skip))"
    }
    throw CapabilityError(.invalid, operation, because: "the list has no end")
  }

  func former(_ key: String) async throws(CapabilityError) -> [EntryVersion] {
    let now = try await current(key)?.id
    var found: [EntryVersion] = []
    for version in try await listed(key) where version.isEnabled && version.id != now {
      // One more than is looked through tells that there are more.
      guard found.count <= Self.mostVersions else { break }
      if let bundle = try await bundle(key, version.id) { found.append(bundle.entry) }
    }
    return found
  }

  // MARK: writing

  func add(
    _ key: String, _ secret: Secret, over before: EntryVersion?, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "PUT secrets/\(key)"
    guard let text = String(validating: secret.exposeAsBytes(), as: UTF8.self) else {
      throw CapabilityError(.invalid, operation, because: "Key Vault holds text, and the value is not UTF-8")
    }
    let old = try await bundle(key, nil)
    guard old?.entry.id == before?.id else {
      throw CapabilityError(
        .conflict, operation, because: "something else wrote it at the same time", fix: "staunch resume")
    }
    var tags = old?.tags ?? [:]
    if !marker.isEmpty { tags["rotated-by"] = .string(marker) }
    var body: [String: JSONValue] = ["value": .string(text), "tags": .object(tags)]
    body["contentType"] = old?.contentType
    do throws(CapabilityError) {
      let answer = try await api.change(.put, path(key), .object(body), under: authority)
      if answer.status == 409 {
        throw CapabilityError(
          .conflict, operation,
          because: "the secret was deleted, and keeps its name until it is recovered or purged",
          fix: "az keyvault secret recover --id \(settings.base)/deletedsecrets/\(key)")
      }
      let told = try AzureAPI.checked(answer, api, operation, changes: true)
      guard let id = Self.version(of: told, key) else {
        throw CapabilityError(
          .unknownOutcome, operation, because: "it was done, but the answer names no version")
      }
      return id
    } catch {
      // The reply was lost: a newer version that holds the value is ours.
      guard error.class == .unknownOutcome, let now = try await current(key), now.id != before?.id,
        now.value.isSame(as: secret)
      else { throw error }
      return now.id
    }
  }

  func takeOut(_ key: String, _ version: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await set(false, key, version, under: authority) }

  private func set(
    _ isEnabled: Bool, _ key: String, _ version: String, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let answer = try await api.change(
      .patch, path(key, version), ["attributes": ["enabled": .boolean(isEnabled)]], under: authority)
    _ = try AzureAPI.checked(answer, api, "PATCH secrets/\(key)/\(version)", changes: true)
  }

  // MARK: stage, promote, move back

  public func versions(of key: String) async throws(CapabilityError) -> [StoreVersion] {
    try checkKey(key)
    let now = try await current(key)?.id
    return try await listed(key).map {
      StoreVersion($0.id, isCurrent: $0.id == now, isReadable: $0.isEnabled)
    }
  }

  private func stage(_ entries: [StoreEntry], _ marker: String, _ operation: String) throws(CapabilityError)
    -> (entry: StoreEntry, name: String)
  {
    guard let only = entries.first, entries.count == 1 else {
      throw CapabilityError(
        .unsupported, operation, because: "Key Vault cannot change several secrets in one step",
        fix: "keep the credential as one text: key: NAME instead of keys: in staunch.yaml")
    }
    try checkKey(only.key)
    try checkKey("\(only.key)-\(marker)")
    return (only, "\(only.key)-\(marker)")
  }

  public func stage(_ entries: [StoreEntry], marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let (entry, name) = try stage(entries, marker, "stage \(entries.map(\.key).joined(separator: ", "))")
    let before = try await current(name)
    if let before, before.value.isSame(as: entry.secret) { return }
    _ = try await add(name, entry.secret, over: before, marker: marker, under: authority)
  }

  public func promote(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "promote \(entries.map(\.key).joined(separator: ", "))"
    let (entry, name) = try stage(entries, marker, operation)
    guard let staged = try await current(name) else {
      throw CapabilityError(.notFound, operation, because: "nothing is staged under \(marker)")
    }
    guard staged.value.isSame(as: entry.secret) else {
      throw CapabilityError(
        .conflict, operation, because: "what lies in \(name) is not what was staged",
        fix: "see who wrote it: it is not used")
    }
    let version = try await put(
      entry.key, entry.secret, replacing: entry.old, sparing: others, marker: marker, under: authority)
    // Disabled: a deleted secret would keep its name and its value for weeks, too.
    try await set(false, name, staged.id, under: authority)
    return version
  }

  public func moveBack(_ key: String, to version: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  {
    try checkKey(key)
    let operation = "move \(key) back to version \(version)"
    guard let listed = try await listed(key).first(where: { $0.id == version }) else {
      throw CapabilityError(
        .notFound, operation, because: "the secret has no such version",
        fix: "see which there are: az keyvault secret list-versions --name \(key)")
    }
    let now = try await current(key)
    if now?.id == version { return version }
    if !listed.isEnabled { try await set(true, key, version, under: authority) }
    guard let former = try await bundle(key, version)?.entry else {
      throw CapabilityError(.notFound, operation, because: "the version cannot be read")
    }
    if let now, now.value.isSame(as: former.value) { return now.id }
    return try await add(key, former.value, over: now, marker: "", under: authority)
  }
}
