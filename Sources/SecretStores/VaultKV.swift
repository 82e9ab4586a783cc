public import Capabilities
import Foundation
import JSON
import RESTClient
public import Secrets

/// One document of a Vault or OpenBao key-value engine of version 2; a key is one of its fields.
///
/// Every write is a check-and-set against the version that was read, and changes only the fields that are meant: a JSON merge
/// patch, so that what nobody understands here (a number of thirty digits) is kept by the server itself. A document is one
/// version: several fields change together. Former versions that hold the old value are taken out softly (`delete`, which
/// `undelete` takes back), never destroyed: ``moveBack(_:to:under:)`` still finds them, and nothing else reads them.
///
/// What the holder of a leaked token may have prepared: `delete_version_after` on the document or the engine lets the new
/// value vanish after a while (refused before anything is written); a version written meanwhile is met by the check-and-set;
/// a token that can read the document reads the new value (``resource(of:)`` is compared with what it reaches).
/// Sources: https://openbao.org/api-docs/secret/kv/kv-v2/, https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
public struct VaultKV: VersionedStore {
  struct Settings: AdapterSettings {
    let base: String
    let token: String
    let namespace: String?
    let mount: String
    let path: String
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://127.0.0.1:8200")
      token = try read.reference(
        "token",
        "the runner's own token; its policy: create, read, update and patch on MOUNT/data/PATH, read on MOUNT/metadata/PATH, update on MOUNT/delete/PATH"
      )
      namespace = try read.optionalText(
        "namespace", "the namespace, where there are some: `team`, without a slash at either end")
      mount = try read.text("mount", default: "secret", "where the key-value engine of version 2 is mounted")
      path = try read.text("path", "the document, without data/: `app/production`")
      trust = try read.trust()
      try read.check(
        VaultClient.isPath(mount) && VaultClient.isPath(path), "mount or path is no path",
        fix: "write it without a slash at either end, and without .., for example path: app/production")
      try read.check(
        namespace.map { VaultClient.isPath($0) } ?? true, "namespace is no namespace",
        fix: "write it without a slash at either end, for example namespace: team")
    }
  }

  public static let kind = "vault-kv"
  public static let summary = "A document of a Vault or OpenBao key-value engine (version 2)."
  public static let settings = Settings.declarations

  let settings: Settings
  let vault: VaultClient
  /// Former versions beyond are not looked through, which is said.
  static let mostVersions = 50

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    vault = VaultClient(
      base: settings.base, token: settings.token, namespace: settings.namespace, trust: settings.trust,
      environment: environment,
      fix: "token in staunch.yaml needs the rights that staunch doctor lists for this store")
  }

  /// As people write it: `secret/app`.
  var name: String { "\(settings.mount)/\(settings.path)" }

  public func resource(of key: String) -> ResourceName? {
    let namespace = settings.namespace.map { $0 + "/" } ?? ""
    return ResourceName("vault:\(settings.base)/\(namespace)\(name)")
  }

  public func readiness() async -> [Readiness] {
    let (mount, path) = (settings.mount, settings.path)
    var found = await vault.readiness([
      .init("reading and writing", "\(mount)/data/\(path)", "create", "read", "update", "patch"),
      .init("former versions", "\(mount)/metadata/\(path)", "read"),
      .init("taking former versions out", "\(mount)/delete/\(path)", "update"),
    ])
    do throws(CapabilityError) {
      try await requireVersion2()
      if let metadata = try await metadata() { try Self.requireLasting(metadata, name) }
      found.append(Readiness("engine", .ready("\(mount) is a key-value engine of version 2")))
    } catch { found.append(Readiness("engine", error)) }
    return found
  }

  // MARK: reading

  /// A version of the document.
  struct Document {
    /// 0: there has never been one.
    let version: Int
    /// Nil: there is none, or it was taken out.
    let fields: [String: JSONValue]?
  }

  func path(_ api: String, of document: String? = nil) -> String {
    "/v1/\(VaultClient.escaped(settings.mount))/\(api)/\(VaultClient.escaped(document ?? settings.path))"
  }

  /// - Parameters:
  ///   - version: nil: the current one.
  ///   - other: another document of the engine.
  func document(_ version: Int? = nil, of other: String? = nil) async throws(CapabilityError) -> Document {
    let operation = "read \(settings.mount)/\(other ?? settings.path)"
    let answer = try await vault.api.answer(
      path("data", of: other) + (version.map { "?version=\($0)" } ?? ""))
    if answer.status == 404 {
      // One that was taken out still tells its number; one that was never there has no error text.
      let json = try? JSONValue(parsing: answer.body)  // no JSON: not the API's own answer
      if let version = json?["data"]?["metadata"]?["version"]?.integer {
        return Document(version: version, fields: nil)
      }
      if VaultClient.errors(of: answer)?.isEmpty == true { return Document(version: 0, fields: nil) }
    }
    let json = try vault.checked(answer, operation)
    guard let version = json["data"]?["metadata"]?["version"]?.integer,
      let fields = json["data"]?["data"]?.object
    else {
      throw CapabilityError(
        .configuration, operation, because: "the answer is no document of a key-value engine of version 2",
        fix: "correct mount in staunch.yaml, or: vault kv enable-versioning \(settings.mount)")
    }
    return Document(version: version, fields: fields)
  }

  /// Nil: there is no document.
  func metadata() async throws(CapabilityError) -> JSONValue? {
    let answer = try await vault.api.answer(path("metadata"))
    if answer.status == 404, VaultClient.errors(of: answer)?.isEmpty == true { return nil }
    return try vault.checked(answer, "read \(settings.mount)/metadata/\(settings.path)")["data"]
  }

  /// On an engine of version 1, `data/app` would be a document of its own.
  func requireVersion2() async throws(CapabilityError) {
    let operation = "see what \(settings.mount) is"
    let answer = try await vault.api.answer(
      "/v1/sys/internal/ui/mounts/\(VaultClient.escaped(settings.mount))")
    let mounted = try vault.checked(answer, operation)["data"]
    guard mounted?["type"]?.string == "kv", mounted?["options"]?["version"]?.string == "2" else {
      throw CapabilityError(
        .configuration, operation, because: "it is no key-value engine of version 2",
        fix: "correct mount in staunch.yaml, or: vault kv enable-versioning \(settings.mount)")
    }
  }

  private static func requireLasting(_ metadata: JSONValue, _ name: String) throws(CapabilityError) {
    let life = metadata["delete_version_after"]?.string ?? "0s"
    guard life == "0s" else {
      throw CapabilityError(
        .unsafe, "write \(name)", because: "the document takes each version out by itself after \(life)",
        fix: "vault kv metadata put -delete-version-after=0s \(name); see who set it")
    }
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    try Self.checkKey(key, name)
    let current = try await document()
    return current.fields?[key] == nil ? nil : "\(current.version)"
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    try Self.checkKey(key, name)
    guard let value = try await document().fields?[key] else {
      throw CapabilityError(
        .notFound, "read \(key) of \(name)", because: "the document has no such field",
        fix: "check the key in staunch.yaml")
    }
    return Secret(SecretBytes(copying: Self.text(of: value)))
  }

  /// What a program gets that reads the field.
  static func text(of value: JSONValue) -> [UInt8] {
    value.string.map { Array($0.utf8) } ?? value.canonicalBytes
  }

  static func checkKey(_ key: String, _ name: String) throws(CapabilityError) {
    let isPlain = key.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || [0x2D, 0x2E, 0x5F].contains(byte)
    }
    guard !key.isEmpty, !key.hasPrefix("."), isPlain else {
      throw CapabilityError(
        .configuration, "field of \(name)", because: "the key is no field's name",
        fix: "use letters, digits, _, - and, but not first, .")
    }
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

  /// All of them in one version. The version says which write it was: the marker stands nowhere.
  public func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "write \(entries.map(\.key).joined(separator: ", ")) to \(name)"
    let values = try Self.values(of: entries, operation, name)
    let before = try await document()
    let changes = Self.changes(entries, values, sparing: others, in: before.fields ?? [:])
    var version = before.version
    if !changes.isEmpty {
      version = try await write(changes, over: before, operation, under: authority)
    }
    let old = entries.flatMap(\.old)
    if !old.isEmpty {
      do throws(CapabilityError) {
        try await takeOut(try await versions(holding: old, before: version).found, under: authority)
      } catch {
        // The new value is in place; what is left is named by `copies`.
        guard error.class == .refused else { throw error }
      }
    }
    return "\(version)"
  }

  /// - Throws: before anything is written, for what no field can hold.
  static func values(of entries: [StoreEntry], _ operation: String, _ name: String) throws(CapabilityError)
    -> [String: String]
  {
    var values: [String: String] = [:]
    for entry in entries {
      try checkKey(entry.key, name)
      guard !entry.secret.isEmpty,
        let text = String(validating: entry.secret.exposeAsBytes(), as: UTF8.self)
      else {
        throw CapabilityError(
          .invalid, operation, because: "a field cannot hold an empty value or one that is not UTF-8")
      }
      values[entry.key] = text
    }
    return values
  }

  /// The fields that get another value: the entries themselves, and what follows them.
  static func changes(
    _ entries: [StoreEntry], _ values: [String: String], sparing others: Set<String>,
    in fields: [String: JSONValue]
  ) -> [String: JSONValue] {
    var changes: [String: JSONValue] = [:]
    for (key, text) in values where fields[key]?.string != text { changes[key] = .string(text) }
    for entry in entries {
      let new = entry.secret.exposeAsBytes()
      for old in entry.old.map({ $0.exposeAsBytes() }) {
        for (field, value) in fields where values[field] == nil && !others.contains(field) {
          guard let text = (changes[field] ?? value).string else { continue }
          let copy = CredentialCopy(name: field, text: Array(text.utf8))
          guard copy.holding(old) == .replaceable, let whole = copy.replacing(old, with: new),
            let followed = String(validating: whole, as: UTF8.self)
          else { continue }
          changes[field] = .string(followed)
        }
      }
    }
    return changes
  }

  /// - Returns: the new version, which was read back.
  func write(
    _ changes: [String: JSONValue], over before: Document, _ operation: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Int {
    if let metadata = try await readableMetadata() { try Self.requireLasting(metadata, name) }
    let body: JSONValue = ["options": ["cas": .integer(before.version)], "data": .object(changes)]
    let answer: HTTPResponse
    if before.fields != nil {
      answer = try await vault.api.change(
        .patch, path("data"), body, type: "application/merge-patch+json", under: authority)
    } else {
      if before.version == 0 { try await requireVersion2() }
      answer = try await vault.api.change(.post, path("data"), body, under: authority)
    }
    let made = try vault.done(answer, operation)["data"]
    guard let version = made?["version"]?.integer else {
      throw CapabilityError(
        .unknownOutcome, operation, because: "it was done, but the answer names no version")
    }
    if let end = made?["deletion_time"]?.string, !end.isEmpty {
      throw CapabilityError(
        .unsafe, operation, because: "it was written, and the engine takes it out by itself at \(end)",
        fix:
          "vault write \(settings.mount)/config delete_version_after=0s; see who set it; then: staunch resume"
      )
    }
    let after = try await document()
    guard changes.allSatisfy({ after.fields?[$0.key] == $0.value }) else {
      throw CapabilityError(
        .conflict, operation, because: "something else wrote the document at the same time",
        fix: "staunch resume")
    }
    return version
  }

  /// Nil also where the token may not read it.
  private func readableMetadata() async throws(CapabilityError) -> JSONValue? {
    do throws(CapabilityError) { return try await metadata() } catch {
      guard error.class == .refused else { throw error }
      return nil
    }
  }
}
