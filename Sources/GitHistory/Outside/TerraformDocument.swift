import JSON

/// A state of Terraform or OpenTofu, a plan or what `show -json` prints: every text in it with the resource and attribute that
/// it stands under.
///
/// Source: Terraform's and OpenTofu's internal state format, versions 3 and 4; "JSON Output Format", `format_version` 1.
struct TerraformDocument {
  enum Kind { case state, plan }

  /// A text and where it stands.
  struct Leaf {
    let place: TerraformPlace
    let text: String
  }

  let kind: Kind
  private let document: JSONValue

  /// Nil for what is none of these, or too large a document.
  init?(_ text: UnsafeBufferPointer<UInt8>) {
    guard Self.looksLikeOne(text) else { return nil }
    let limits = JSONLimits(depth: 128, nodes: 500_000, stringBytes: 16 << 20, valueBytes: 32 << 20)
    do throws(JSONError) { document = try JSONValue(parsing: text, limits: limits) } catch {
      return nil  // some other JSON, or none: its lines are told
    }
    if document["resource_changes"] != nil || document["planned_values"] != nil {
      kind = .plan
    } else if document["lineage"] != nil || document["modules"] != nil || document["values"] != nil
      || document["resources"] != nil
    {
      kind = .state
    } else {
      return nil
    }
  }

  private static func looksLikeOne(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard text.first(where: { $0 > 0x20 }) == 0x7B else { return false }
    // The member stands near the begin in all of them but plans with many variables.
    return [Array("\"terraform_version\"".utf8), Array("\"format_version\"".utf8)].contains {
      UnsafeBufferPointer(rebasing: text.prefix(64 << 10)).holds($0)
    }
  }

  /// Calls `body` for every text in it.
  func forEachLeaf(_ body: (Leaf) -> Void) {
    outputs(document["outputs"], body)
    for resource in document["resources"]?.array ?? [] { current(resource, body) }
    for module in document["modules"]?.array ?? [] { former(module, body) }
    for name in ["values", "planned_values"] { values(document[name], body) }
    values(document["prior_state"]?["values"], body)
    for change in document["resource_changes"]?.array ?? [] { self.change(change, body) }
    for change in document["resource_drift"]?.array ?? [] { self.change(change, body) }
    for (name, change) in document["output_changes"]?.object ?? [:] {
      for side in ["before", "after"] { walk(change[side], side, "output.\(name)", nil, body) }
    }
    for (name, variable) in document["variables"]?.object ?? [:] {
      walk(variable["value"], "value", "var.\(name)", nil, body)
    }
    configuration(document["configuration"]?["root_module"], "", body)
  }

  private func outputs(_ outputs: JSONValue?, _ body: (Leaf) -> Void) {
    for (name, output) in outputs?.object ?? [:] {
      walk(output["value"], "value", "output.\(name)", nil, body)
    }
  }

  /// A resource of version 4.
  private func current(_ resource: JSONValue, _ body: (Leaf) -> Void) {
    let type = resource["type"]?.string ?? "?"
    var address = resource["module"]?.string.map { $0 + "." } ?? ""
    if resource["mode"]?.string == "data" { address += "data." }
    address += "\(type).\(resource["name"]?.string ?? "?")"
    for instance in resource["instances"]?.array ?? [] {
      let key =
        switch instance["index_key"] {
        case .integer(let number)?: "[\(number)]"
        case .string(let text)?: "[\"\(text)\"]"
        default: ""
        }
      let deposed = instance["deposed"]?.string.map { " (deposed \($0))" } ?? ""
      walk(instance["attributes"], "", address + key + deposed, type, body)
      walk(instance["attributes_flat"], "", address + key + deposed, type, body)
      walk(instance["private"], "private", address + key + deposed, type, body)
    }
  }

  /// A module of version 3 and before.
  private func former(_ module: JSONValue, _ body: (Leaf) -> Void) {
    let path = (module["path"]?.array ?? []).compactMap(\.string).dropFirst().map { "module.\($0)." }.joined()
    for (name, output) in module["outputs"]?.object ?? [:] {
      walk(output["value"] ?? output, "value", "\(path)output.\(name)", nil, body)
    }
    for (name, resource) in module["resources"]?.object ?? [:] {
      let type = resource["type"]?.string
      for instance in [resource["primary"]].compactMap({ $0 }) + (resource["deposed"]?.array ?? []) {
        walk(instance["attributes"], "", path + name, type, body)
      }
    }
  }

  private func values(_ values: JSONValue?, _ body: (Leaf) -> Void) {
    outputs(values?["outputs"], body)
    module(values?["root_module"], body)
  }

  private func module(_ module: JSONValue?, _ body: (Leaf) -> Void) {
    for resource in module?["resources"]?.array ?? [] {
      walk(resource["values"], "", resource["address"]?.string ?? "?", resource["type"]?.string, body)
    }
    for child in module?["child_modules"]?.array ?? [] { self.module(child, body) }
  }

  private func change(_ change: JSONValue, _ body: (Leaf) -> Void) {
    let address = change["address"]?.string ?? "?"
    for side in ["before", "after"] {
      walk(change["change"]?[side], side, address, change["type"]?.string, body)
    }
  }

  /// Values that stand in the configuration itself.
  private func configuration(_ module: JSONValue?, _ path: String, _ body: (Leaf) -> Void) {
    for resource in module?["resources"]?.array ?? [] {
      let address = path + (resource["address"]?.string ?? "?")
      walk(resource["expressions"], "expressions", address, resource["type"]?.string, body)
    }
    for (name, variable) in module?["variables"]?.object ?? [:] {
      walk(variable["default"], "default", "\(path)var.\(name)", nil, body)
    }
    for (name, output) in module?["outputs"]?.object ?? [:] {
      walk(output["expression"], "expression", "\(path)output.\(name)", nil, body)
    }
    for (name, call) in module?["module_calls"]?.object ?? [:] {
      walk(call["expressions"], "expressions", "\(path)module.\(name)", nil, body)
      configuration(call["module"], "\(path)module.\(name).", body)
    }
  }

  private func walk(
    _ value: JSONValue?, _ path: String, _ address: String, _ type: String?, _ body: (Leaf) -> Void
  ) {
    switch value {
    case .string(let text)?:
      let place = TerraformPlace(address: address, attribute: path.isEmpty ? "value" : path, type: type)
      body(Leaf(place: place, text: text))
    case .array(let elements)?:
      for (index, element) in elements.enumerated() {
        walk(element, "\(path)[\(index)]", address, type, body)
      }
    case .object(let members)?:
      for (name, member) in members.sorted(by: { $0.key < $1.key }) {
        walk(member, path.isEmpty ? name : "\(path).\(name)", address, type, body)
      }
    case .null?, .boolean?, .integer?, .number?, nil: break  // no text
    }
  }
}

extension UnsafeBufferPointer<UInt8> {
  func holds(_ bytes: [UInt8]) -> Bool {
    guard let first = bytes.first, count >= bytes.count else { return false }
    var position = 0
    while position <= count - bytes.count {
      if self[position] == first, self[position..<(position + bytes.count)].elementsEqual(bytes) {
        return true
      }
      position += 1
    }
    return false
  }
}
