import Capabilities
import Foundation
import HTTP
import JSON
import SecretStores
import Secrets
import Synchronization
import TestSupport

/// Google Cloud's Secret Manager in the words of its documentation (read on 2026-11-30). No Google stands behind it.
///
/// - https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets
/// - https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions
/// - https://cloud.google.com/secret-manager/docs/data-integrity
final class SecretManagerWorld: Sendable {
  struct Version: Sendable, Hashable {
    var data: String
    var crc: String
    var state = "ENABLED"
  }
  struct Entry: Sendable, Hashable {
    var versions: [Version] = []
    var aliases: [String: String] = [:]
    var etag = 1
    var expireTime: String?
  }
  struct State: Sendable {
    var secrets: [String: Entry] = [:]
    /// Changes that are carried out and whose replies are lost.
    var lostReplies = 0
    /// Answers of 429.
    var tooMany = 0
    /// What somebody else does before the next change.
    var interloper: (@Sendable (inout [String: Entry]) -> Void)?
    var permissions: Set<String>?
    var changes: [String] = []
  }

  static let parent = "/v1/projects/shop-project/secrets"
  let state = Mutex(State())
  private let box = Mutex<LoopbackServer?>(nil)

  init() throws {
    let server = try LoopbackServer { [weak self] request in self?.answer(request) ?? .hangUp }
    box.withLock { $0 = server }
  }

  var url: String { box.withLock { $0?.url } ?? "" }
  func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
  var secrets: [String: Entry] { state.withLock { $0.secrets } }
  var changes: [String] { state.withLock { $0.changes } }

  func store(_ more: [String: JSONValue] = [:]) throws -> GCPSecretManager {
    let settings: [String: JSONValue] = [
      "base_url": .string(url), "project": "shop-project", "login_token": "env:LOGIN", "create": "on",
    ]
    return try GCPSecretManager(
      TargetConfiguration(
        name: "s", kind: GCPSecretManager.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:LOGIN": Secret("ya29.runner")]))
  }

  /// A version as somebody else writes it.
  static func version(_ text: String) -> Version {
    Version(data: Data(text.utf8).base64EncodedString(), crc: "\(Self.checksum(Array(text.utf8)))")
  }

  /// Bit by bit, so that it is not the table that is tested.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
    }
    return ~crc
  }

