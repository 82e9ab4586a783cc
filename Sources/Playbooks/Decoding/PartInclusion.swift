import Incidents

// `include:` — the steps of a part in the place of the entry that names it.
//
// Parts are put in before anything is decoded, so what comes of it is one flat playbook: the ids are the part's own, its
// expressions see the inputs and the steps before that place, and every position is one of the part's own file. A part is
// judged only here, in the playbooks that include it.
extension PlaybookDecoder {
  /// `inputs`, `steps` and `finally` of a playbook with its parts in their places.
  struct Whole {
    /// Those of the playbook, then those that only parts declare.
    var inputs: [YAMLNode.Member] = []
    var steps: [YAMLNode] = []
    /// The playbook's own, then those of the parts in the order of their inclusion.
    var finally: [YAMLNode] = []
    /// What the parts bring for `finally`, until the playbook's own stand there.
    fileprivate var ends: [YAMLNode] = []
  }

  /// - Parameter members: of the playbook's own file.
  mutating func whole(_ members: [String: YAMLNode]) -> Whole {
    var whole = Whole()
    if let inputs = members["inputs"] {
      whole.inputs = inputs.members ?? wrongShape(inputs, "\"inputs\"", "a mapping") ?? []
    }
    for node in members["steps"].flatMap({ list($0, of: "steps") }) ?? [] { put(node, in: \.steps, &whole) }
    for node in members["finally"].flatMap({ list($0, of: "finally") }) ?? [] {
      put(node, in: \.finally, &whole)
    }
    whole.finally += whole.ends
    return whole
  }

  private mutating func put(
    _ node: YAMLNode, in list: WritableKeyPath<Whole, [YAMLNode]>, _ whole: inout Whole
  ) {
    guard node["include"] != nil else { return whole[keyPath: list].append(node) }
    guard let keys = members(of: node, as: .inclusion), let reference = keys["include"],
      let part = part(reference)
    else { return }
    join(part, of: reference, into: &whole)
    for step in part["steps"].flatMap({ self.list($0, of: "steps") }) ?? [] { put(step, in: list, &whole) }
    for step in part["finally"].flatMap({ self.list($0, of: "finally") }) ?? [] {
      put(step, in: \.ends, &whole)
    }
  }

  /// The inputs of `part` beside those that are there; an input of one name is one input.
  private mutating func join(_ part: [String: YAMLNode], of reference: YAMLNode, into whole: inout Whole) {
    guard let inputs = part["inputs"] else { return }
    for member in inputs.members ?? wrongShape(inputs, "\"inputs\"", "a mapping") ?? [] {
      guard let known = whole.inputs.first(where: { $0.key == member.key }) else {
        whole.inputs.append(member)
        continue
      }
      guard let one = known.value["type"]?.string, let other = member.value["type"]?.string, one != other
      else { continue }
      report(
        .include, reference.position,
        "the part takes the input \"\(member.key)\" as \(other), and here it is \(one)",
        "declare it as \(other), or give it another name")
    }
  }

  /// The members of the part that `reference` names; nil after reporting.
  private mutating func part(_ reference: YAMLNode) -> [String: YAMLNode]? {
    let keys = reference.members == nil ? nil : members(of: reference, as: .include)
    guard let name = identifier(keys == nil ? reference : keys?["id"], of: "include") else { return nil }
    let id = PlaybookID(name)
    guard let found = includes.part(id) else {
      report(
        .include, reference.position, "there is no part \"\(name)\"",
        Suggestion.phrase(for: name, among: includes.partIDs.map(\.rawValue)))
      return nil
    }
    if let problem = includes.problem(ofPart: id) {
      diagnostics.append(problem)
      return nil
    }
    let digest = Playbook.digest(of: found.source)
    if let pin = text(keys?["sha256"], of: "sha256"), pin != digest {
      report(
        .include, keys?["sha256"]?.position ?? reference.position,
        "the part \"\(name)\" changed: its digest is \(digest)",
        "read the change, then write that digest here")
      return nil
    }
    let source = PlaybookSource(id: PlaybookID("parts/\(name)"), file: found.file, sha256: digest)
    // Its ids would be used twice; and a part that includes itself would have no end.
    guard !parts.contains(where: { $0.id == source.id }) else {
      report(
        .include, reference.position, "the part \"\(name)\" stands in this playbook already",
        "include it once")
      return nil
    }
    parts.append(source)
    return members(ofPart: name, found)
  }

  private mutating func members(ofPart name: String, _ found: (file: String, source: String)) -> [String:
    YAMLNode]?
  {
    let root: YAMLNode
    do {
      root = try YAMLReader.read(found.source, file: found.file)
    } catch {
      diagnostics += error.diagnostics
      return nil
    }
    guard case .integer(1)? = root["part"]?.content else {
      report(
        .unsupportedVersion, (root["part"] ?? root).position, "this is no part of version 1 of the language",
        "begin the file with: part: 1")
      return nil
    }
    guard let members = members(of: root, as: .part) else { return nil }
    for key in ["title", "description"] { _ = text(members[key], of: key) }
    if let id = identifier(members["id"], of: "id"), id != name {
      report(
        .badIdentifier, members["id"]?.position ?? root.position,
        "the file holds the part \"\(id)\", and is looked for by its name, \"\(name)\"",
        "rename the file to \(id).yaml, or write id: \(name)")
    }
    return members
  }
}
