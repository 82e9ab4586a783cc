public import Capabilities
import Foundation
import JSON
import RESTClient
import Secrets

// What changes a secret: versions that are added and taken out, and the alias that programs read.
extension GCPSecretManager {
  func add(
    _ key: String, _ secret: Secret, over before: EntryVersion?, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try await requireLasting(key, under: authority)
    let last = try await listed(key).first?.number ?? 0
    let number = try await addVersion(key, secret, after: last, under: authority)
    if settings.alias != nil { try await moveAlias(of: key, to: number, from: before?.id, under: authority) }
    return "\(number)"
  }

  /// - Throws: `.notFound` for a secret that is not there and may not be made, `.unsafe` for one that deletes itself.
  private func requireLasting(_ key: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let operation = "write \(key)"
    let answer = try await api.answer(path(key))
    guard answer.status == 404, GoogleAPI.status(of: answer) == "NOT_FOUND" else {
      if let end = try GoogleAPI.checked(answer, api, operation)["expireTime"]?.string {
        throw CapabilityError(
          .unsafe, operation, because: "the secret deletes itself at \(end)",
          fix: "gcloud secrets update \(key) --remove-expiration; see who set it; then: staunch resume")
      }
      return
    }
    guard settings.creates else {
      throw CapabilityError(
        .notFound, operation, because: "project \(settings.project) has no secret of this id",
        fix: "gcloud secrets create \(key), or create: on in staunch.yaml")
    }
    let parent = path(key).split(separator: "/").dropLast().joined(separator: "/")
    let made = try await api.change(
      .post, "/\(parent)?secretId=\(key)",
      settings.location == nil ? ["replication": ["automatic": [:]]] : [:], under: authority)
    if made.status == 409, GoogleAPI.status(of: made) == "ALREADY_EXISTS" { return }
    _ = try GoogleAPI.checked(made, api, operation, changes: true)
  }

