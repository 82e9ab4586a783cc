import JSON

/// How the pods of a template come to a Secret's values.
///
/// What comes by environment is read once, when a container starts; a mounted file is refreshed by the kubelet within a minute
/// or two, unless it is a `subPath`, which never is.
/// Source: https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets
struct KubernetesPodSpec {
  enum Way: String, Comparable {
    case environment = "environment"
    case subPath = "subPath mount, never refreshed"
    case mount = "mounted file, refreshed by the kubelet"
    case pull = "imagePullSecrets"
    static func < (one: Way, other: Way) -> Bool { one.rawValue < other.rawValue }
  }

  let spec: JSONValue
  /// The first generation's name.
  let secret: String

  /// `app`, `app-g2` …: the Secret or one of its generations.
  static func isGeneration(_ name: String, of base: String) -> Bool {
    guard name != base else { return true }
    guard name.hasPrefix(base + "-g"), let number = Int(name.dropFirst(base.count + 2)) else { return false }
    return number > 1
  }

  private func isMeant(_ name: JSONValue?) -> Bool {
    name?.string.map { Self.isGeneration($0, of: secret) } ?? false
  }

  private static let lists = ["containers", "initContainers", "ephemeralContainers"]

  /// Empty: its pods do not read it.
  var ways: [Way] {
    var found: Set<Way> = []
    var volumes: Set<String> = []
    for volume in spec["volumes"]?.array ?? [] {
      let isProjected =
        volume["projected"]?["sources"]?.array?.contains { isMeant($0["secret"]?["name"]) } ?? false
      guard isProjected || isMeant(volume["secret"]?["secretName"]), let name = volume["name"]?.string else {
        continue
      }
      volumes.insert(name)
    }
    for container in Self.lists.flatMap({ spec[$0]?.array ?? [] }) {
      let isEnvironment =
        (container["env"]?.array ?? []).contains { isMeant($0["valueFrom"]?["secretKeyRef"]?["name"]) }
        || (container["envFrom"]?.array ?? []).contains { isMeant($0["secretRef"]?["name"]) }
      if isEnvironment { found.insert(.environment) }
      for mount in container["volumeMounts"]?.array ?? [] where volumes.contains(mount["name"]?.string ?? "")
      {
        found.insert(mount["subPath"] == nil && mount["subPathExpr"] == nil ? .mount : .subPath)
      }
    }
    if (spec["imagePullSecrets"]?.array ?? []).contains(where: { isMeant($0["name"]) }) {
      found.insert(.pull)
    }
    return found.sorted()
  }

  /// The lists of the spec that change when it is to read the generation `name`; empty: it does already.
  func pointing(at name: String) -> [String: JSONValue] {
    var changes: [String: JSONValue] = [:]
    for list in Self.lists + ["volumes", "imagePullSecrets"] {
      guard let old = spec[list] else { continue }
      let new = list == "imagePullSecrets" ? renamed(old, in: ["name"], to: name) : pointed(old, at: name)
      if new != old { changes[list] = new }
    }
    return changes
  }

  /// Every reference below `value`, by the member that holds it.
  private func pointed(_ value: JSONValue, at name: String) -> JSONValue {
    if let elements = value.array { return .array(elements.map { pointed($0, at: name) }) }
    guard let members = value.object else { return value }
    var new: [String: JSONValue] = [:]
    for (key, member) in members {
      switch key {
      case "secretKeyRef", "secretRef", "secret":
        new[key] = renamed(member, in: ["name", "secretName"], to: name)
      case "env", "envFrom", "valueFrom", "projected", "sources": new[key] = pointed(member, at: name)
      default: new[key] = member
      }
    }
    return .object(new)
  }

  private func renamed(_ value: JSONValue, in keys: [String], to name: String) -> JSONValue {
    if let elements = value.array { return .array(elements.map { renamed($0, in: keys, to: name) }) }
    guard var members = value.object else { return value }
    for key in keys where isMeant(members[key]) { members[key] = .string(name) }
    return .object(members)
  }
}