  private static func error(_ status: Int, _ word: String) -> LoopbackServer.Reply {
    .json(status, #"{"error":{"code":\#(status),"message":"as documented","status":"\#(word)"}}"#)
  }

  private func answer(_ request: LoopbackServer.Request) -> LoopbackServer.Reply {
    guard request.headers["authorization"] == "Bearer ya29.runner" else {
      return Self.error(401, "UNAUTHENTICATED")
    }
    return state.withLock { state in
      if state.tooMany > 0 {
        state.tooMany -= 1
        return Self.error(429, "RESOURCE_EXHAUSTED")
      }
      let isQuestion = request.method == "GET" || request.path.hasSuffix(":testIamPermissions")
      guard !isQuestion else { return Self.question(request, state) }
      if let interloper = state.interloper {
        state.interloper = nil
        interloper(&state.secrets)
      }
      let reply = Self.change(request, &state)
      if case .answer(200, _, _) = reply, state.lostReplies > 0 {
        state.lostReplies -= 1
        return .hangUp
      }
      return reply
    }
  }

  private static func parts(_ request: LoopbackServer.Request) -> (id: String, rest: [String], verb: String) {
    let path = request.path.dropFirst(parent.count + 1)
    let halves = path.split(separator: ":", maxSplits: 1).map(String.init)
    let parts = (halves.first ?? "").split(separator: "/").map(String.init)
    return (parts.first ?? "", Array(parts.dropFirst()), halves.count == 2 ? halves[1] : "")
  }

  private static func number(_ name: String, _ entry: Entry) -> Int? {
    let number = name == "latest" ? entry.versions.count : Int(entry.aliases[name] ?? name)
    return number.flatMap {
      (1...max(1, entry.versions.count)).contains($0) && !entry.versions.isEmpty ? $0 : nil
    }
  }

  private static func question(_ request: LoopbackServer.Request, _ state: State) -> LoopbackServer.Reply {
    let (id, rest, verb) = parts(request)
    guard let entry = state.secrets[id] else { return error(404, "NOT_FOUND") }
    let name = "projects/123/secrets/\(id)"
    if verb == "testIamPermissions" {
      let asked = (try? JSONValue(parsing: request.body))?["permissions"]?.array?.compactMap(\.string) ?? []
      let has = asked.filter { state.permissions?.contains($0) ?? true }.map { JSONValue.string($0) }
      return .json(200, JSONValue.object(["permissions": .array(has)]).canonicalText)
    }
    if rest.isEmpty {
      var told: [String: JSONValue] = ["name": .string(name), "etag": .string("\"\(entry.etag)\"")]
      told["expireTime"] = entry.expireTime.map { .string($0) }
      if !entry.aliases.isEmpty {
        told["versionAliases"] = .object(entry.aliases.mapValues { .string($0) })
      }
      return .json(200, JSONValue.object(told).canonicalText)
    }
    if rest == ["versions"] {
      // Two pages, the newest first.
      let all = entry.versions.enumerated().reversed().map { index, version -> JSONValue in
        ["name": .string("\(name)/versions/\(index + 1)"), "state": .string(version.state)]
      }
      let isSecond = request.query["pageToken"] == "second page/2"
      let half = (all.count + 1) / 2
      var told: [String: JSONValue] = [:]
      let page = isSecond ? Array(all.dropFirst(half)) : Array(all.prefix(half))
      if !page.isEmpty { told["versions"] = .array(page) }
      if !isSecond, all.count > half { told["nextPageToken"] = "second page/2" }
      return .json(200, JSONValue.object(told).canonicalText)
    }
    guard rest.count == 2, verb == "access", let number = number(rest[1], entry) else {
      return error(404, "NOT_FOUND")
    }
    let version = entry.versions[number - 1]
    guard version.state == "ENABLED" else { return error(400, "FAILED_PRECONDITION") }
    return .json(
      200,
      JSONValue.object([
        "name": .string("\(name)/versions/\(number)"),
        "payload": ["data": .string(version.data), "dataCrc32c": .string(version.crc)],
      ]).canonicalText)
  }

  private static func change(_ request: LoopbackServer.Request, _ state: inout State) -> LoopbackServer.Reply
  {
    let body = try? JSONValue(parsing: request.body)
    if request.path == parent {
      let id = request.query["secretId"] ?? ""
      guard body?["replication"]?["automatic"] != nil else { return error(400, "INVALID_ARGUMENT") }
      guard state.secrets[id] == nil else { return error(409, "ALREADY_EXISTS") }
      state.secrets[id] = Entry()
      state.changes.append("create \(id)")
      return .json(200, "{}")
    }
    let (id, rest, verb) = parts(request)
    guard var entry = state.secrets[id] else { return error(404, "NOT_FOUND") }
    switch (request.method, rest.count, verb) {
    case ("POST", 0, "addVersion"):
      guard let data = body?["payload"]?["data"]?.string, let bytes = Data(base64Encoded: data),
        body?["payload"]?["dataCrc32c"]?.string == "\(checksum(Array(bytes)))"
      else { return error(400, "INVALID_ARGUMENT") }
      entry.versions.append(Version(data: data, crc: "\(checksum(Array(bytes)))"))
      state.secrets[id] = entry
      state.changes.append("add \(id)")
      return .json(
        200,
        #"{"name":"projects/123/secrets/\#(id)/versions/\#(entry.versions.count)","state":"ENABLED","clientSpecifiedPayloadChecksum":true}"#
      )
    case ("PATCH", 0, ""):
      guard request.query["updateMask"] == "versionAliases" else { return error(400, "INVALID_ARGUMENT") }
      guard body?["etag"]?.string == "\"\(entry.etag)\"" else { return error(400, "FAILED_PRECONDITION") }
      entry.aliases = (body?["versionAliases"]?.object ?? [:]).compactMapValues(\.string)
      entry.etag += 1
      state.secrets[id] = entry
      state.changes.append("aliases of \(id)")
      return .json(200, "{}")
    case ("POST", 2, "disable"), ("POST", 2, "enable"), ("POST", 2, "destroy"):
      guard let number = number(rest[1], entry), entry.versions[number - 1].state != "DESTROYED" else {
        return error(400, "FAILED_PRECONDITION")
      }
      entry.versions[number - 1].state =
        ["disable": "DISABLED", "enable": "ENABLED", "destroy": "DESTROYED"][verb] ?? ""
      if verb == "destroy" { entry.versions[number - 1].data = "" }
      state.secrets[id] = entry
      state.changes.append("\(verb) \(id)/\(number)")
      return .json(200, "{}")
    default: return error(404, "NOT_FOUND")
    }
  }
}
