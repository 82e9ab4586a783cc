import Capabilities
import Foundation
import Incidents
import JSON
import Playbooks

// What may happen without a person, and where reports come from by themselves.
extension ConfigurationReader {
  /// The actions of a route that contains: each a known one that changes something, by name. `*` does not exist here.
  mutating func actions(_ node: YAMLNode, _ autonomy: Configuration.Route.Autonomy) -> Set<String> {
    let names = texts(node, "actions")
    let effects = Dictionary(ActionSignature.builtin.map { ($0.id, $0.effect) }) { first, _ in first }
    for name in names {
      guard let effect = effects[name] else {
        unknown(node["actions"], "action", name, effects.filter { $0.value != .read }.map(\.key))
        continue
      }
      if effect == .read {
        problem(
          node["actions"] ?? node, "\"\(name)\" only looks: it needs nobody's permission", "leave it out")
      }
    }
    switch autonomy {
    case .contain where names.isEmpty:
      problem(
        node, "autonomy: contain needs the actions that may run without a person",
        "add for example: actions: [credential.disable]")
    case .record where !names.isEmpty, .plan where !names.isEmpty:
      problem(
        node["actions"] ?? node, "\"actions\" means nothing with autonomy: \(autonomy.rawValue)",
        "write autonomy: contain, or remove it")
    case .record, .plan, .contain: break
    }
    return Set(names)
  }

  mutating func read(_ node: YAMLNode, into policy: inout Configuration.Policy) {
    refuseUnknown(node, known: ["in_delivery", "in_ten_minutes", "per_provider"])
    let standard = policy.storm
    policy.storm = StormBreaker(
      newInDelivery: number(node, "in_delivery") ?? standard.newInDelivery,
      newInTenMinutes: number(node, "in_ten_minutes") ?? standard.newInTenMinutes,
      rotationsOfOneProvider: number(node, "per_provider") ?? standard.rotationsOfOneProvider)
  }

  mutating func callLimits(_ node: YAMLNode) -> [String: Configuration.CallLimit] {
    var limits: [String: Configuration.CallLimit] = [:]
    for (kind, limit) in entries(node) {
      guard catalogue.credentialKinds.contains(kind) || credentialNames.contains(kind) else {
        unknown(limit, "kind of credential", kind, catalogue.credentialKinds + credentialNames)
        continue
      }
      refuseUnknown(limit, known: ["per_second", "burst"])
      guard let perSecond = limit["per_second"].flatMap(Self.decimal), perSecond > 0, perSecond.isFinite
      else {
        problem(
          limit["per_second"] ?? limit, "\"per_second\" must be a number above 0",
          "\(kind): {per_second: 5, burst: 10}")
        continue
      }
      limits[kind] = Configuration.CallLimit(perSecond: perSecond, burst: number(limit, "burst") ?? 1)
    }
    return limits
  }

  mutating func source(_ node: YAMLNode) -> Configuration.Source? {
    refuseUnknown(node, known: ["kind", "base_url", "token", "repositories", "every"])
    let word = text(node, "kind") ?? ""
    guard let kind = Configuration.Source.Kind(rawValue: word) else {
      unknown(node["kind"] ?? node, "source", word, Configuration.Source.Kind.allCases.map(\.rawValue))
      return nil
    }
    guard let token = text(node, "token"), isReference(token) else {
      problem(
        node["token"] ?? node, "a source needs a reference to its token, not the token itself",
        "token: env:GITHUB_TOKEN")
      return nil
    }
    let standard = kind == .github ? "https://api.github.com" : "https://api.gitguardian.com"
    let repositories = texts(node, "repositories")
    if kind == .github, repositories.isEmpty {
      problem(node, "a GitHub source names its repositories", "repositories: [owner/name]")
    }
    for name in repositories where !ConfigurationReader.isRepository(name) {
      problem(node["repositories"] ?? node, "\"\(name)\" is no owner/name", "repositories: [owner/name]")
    }
    var every = Duration.seconds(900)
    if let value = text(node, "every") {
      if let duration = DurationText.parse(value), duration >= .seconds(60) {
        every = duration
      } else {
        problem(node["every"] ?? node, "\"every\" must be a duration from 1m", "every: 15m")
      }
    }
    return Configuration.Source(
      kind: kind, baseURL: text(node, "base_url") ?? standard, token: token, repositories: repositories,
      every: every, position: "\(node.position)")
  }

  /// Checked in full by the endpoint itself; here only what could put a secret into this file.
  mutating func receiver(_ node: YAMLNode) -> JSONValue? {
    refuseUnknown(
      node, known: ["listen", "tls", "proxies", "operators", "routes", "limits", "console"])
    for route in node["routes"].flatMap({ elements($0) }) ?? [] {
      for key in ["keys", "tokens", "credentials", "signing_keys"] {
        for reference in texts(route, key) where !isEndpointReference(reference) {
          problem(
            route[key] ?? route, "\"\(key)\" holds a secret itself; only references may stand in this file",
            "write env:NAME or file:/path")
        }
      }
    }
    if let tls = node["tls"], let key = tls["key"], !isEndpointReference(key.string ?? "") {
      problem(key, "\"key\" must be a reference to the private key", "write file:/path or credential:NAME")
    }
    return node.json
  }

  /// The directory itself is looked at when it is used, and by `doctor`.
  mutating func exchange(_ node: YAMLNode) -> Configuration.Exchange? {
    refuseUnknown(node, known: ["directory", "group", "settings"])
    for key in ["directory", "settings"] {
      if let path = text(node, key), !Self.isPlain(path) {
        problem(node[key] ?? node, "\"\(key)\" must be an absolute path without . and ..", nil)
        return nil
      }
    }
    guard let directory = text(node, "directory") else {
      problem(node, "the exchange has no directory", "add: directory: /var/lib/staunch-exchange")
      return nil
    }
    guard let group = text(node, "group"), !group.isEmpty else {
      problem(
        node["group"] ?? node, "the exchange names no group of the endpoint's user",
        "add: group: staunch-exchange")
      return nil
    }
    return Configuration.Exchange(
      directory: directory, group: group, settings: text(node, "settings"), position: "\(node.position)")
  }

  private static func isPlain(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    return path.hasPrefix("/") && parts.allSatisfy { !["", ".", ".."].contains($0) }
  }

  /// True for what ``SecretReference`` reads: nothing is accepted here that is refused when it is needed.
  func isReference(_ text: String) -> Bool {
    do throws(CapabilityError) {
      _ = try SecretReference(text)
      return true
    } catch { return false }
  }

  /// The endpoint's own references, docs/RECEIVER.md.
  private func isEndpointReference(_ text: String) -> Bool {
    ["env:", "file:", "credential:", "inherited:"].contains { text.hasPrefix($0) && text.count > $0.count }
  }

  /// Two plain parts: it becomes part of a URL's path.
  private static func isRepository(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2
      && parts.allSatisfy { part in
        !part.isEmpty && part != "." && part != ".."
          && part.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
              || [0x2D, 0x2E, 0x5F].contains($0)
          }
      }
  }

  /// A whole number from 1.
  private static func decimal(_ node: YAMLNode) -> Double? {
    switch node.content {
    case .integer(let number): Double(number)
    case .number(let text): Double(text)
    case .null, .boolean, .string, .sequence, .mapping: nil
    }
  }

  mutating func number(_ node: YAMLNode, _ key: String) -> Int? {
    guard let value = node[key] else { return nil }
    guard case .integer(let number) = value.content, number >= 1 else {
      problem(value, "\"\(key)\" must be a whole number from 1", nil)
      return nil
    }
    return number
  }
}
