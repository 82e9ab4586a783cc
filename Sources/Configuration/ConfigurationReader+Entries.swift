import Capabilities
import Incidents
import JSON
import Playbooks

// Entries of a section: what each may say, by its kind.
extension ConfigurationReader {
  /// What every entry of a section may say besides its adapter's own settings.
  mutating func target(
    _ name: String, _ node: YAMLNode, _ kinds: [String: [SettingDeclaration]], also common: [String] = []
  ) -> TargetConfiguration? {
    guard node.members != nil else {
      problem(node, "\"\(name)\" must be a mapping", "give it at least: {kind: …}")
      return nil
    }
    guard let kind = text(node, "kind") else {
      missingKind(name, node, kinds.keys.sorted())
      return nil
    }
    guard let settings = kinds[kind] else {
      unknownKind(kind, node, kinds.keys.sorted())
      return nil
    }
    return target(name, node, kind, settings, also: common)
  }

  private mutating func missingKind(_ name: String, _ node: YAMLNode, _ known: [String]) {
    problem(node, "\"\(name)\" does not say its kind", "one of: \(known.joined(separator: ", "))")
  }

  private mutating func unknownKind(_ kind: String, _ node: YAMLNode, _ known: [String]) {
    problem(
      node["kind"] ?? node, "there is no kind \"\(kind)\" here", Suggestion.phrase(for: kind, among: known))
  }

  private mutating func target(
    _ name: String, _ node: YAMLNode, _ kind: String, _ settings: [SettingDeclaration], also common: [String]
  ) -> TargetConfiguration {
    refuseUnknown(node, known: ["kind"] + common + settings.map(\.key))
    for setting in settings where setting.isRequired && node[setting.key] == nil {
      problem(node, "\"\(name)\" lacks the setting \"\(setting.key)\": \(setting.summary)", nil)
    }
    for setting in settings where setting.isSecretReference {
      guard let value = node[setting.key], !isReference(value.string ?? "") else { continue }
      problem(
        value, "\"\(setting.key)\" is no reference that can be read; only references may stand in this file",
        "put the value into the environment or a file of mode 0600 and write env:NAME or file:/path")
    }
    var values: [String: JSONValue] = [:]
    for member in node.members ?? [] where !(["kind"] + common).contains(member.key) {
      values[member.key] = member.value.json
    }
    return TargetConfiguration(name: name, kind: kind, settings: values, position: "\(node.position)")
  }

  /// The entry's kind is read here, and no other one: files describe many.
  private mutating func credentialTarget(
    _ name: String, _ node: YAMLNode, _ configuration: inout Configuration
  ) -> TargetConfiguration? {
    guard node.members != nil, let kind = text(node, "kind") else {
      guard node.members != nil else { return target(name, node, [:]) }
      missingKind(name, node, catalogue.credentialKinds)
      return nil
    }
    let entry: AdapterCatalogue.CredentialEntry?
    do throws(CapabilityError) { entry = try catalogue.credential(kind) } catch {
      problem(
        node["kind"] ?? node, "the kind \"\(kind)\" cannot be used: \(error.operation): \(error.because)",
        error.fix)
      return nil
    }
    guard let entry else {
      unknownKind(kind, node, catalogue.credentialKinds)
      return nil
    }
    if entry.isGuided { configuration.guidedKinds.insert(kind) }
    return target(name, node, kind, entry.settings, also: Self.ownOfCredentials)
  }

  mutating func credential(_ name: String, _ node: YAMLNode, _ configuration: inout Configuration)
    -> Configuration.Credential?
  {
    guard let target = credentialTarget(name, node, &configuration) else { return nil }
    let store = text(node, "store").map { StoreName($0) }
    if let store, configuration.stores[store] == nil {
      unknown(node["store"], "store", store.rawValue, configuration.stores.keys.map(\.rawValue))
    }
    if store != nil, node["key"] == nil, node["keys"] == nil {
      problem(node, "\"\(name)\" has a store but no key", "add: key: NAME_IN_THE_STORE")
    }
    if let both = node["keys"], node["key"] != nil {
      problem(
        both, "\"\(name)\" has key and keys", "keep one: key for one text, keys for one entry for each field")
    }
    var keys: [String: String] = [:]
    for (field, entry) in node["keys"].map({ entries($0) }) ?? [] {
      guard let text = entry.string else {
        problem(entry, "the entry of \"\(field)\" is no text", "write keys: {\(field): NAME_IN_THE_STORE}")
        continue
      }
      keys[field] = text
    }
    let consumers = texts(node, "consumers").map { ConsumerName($0) }
    for consumer in consumers where configuration.consumers[consumer] == nil {
      unknown(node["consumers"], "consumer", consumer.rawValue, configuration.consumers.keys.map(\.rawValue))
    }
    return Configuration.Credential(
      target: target, store: store, key: text(node, "key") ?? name, keys: keys, consumers: consumers,
      aliases: texts(node, "aliases"), leaks: kinds(node, "leaks"))
  }

  /// What an entry under `credentials:` may say besides its adapter's own settings.
  private static let ownOfCredentials = ["store", "key", "keys", "consumers", "aliases", "leaks"]
}
