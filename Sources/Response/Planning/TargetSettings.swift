package import Capabilities
import Cryptography
import Foundation
import Incidents
import JSON
import Playbooks
import Secrets
import StaunchConfiguration

// What stands behind a target's name, so that what runs is what was approved: command, path, address, remote, TLS.
extension TargetFacts {
  package func settings(of target: Value?) -> [String: String] {
    guard let target else {
      let all: [Value] =
        configuration.credentials.keys.map(Value.credential) + configuration.stores.keys.map(Value.store)
        + configuration.consumers.keys.map(Value.consumer) + configuration.trackers.keys.map(Value.tracker)
        + configuration.repositories.keys.map(Value.repository)
      return all.reduce(into: [:]) { $0.merge(settings(of: $1)) { first, _ in first } }
    }
    switch target {
    case .credential(let name):
      guard let entry = configuration.credentials[name] else { return [:] }
      var members: [String: JSONValue] = [
        "store": entry.store.map { .string($0.rawValue) } ?? .null, "key": .string(entry.key),
        "consumers": .array(entry.consumers.map { .string($0.rawValue) }),
      ]
      // Only where there are any: a plan that an earlier version saved has no such member.
      if !entry.keys.isEmpty { members["keys"] = .object(entry.keys.mapValues { .string($0) }) }
      var found = Self.digest("credential \(name)", of: entry.target, members)
      for value in [entry.store.map(Value.store)].compactMap({ $0 }) + entry.consumers.map(Value.consumer) {
        found.merge(settings(of: value)) { first, _ in first }
      }
      return found
    case .store(let name): return Self.digest("store \(name)", of: configuration.stores[name])
    case .consumer(let name): return Self.digest("consumer \(name)", of: configuration.consumers[name])
    case .tracker(let name): return Self.digest("tracker \(name)", of: configuration.trackers[name])
    case .repository(let name):
      guard let entry = configuration.repositories[name] else { return [:] }
      var members: [String: JSONValue] = [
        "path": .string(entry.path), "remote": entry.remote.map { .string($0) } ?? .null,
      ]
      // Absent where it is not set, as in plans from before.
      if entry.trustsConfig { members["trust_config"] = true }
      return Self.digest("repository \(name)", members)
    case .null, .unknown, .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .incident, .list,
      .record:
      return [:]
    }
  }

  private static func digest(
    _ name: String, of entry: TargetConfiguration?, _ more: [String: JSONValue] = [:]
  ) -> [String: String] {
    guard let entry else { return [:] }
    return digest(
      name,
      more.merging(["kind": .string(entry.kind), "settings": .object(entry.settings)]) { first, _ in first })
  }

  /// References to secrets stand in it as references; where the entry stands in the file does not.
  private static func digest(_ name: String, _ members: [String: JSONValue]) -> [String: String] {
    [name: Hex.text(SHA256.hash(data: Data(JSONValue.object(members).canonicalBytes)))]
  }
}
