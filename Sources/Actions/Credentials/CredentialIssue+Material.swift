import Capabilities
import Incidents
import JSON
import Secrets

// A credential of several fields, in the journal and in its store: all of it or nothing.
extension CredentialIssue {
  /// What the outcome says of it. Every secret field is sealed in the outcome's own transaction.
  func result(_ issued: IssuedCredential, _ call: ActionCall, isKept: Bool = false) -> ActionResult {
    let material = issued.material
    var outputs: [String: Value] = [
      "ref": .string(issued.ref.rawValue), "secret": .secret(call.newSecret), "kept": .boolean(isKept),
    ]
    var secrets = [call.newSecret: material.primary]
    if let expiry = material.expiry { outputs["expires"] = .timestamp(expiry) }
    if !material.shape.isSingle {
      let fields = material.shape.fields.filter(\.isSecret)
      for field in fields { secrets[call.newField(field.name)] = material[field.name] }
      outputs["fields"] = .list(fields.map { .secret(call.newField($0.name)) })
      outputs["public"] = .record(material.publicParts.mapValues { .string($0) })
    }
    return ActionResult(outputs: outputs, secrets: secrets, isUnchanged: isKept)
  }

  /// What phase `issue` gave.
  func issuedMaterial(_ call: ActionCall, _ shape: MaterialShape) async throws(CapabilityError) -> Material {
    guard case .secret(let primary)? = call.earlier["secret"] else { throw call.missing("secret", .secret) }
    guard !shape.isSingle, case .list(let handles)? = call.earlier["fields"] else {
      return Material(try await call.secrets.secret(primary))
    }
    var values: [String: Secret] = [:]
    for case .secret(let handle) in handles {
      let name = handle.rawValue.split(separator: "/").last.map(String.init) ?? ""
      values[name] = try await call.secrets.secret(handle)
    }
    if case .record(let parts)? = call.earlier["public"] {
      for case (let name, .string(let text)) in parts { values[name] = Secret(text) }
    }
    return try Material(shape, values)
  }

  /// Where it goes: key of the store → field; a nil field is all of it as one text.
  func entryKeys(_ call: ActionCall, _ target: Targets.Credential) throws(CapabilityError) -> [(
    key: String, field: String?
  )] {
    if let key = call.optionalText("key") { return [(key, nil)] }
    guard !target.keys.isEmpty else { return [(target.key, nil)] }
    let shape = target.provider.shape
    var places: [(key: String, field: String?)] = []
    for field in shape.fields {
      if let key = target.keys[field.name] { places.append((key, field.name)) }
    }
    return places
  }

  /// - Throws: `.configuration` when a part of it would have no place: half a credential is never stored.
  func checkEntries(_ call: ActionCall, _ target: Targets.Credential) throws(CapabilityError) {
    guard target.provider.capabilities.issuing != .leased else { return }
    let name = try call.credential()
    let shape = target.provider.shape
    let places = try entryKeys(call, target)
    func wrong(_ because: String, _ fix: String) -> CapabilityError {
      CapabilityError(.configuration, "store \(name)", because: because, fix: fix)
    }
    guard call.optionalText("key") == nil, !target.keys.isEmpty else { return }
    let homeless = shape.fields.filter { field in
      field.isSecret && !places.contains { $0.field == field.name }
    }
    guard homeless.isEmpty else {
      throw wrong(
        "keys: names no entry for \(homeless.map(\.name).joined(separator: ", ")): half a credential is none",
        "add it to keys: of \(name) in staunch.yaml")
    }
    if let strange = target.keys.keys.sorted().first(where: { key in !shape.fields.contains { $0.name == key }
    }) {
      throw wrong(
        "keys: names \"\(strange)\", and such a credential has \(shape.fields.map(\.name).joined(separator: ", "))",
        "correct it in keys: of \(name) in staunch.yaml")
    }
    let store = try call.store()
    let takesSeveral = try targets.store(store).takesSeveralEntries
    guard places.count == 1 || takesSeveral else {
      throw wrong(
        "\(store) cannot change several entries in one step, so a program could read half of it",
        "write key: NAME instead of keys: for \(name): it is kept as one text then")
    }
  }

  /// The entries of phase `store`.
  func storedValues(_ call: ActionCall, _ target: Targets.Credential) async throws(CapabilityError)
    -> StoredValues
  {
    let shape = target.provider.shape
    let material = try await issuedMaterial(call, shape)
    let store = try call.store()
    let places = try entryKeys(call, target)
    var entries: [(key: String, secret: Secret, former: FormerValues)] = []
    for (key, field) in places {
      let value: Secret
      if let field {
        guard let part = material[field] else {
          throw CapabilityError(.invalid, "store \(key)", because: "the new credential has no \(field)")
        }
        value = part
      } else {
        value = material.oneText
      }
      let former = try await FormerValues(
        call, targets, store: store, key: key, new: value,
        countsLeaked: field == nil || field == shape.primary, own: Set(places.map(\.key)))
      entries.append((key, value, former))
    }
    return StoredValues(store: try targets.store(store), entries: entries)
  }

  /// What the store holds of it now; nil when a part is missing or cannot be told from the rest, or where a store never shows a value.
  func storedMaterial(_ call: ActionCall, _ target: Targets.Credential) async throws(CapabilityError)
    -> (material: Material, version: String)?
  {
    let store = try targets.store(call.store())
    guard store.canBeRead else { return nil }
    let shape = target.provider.shape
    var values: [String: Secret] = [:]
    var version: String?
    for (key, field) in try entryKeys(call, target) {
      guard let found = try await store.currentVersion(key) else { return nil }
      version = version ?? found
      let value = try await store.read(key)
      guard !value.isEmpty else { return nil }
      if let field {
        values[field] = value
      } else if let whole = Material(reading: value, as: shape) {
        return (whole, found)
      }
    }
    guard let version, shape.fields.allSatisfy({ values[$0.name] != nil }) else { return nil }
    return (try Material(shape, values), version)
  }
}