  /// - Parameter last: the highest number before.
  /// - Returns: the new one's number.
  private func addVersion(
    _ key: String, _ secret: Secret, after last: Int, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Int {
    let operation = "POST secrets/\(key):addVersion"
    let bytes = secret.exposeAsBytes()
    let body: JSONValue = [
      "payload": [
        "data": .string(Data(bytes).base64EncodedString()),
        "dataCrc32c": .string("\(CRC32C.checksum(bytes))"),
      ]
    ]
    let number: Int
    do throws(CapabilityError) {
      let answer = try await api.change(.post, path(key) + ":addVersion", body, under: authority)
      let made = try GoogleAPI.checked(answer, api, operation, changes: true)
      guard let id = made["name"]?.string?.split(separator: "/").last, let told = Int(id) else {
        throw CapabilityError(
          .unknownOutcome, operation, because: "it was done, but the answer names no version")
      }
      number = told
    } catch {
      // The reply was lost: a version that holds the value is ours.
      guard error.class == .unknownOutcome, let newest = try await listed(key).first, newest.number > last,
        try await access(key, "\(newest.number)")?.value.isSame(as: secret) == true
      else { throw error }
      number = newest.number
    }
    guard number == last + 1 else {
      throw CapabilityError(
        .conflict, operation,
        because: "something else added version \(last + 1) at the same time; ours is \(number)",
        fix: "see who wrote it, then: staunch resume")
    }
    return number
  }

  /// - Parameter from: where it must stand now; nil: it is not there yet.
  private func moveAlias(
    of key: String, to number: Int, from: String?, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard let alias = settings.alias else { return }
    let operation = "move \(alias) of \(key) to version \(number)"
    let told = try GoogleAPI.checked(try await api.answer(path(key)), api, operation)
    var aliases = told["versionAliases"]?.object ?? [:]
    if aliases[alias]?.string == "\(number)" { return }
    guard let etag = told["etag"]?.string, aliases[alias]?.string == from else {
      throw CapabilityError(
        .conflict, operation, because: "something else moved it at the same time", fix: "staunch resume")
    }
    aliases[alias] = .string("\(number)")
    do throws(CapabilityError) {
      let answer = try await api.change(
        .patch, path(key) + "?updateMask=versionAliases",
        ["etag": .string(etag), "versionAliases": .object(aliases)], under: authority)
      if [400, 409].contains(answer.status),
        ["FAILED_PRECONDITION", "ABORTED"].contains(GoogleAPI.status(of: answer))
      {
        throw CapabilityError(
          .conflict, operation, because: "something else changed the secret at the same time",
          fix: "staunch resume")
      }
      _ = try GoogleAPI.checked(answer, api, operation, changes: true)
    } catch {
      guard error.class == .unknownOutcome, try await current(key)?.id == "\(number)" else { throw error }
    }
  }

  func takeOut(_ key: String, _ version: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let verb = settings.destroys ? "destroy" : "disable"
    try await set(verb, key, version, under: authority)
  }

  private func set(
    _ verb: String, _ key: String, _ version: String, under authority: borrowing ExecutionAuthority
  )
    async throws(CapabilityError)
  {
    let operation = "POST secrets/\(key)/versions/\(version):\(verb)"
    let answer = try await api.change(
      .post, path(key) + "/versions/\(version):\(verb)", [:], under: authority)
    _ = try GoogleAPI.checked(answer, api, operation, changes: true)
  }

  // MARK: stage, promote, move back

  public func versions(of key: String) async throws(CapabilityError) -> [StoreVersion] {
    try checkKey(key)
    let now = try await current(key)?.id
    return try await listed(key).filter { !$0.isDestroyed }.map {
      StoreVersion("\($0.number)", isCurrent: "\($0.number)" == now, isReadable: $0.isEnabled)
    }
  }

  private func only(_ entries: [StoreEntry], _ operation: String) throws(CapabilityError) -> StoreEntry {
    guard settings.alias != nil else {
      throw CapabilityError(
        .unsupported, operation, because: "what is added is what latest gives at once",
        fix: "name an alias in staunch.yaml and let programs read versions/ALIAS")
    }
    guard let only = entries.first, entries.count == 1 else {
      throw CapabilityError(
        .unsupported, operation, because: "Secret Manager cannot change several secrets in one step",
        fix: "keep the credential as one text: key: NAME instead of keys: in staunch.yaml")
    }
    try checkKey(only.key)
    return only
  }

  /// The version that lies ready: the newest, where the alias is not there yet.
  private func staged(_ key: String) async throws(CapabilityError) -> EntryVersion? {
    guard let newest = try await listed(key).first(where: \.isEnabled) else { return nil }
    let now = try await current(key)?.id
    guard now.flatMap({ Int($0) }) ?? 0 < newest.number else { return nil }
    return try await access(key, "\(newest.number)")
  }

  public func stage(_ entries: [StoreEntry], marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let entry = try only(entries, "stage \(entries.map(\.key).joined(separator: ", "))")
    if try await staged(entry.key)?.value.isSame(as: entry.secret) == true { return }
    try await requireLasting(entry.key, under: authority)
    let last = try await listed(entry.key).first?.number ?? 0
    _ = try await addVersion(entry.key, entry.secret, after: last, under: authority)
  }

  public func promote(
    _ entries: [StoreEntry], sparing others: Set<String>, marker: String,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    let operation = "promote \(entries.map(\.key).joined(separator: ", "))"
    let entry = try only(entries, operation)
    guard let staged = try await staged(entry.key) else {
      throw CapabilityError(.notFound, operation, because: "nothing is staged under \(marker)")
    }
    guard staged.value.isSame(as: entry.secret), let number = Int(staged.id) else {
      throw CapabilityError(
        .conflict, operation, because: "version \(staged.id) is not what was staged",
        fix: "see who wrote it: it is not used")
    }
    let before = try await current(entry.key)?.id
    try await moveAlias(of: entry.key, to: number, from: before, under: authority)
    return try await put(
      entry.key, entry.secret, replacing: entry.old, sparing: others, marker: marker, under: authority)
  }

  public func moveBack(_ key: String, to version: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> String
  {
    try checkKey(key)
    let operation = "move \(key) back to version \(version)"
    guard let number = Int(version),
      let listed = try await listed(key).first(where: { $0.number == number && !$0.isDestroyed })
    else {
      throw CapabilityError(
        .notFound, operation, because: "the version was destroyed, or never was",
        fix: "see which there are: gcloud secrets versions list \(key)")
    }
    let now = try await current(key)
    if now?.id == version { return version }
    if !listed.isEnabled { try await set("enable", key, version, under: authority) }
    if settings.alias != nil {
      try await moveAlias(of: key, to: number, from: now?.id, under: authority)
      return version
    }
    guard let former = try await access(key, version) else {
      throw CapabilityError(.notFound, operation, because: "the version cannot be read")
    }
    if let now, now.value.isSame(as: former.value) { return now.id }
    return try await add(key, former.value, over: now, marker: "", under: authority)
  }
}
