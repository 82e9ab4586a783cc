import Capabilities
import Foundation
import HTTP
import JSON
import SecretStores
import Secrets
import Synchronization
import TestSupport

/// An Azure Key Vault in the words of its documentation (read on 2026-11-30). No Azure stands behind it.
///
/// https://learn.microsoft.com/rest/api/keyvault/secrets
final class KeyVaultWorld: Sendable {
  struct Version: Sendable, Hashable {
    var value: String
    var isEnabled = true
    var tags: [String: String] = [:]
    var contentType: String?
  }
  struct State: Sendable {
    var secrets: [String: [Version]] = [:]
    var deleted: Set<String> = []
    var lostReplies = 0
    var tooMany = 0
    /// What somebody else does before the next change.
    var interloper: (@Sendable (inout [String: [Version]]) -> Void)?
    var changes: [String] = []
  }

  let state = Mutex(State())
  private let box = Mutex<LoopbackServer?>(nil)

  init() throws {
    let server = try LoopbackServer { [weak self] request in self?.answer(request) ?? .hangUp }
    box.withLock { $0 = server }
  }

  var url: String { box.withLock { $0?.url } ?? "" }
  func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
  var secrets: [String: [Version]] { state.withLock { $0.secrets } }
  var changes: [String] { state.withLock { $0.changes } }

  func store(_ more: [String: JSONValue] = [:]) throws -> AzureKeyVault {
    let settings: [String: JSONValue] = ["vault_url": .string(url), "login_token": "env:LOGIN"]
    return try AzureKeyVault(
      TargetConfiguration(
        name: "s", kind: AzureKeyVault.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:LOGIN": Secret("eyJ.runner")]))
  }

  private static func error(_ status: Int, _ code: String, inner: String? = nil) -> LoopbackServer.Reply {
    let more = inner.map { #","innererror":{"code":"\#($0)"}"# } ?? ""
    return .json(status, #"{"error":{"code":"\#(code)","message":"as documented"\#(more)}}"#)
  }

  private static func bundle(_ name: String, _ index: Int, _ version: Version, withValue: Bool) -> JSONValue {
    var told: [String: JSONValue] = [
      "id": .string("https://shop.vault.azure.net/secrets/\(name)/\(id(index))"),
      "attributes": [
        "enabled": .boolean(version.isEnabled), "created": .integer(1_790_000_000 + index),
        "updated": .integer(1_790_000_000 + index),
      ],
    ]
    if withValue { told["value"] = .string(version.value) }
    if !version.tags.isEmpty { told["tags"] = .object(version.tags.mapValues { .string($0) }) }
    told["contentType"] = version.contentType.map { .string($0) }
    return .object(told)
  }

  static func id(_ index: Int) -> String { "v\(index + 1)aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }

  private func answer(_ request: LoopbackServer.Request) -> LoopbackServer.Reply {
    guard request.headers["authorization"] == "Bearer eyJ.runner" else {
      return Self.error(401, "Unauthorized")
    }
    guard request.query["api-version"] == "7.4" else { return Self.error(400, "BadParameter") }
    let parts = request.path.split(separator: "/").map(String.init)
    guard parts.count >= 2, parts[0] == "secrets" else { return Self.error(404, "NotFound") }
    return state.withLock { state in
      if state.tooMany > 0 {
        state.tooMany -= 1
        return .json(
          429, #"{"error":{"code":"Throttled","message":"as documented"}}"#, headers: ["retry-after": "7"])
      }
      guard request.method != "GET" else { return Self.question(request, parts, state) }
      if let interloper = state.interloper {
        state.interloper = nil
        interloper(&state.secrets)
      }
      let reply = Self.change(request, parts, &state)
      if case .answer(200, _, _) = reply, state.lostReplies > 0 {
        state.lostReplies -= 1
        return .hangUp
      }
      return reply
    }
  }

  private static func question(_ request: LoopbackServer.Request, _ parts: [String], _ state: State)
    -> LoopbackServer.Reply
  {
    let name = parts[1]
    guard let versions = state.secrets[name], !versions.isEmpty else { return error(404, "SecretNotFound") }
    if parts.count == 3, parts[2] == "versions" {
      let all = versions.indices.map { bundle(name, $0, versions[$0], withValue: false) }
      let half = (all.count + 1) / 2
      let isSecond = request.query["$skiptoken"] == "second/+page"
      var told: [String: JSONValue] = [
        "value": .array(isSecond ? Array(all.dropFirst(half)) : Array(all.prefix(half)))
      ]
      if !isSecond, all.count > half {
        told["nextLink"] = "https://attacker.example/secrets?api-version=7.4&$skiptoken=second%2F%2Bpage"
      }
      return .json(200, JSONValue.object(told).canonicalText)
    }
    let index = parts.count == 3 ? versions.indices.first { id($0) == parts[2] } : versions.indices.last
    guard let index else { return error(404, "SecretNotFound") }
    guard versions[index].isEnabled else { return error(403, "Forbidden", inner: "SecretDisabled") }
    return .json(200, bundle(name, index, versions[index], withValue: true).canonicalText)
  }

  private static func change(_ request: LoopbackServer.Request, _ parts: [String], _ state: inout State)
    -> LoopbackServer.Reply
  {
    let body = try? JSONValue(parsing: request.body)
    let name = parts[1]
    switch (request.method, parts.count) {
    case ("PUT", 2):
      guard let value = body?["value"]?.string else { return error(400, "BadParameter") }
      guard !state.deleted.contains(name) else {
        return error(409, "Conflict", inner: "ObjectIsDeletedButRecoverable")
      }
      let version = Version(
        value: value, tags: (body?["tags"]?.object ?? [:]).compactMapValues(\.string),
        contentType: body?["contentType"]?.string)
      state.secrets[name, default: []].append(version)
      state.changes.append("set \(name)")
      let index = (state.secrets[name]?.count ?? 1) - 1
      return .json(200, bundle(name, index, version, withValue: true).canonicalText)
    case ("PATCH", 3):
      guard let index = state.secrets[name]?.indices.first(where: { id($0) == parts[2] }),
        let isEnabled = body?["attributes"]?["enabled"]?.boolean
      else { return error(404, "SecretNotFound") }
      state.secrets[name]?[index].isEnabled = isEnabled
      state.changes.append("\(isEnabled ? "enable" : "disable") \(name)/\(index + 1)")
      return .json(200, "{}")
    default: return error(404, "NotFound")
    }
  }
}
