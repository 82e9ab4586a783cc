public import Capabilities
import Foundation
import JSON
import RESTClient
public import Secrets

/// A Secret of a Kubernetes cluster: its `data`, key by key.
///
/// Every change names the `resourceVersion` that was read, so what somebody else wrote meanwhile stays, and all fields of a
/// credential change in one request. What else in `data` holds the old value follows. An immutable Secret is never deleted
/// and made anew: its successor is another Secret, `NAME-g2`, `NAME-g3`, which `kubernetes-workload` makes programs read. It
/// names the `uid` of the one before it: a Secret that somebody else has put there, who may create Secrets and not read
/// them, is no successor.
/// The cluster keeps no former versions of a mutable one, so only generations of an immutable one can be moved back to.
/// The runner needs `get` and `patch` of this Secret (and of its generations), and `create` of Secrets for a new one.
///
/// The threat: whoever may create pods in the namespace reads every Secret of it, whatever RBAC says of Secrets; the audit
/// log alone tells. `last-applied-configuration` may still hold the old value: such an annotation is named as a copy, and
/// taken away.
/// Sources: https://kubernetes.io/docs/concepts/configuration/secret/ (immutable, name and key rules),
/// https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
public struct KubernetesSecret: VersionedStore {
  struct Settings: AdapterSettings {
    let access: KubernetesAccess
    let secret: String
    init(from read: inout SettingsReader) throws(CapabilityError) {
      access = try KubernetesAccess(from: &read)
      secret = try read.text("secret", "the Secret's name; of an immutable one the name of the first")
      try read.check(
        KubernetesClient.isName(secret) && secret.utf8.count <= 200, "secret is no Secret's name",
        fix: "see: kubectl get secrets")
    }
  }

  public static let kind = "kubernetes-secret"
  public static let summary = "A Secret of a Kubernetes cluster."
  public static let profile: AdapterProfile? = AdapterProfile(
    .simulator,
    privilege: "get and patch of the Secret and of its generations; create of Secrets for a new one",
    survives: "environments and subPath mounts of pods that run; generations of an immutable one")
  public static let settings = Settings.declarations

  let settings: Settings
  let client: KubernetesClient

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    client = KubernetesClient(
      settings.access, environment: environment,
      fix: "the runner's account needs the rights that staunch doctor lists for this store")
  }

  var name: String { "\(settings.access.namespace)/\(settings.secret)" }

  public func resource(of key: String) -> ResourceName? {
    ResourceName("kubernetes:\(settings.access.server)/\(name)")
  }

  public func readiness() async -> [Readiness] {
    await client.readiness([
      .init("get", "secrets", settings.secret), .init("patch", "secrets", settings.secret),
      .init("create", "secrets"),
    ])
  }

  // MARK: reading

  /// A Secret as it was read.
  struct Document {
    let name: String
    let uid: String
    let version: String
    let type: String
    let isImmutable: Bool
    let data: [String: [UInt8]]
    let annotations: [String: String]
    let labels: JSONValue?
  }

  func document(_ name: String) async throws(CapabilityError) -> Document? {
    let path = client.path("secrets", name)
    guard let object = try await client.object(path) else { return nil }
    let metadata = object["metadata"]
    guard let uid = metadata?["uid"]?.string, let version = metadata?["resourceVersion"]?.string else {
      throw CapabilityError(
        .invalid, "GET \(client.api.shown(path))", because: "the answer is no Secret", fix: "check server")
    }
    var data: [String: [UInt8]] = [:]
    for (key, value) in object["data"]?.object ?? [:] {
      guard let text = value.string, let bytes = Data(base64Encoded: text) else {
        throw CapabilityError(.invalid, "GET \(client.api.shown(path))", because: "\(key) is no base64")
      }
      data[key] = Array(bytes)
    }
    return Document(
      name: name, uid: uid, version: version, type: object["type"]?.string ?? "Opaque",
      isImmutable: object["immutable"]?.boolean ?? false, data: data,
      annotations: (metadata?["annotations"]?.object ?? [:]).compactMapValues(\.string),
      labels: metadata?["labels"])
  }

  /// `app` → `app-g2` → `app-g3`.
  static func generation(_ number: Int, of base: String) -> String {
    number == 1 ? base : "\(base)-g\(number)"
  }

  /// Every generation, oldest first; one that does not follow the last is none.
  func generations() async throws(CapabilityError) -> [Document] {
    var found: [Document] = []
    while found.count < 1000, found.last?.isImmutable ?? true,
      let next = try await document(Self.generation(found.count + 1, of: settings.secret)),
      found.last.map({ next.annotations[KubernetesClient.succession] == $0.uid }) ?? true
    { found.append(next) }
    return found
  }

  /// The one that programs should read.
  func current() async throws(CapabilityError) -> Document? { try await generations().last }

  static func id(_ document: Document) -> String { "\(document.name)@\(document.version)" }

  func checkKey(_ key: String) throws(CapabilityError) {
    guard KubernetesClient.isDataKey(key) else {
      throw CapabilityError(
        .configuration, "key of Secret \(name)", because: "the key is none that a Secret takes",
        fix: "use letters, digits, -, _ and .")
    }
  }

  public func currentVersion(_ key: String) async throws(CapabilityError) -> String? {
    try checkKey(key)
    guard let now = try await current(), now.data[key] != nil else { return nil }
    return Self.id(now)
  }

  public func read(_ key: String) async throws(CapabilityError) -> Secret {
    try checkKey(key)
    guard let bytes = try await current()?.data[key] else {
      throw CapabilityError(
        .notFound, "read \(key) of Secret \(name)", because: "it has no such key",
        fix: "check the key in staunch.yaml")
    }
    return Secret(SecretBytes(copying: bytes))
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

  public func put(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "write \(entries.map(\.key).joined(separator: ", ")) to Secret \(name)"
    for entry in entries {
      try checkKey(entry.key)
      guard !entry.secret.isEmpty else {
        throw CapabilityError(.invalid, operation, because: "an empty value is none")
      }
    }
    let before = try await current()
    let changes = Self.changes(entries, sparing: others, in: before?.data ?? [:])
    let applied = Self.applied(before, holding: entries.flatMap(\.old))
    if let before, changes.isEmpty, !applied { return Self.id(before) }
    return try await write(changes, over: before, dropsApplied: applied, operation, under: authority)
  }

  static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

  /// `kubectl apply` keeps what it was given, values among it.
  static func applied(_ document: Document?, holding secrets: [Secret]) -> Bool {
    guard let text = document?.annotations[lastApplied] else { return false }
    let bytes = Array(text.utf8)
    return secrets.contains { secret in
      let value = secret.exposeAsBytes()
      guard !value.isEmpty else { return false }
      return [value, Array(Data(value).base64EncodedString().utf8)].contains {
        bytes.firstRange(of: $0) != nil
      }
    }
  }

  /// The keys that get another value: the entries themselves, and what follows them.
  private static func changes(
    _ entries: [StoreEntry], sparing others: Set<String>, in data: [String: [UInt8]]
  )
    -> [String: [UInt8]]
  {
    var changes: [String: [UInt8]] = [:]
    let own = Set(entries.map(\.key))
    for entry in entries where data[entry.key] != entry.secret.exposeAsBytes() {
      changes[entry.key] = entry.secret.exposeAsBytes()
    }
    for entry in entries {
      for old in entry.old.map({ $0.exposeAsBytes() }) {
        for (key, value) in data where !own.contains(key) && !others.contains(key) {
          let copy = CredentialCopy(name: key, text: changes[key] ?? value)
          guard copy.holding(old) == .replaceable,
            let whole = copy.replacing(old, with: entry.secret.exposeAsBytes())
          else { continue }
          changes[key] = whole
        }
      }
    }
    return changes
  }

  /// - Returns: the new version, which was read back.
  func write(
    _ changes: [String: [UInt8]], over before: Document?, dropsApplied: Bool, _ operation: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    func encoded(_ data: [String: [UInt8]]) -> JSONValue {
      .object(data.mapValues { .string(Data($0).base64EncodedString()) })
    }
    let name: String
    if let before, !before.isImmutable {
      name = before.name
      var metadata: [String: JSONValue] = ["resourceVersion": .string(before.version)]
      if dropsApplied { metadata["annotations"] = [Self.lastApplied: .null] }
      try await client.patch(
        client.path("secrets", name), ["metadata": .object(metadata), "data": encoded(changes)],
        under: authority)
    } else {
      let number = try await generations().count + 1
      name = Self.generation(number, of: settings.secret)
      if before != nil, try await document(name) != nil {
        throw CapabilityError(
          .unsafe, operation,
          because: "Secret \(name) is there and does not name the one before it: somebody else has made it",
          fix: "see who made it and for what; delete it, then: staunch resume")
      }
      var object: [String: JSONValue] = [
        "apiVersion": "v1", "kind": "Secret", "type": .string(before?.type ?? "Opaque"),
        "data": encoded((before?.data ?? [:]).merging(changes) { _, new in new }),
      ]
      var metadata: [String: JSONValue] = ["name": .string(name)]
      if let before {
        object["immutable"] = .boolean(true)
        metadata["labels"] = before.labels ?? [:]
        metadata["annotations"] = [KubernetesClient.succession: .string(before.uid)]
      }
      object["metadata"] = .object(metadata)
      try await client.create(client.path("secrets"), .object(object), under: authority)
    }
    guard let after = try await document(name), changes.allSatisfy({ after.data[$0.key] == $0.value }) else {
      throw CapabilityError(
        .conflict, operation,
        because: "something else wrote the Secret at the same time (an operator, GitOps?)",
        fix: "change the value where that one takes it from, or: staunch resume")
    }
    return Self.id(after)
  }

  // MARK: copies

  public func copies(of secrets: [Secret], besides key: String?) async throws(CapabilityError) -> [SecretCopy]
  {
    let all = try await generations()
    guard let now = all.last else { return [] }
    var copies: [SecretCopy] = []
    for (name, value) in now.data.sorted(by: { $0.key < $1.key }) where name != key {
      let held = secrets.map { CredentialCopy(name: name, text: value).holding($0.exposeAsBytes()) }
      guard held.contains(where: { $0 != .nothing }) else { continue }
      copies.append(SecretCopy(key: name, canFollow: !held.contains(.unclear)))
    }
    if Self.applied(now, holding: secrets) {
      copies.append(SecretCopy(key: "annotation \(Self.lastApplied)", canFollow: true, kind: .remark))
    }
    for former in all.dropLast() {
      let isHeld = former.data.contains { name, value in
        secrets.contains { CredentialCopy(name: name, text: value).holding($0.exposeAsBytes()) != .nothing }
      }
      // Immutable: only a person deletes it, when no pod reads it any more.
      if isHeld { copies.append(SecretCopy(key: "Secret \(former.name)", canFollow: false, kind: .remark)) }
    }
    return copies
  }
}
