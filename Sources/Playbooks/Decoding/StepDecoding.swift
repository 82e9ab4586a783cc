import Capabilities
import Incidents

// Steps: which kind a step is, which keys that kind takes, and what later steps may say about it.
extension PlaybookDecoder {
  /// The keys that make a step what it is.
  private static let kindKeys = ["uses", "parallel", "manual", "playbook"]

  /// Which keys a kind takes besides `id`, `title`, `when`, `approve` and `on_failure`.
  private static let extraKeys: [String: Set<String>] = [
    "uses": ["uses", "with", "verify", "expect", "poll", "undo", "retry", "timeout", "for_each"],
    "parallel": ["parallel", "for_each"],
    "manual": ["manual", "collect", "timeout", "for_each"],
    // A limit of the whole would cut an effect off: the steps inside have their own.
    "playbook": ["playbook", "with", "for_each"],
    "approve": [],
  ]

  /// Decodes steps that run one after the other; each sees those before it.
  mutating func sequence(_ nodes: [YAMLNode], prefix: String, used: inout Set<String>) -> [Step] {
    var steps: [Step] = []
    for node in nodes {
      guard let (step, entry, name) = step(node, prefix: prefix, used: &used) else { continue }
      steps.append(step)
      names.steps[name] = entry
    }
    return steps
  }

  /// One step with what expressions may say about it, and its own name.
  private mutating func step(_ node: YAMLNode, prefix: String, used: inout Set<String>)
    -> (Step, Names.StepEntry, String)?
  {
    if let part = node["include"] {
      report(
        .misplacedKey, part.position, "a part cannot be included here",
        "include it in \"steps\" or \"finally\" of a playbook or of a part")
      return nil
    }
    guard let members = members(of: node, as: .step), let name = identifier(members["id"], of: "id"),
      let kind = kindKey(of: node, members)
    else { return nil }
    if !used.insert(name).inserted {
      report(.badIdentifier, members["id"]?.position ?? node.position, "the id \"\(name)\" is used twice")
    }
    let id = StepID(prefix + name)
    let condition = condition(members["when"])
    let approval = approval(members["approve"], isGate: kind == "approve")
    let loop = loop(members["for_each"])
    let outerItems = names.items
    if let loop { names.items[loop.name] = loop.itemType }
    var entry = Names.StepEntry(id: id)
    var inner: Set<String> = []
    let body = body(kind, id, node, members, &entry, &inner)
    names.items = outerItems
    entry.isLoop = loop != nil
    let response = failureResponse(members["on_failure"], id, name, &entry, &inner)
    guard let body else { return nil }
    let step = Step(
      id: id, title: text(members["title"], of: "title") ?? name, position: node.position,
      condition: condition,
      loop: loop, approval: approval, kind: body, onFailure: response)
    return (step, entry, name)
  }

  /// The one key that says what the step does; a step with `approve` alone is a gate.
  private mutating func kindKey(of node: YAMLNode, _ members: [String: YAMLNode]) -> String? {
    let kinds = Self.kindKeys.filter { members[$0] != nil }
    guard kinds.count <= 1 else {
      report(
        .misplacedKey, node.position, "a step does one thing, not \(kinds.joined(separator: " and "))",
        "split it into \(kinds.count) steps")
      return nil
    }
    guard let kind = kinds.first ?? (members["approve"] == nil ? nil : "approve") else {
      report(
        .missingKey, node.position, "the step does nothing",
        "add one of: uses, parallel, manual, playbook, approve")
      return nil
    }
    let allowed = Self.extraKeys[kind] ?? []
    for member in node.members ?? [] {
      let isCommon = ["id", "title", "when", "approve", "on_failure"].contains(member.key)
      if !isCommon, !allowed.contains(member.key), Grammar.step.key(member.key) != nil {
        report(
          .misplacedKey, member.keyPosition, "\"\(member.key)\" does not apply to a step with \"\(kind)\"",
          "remove it, or move it to a step of its own")
      }
    }
    return kind
  }

  private mutating func body(
    _ kind: String, _ id: StepID, _ node: YAMLNode, _ members: [String: YAMLNode],
    _ entry: inout Names.StepEntry,
    _ inner: inout Set<String>
  ) -> Step.Kind? {
    switch kind {
    case "uses": return actionStep(node, members, &entry).map { .action($0) }
    case "parallel": return parallel(members["parallel"], id, &entry, &inner)
    case "manual": return manual(members, &entry)
    case "playbook": return subPlaybook(node, members, id, &entry).map { .playbook($0) }
    default: return .gate  // "approve": kindKey returns nothing else
    }
  }

  private mutating func parallel(
    _ node: YAMLNode?, _ id: StepID, _ entry: inout Names.StepEntry, _ inner: inout Set<String>
  ) -> Step.Kind? {
    guard let node, let elements = list(node, of: "parallel") else { return nil }
    if elements.isEmpty {
      report(.wrongShape, node.position, "\"parallel\" is empty", "add at least one step")
    }
    let outerOthers = names.others
    names.others.formUnion(elements.compactMap { $0["id"]?.string })
    var branches: [Step] = []
    for element in elements {  // no branch sees another: they run at the same time
      guard let (step, child, name) = step(element, prefix: id.rawValue + ".", used: &inner) else { continue }
      branches.append(step)
      entry.children[name] = child
    }
    names.others = outerOthers
    return .parallel(branches)
  }

  private mutating func manual(_ members: [String: YAMLNode], _ entry: inout Names.StepEntry) -> Step.Kind? {
    let instructions = members["manual"].flatMap { textTemplate($0, called: "manual") }
    let timeout = duration(members["timeout"], of: "timeout")
    var collect: [String: ValueType] = [:]
    for member in members["collect"].map({ $0.members ?? wrongShape($0, "\"collect\"", "a mapping") ?? [] })
      ?? []
    where isIdentifier(member.key, at: member.keyPosition) {
      guard let type = type(member.value) else { continue }
      if type.holdsSecret {
        report(
          .secretInText, member.value.position,
          "a person's answer is kept in the journal and cannot be a secret",
          "let the person put it into a store, and collect its name")
      }
      collect[member.key] = type
    }
    entry.outputs = collect
    guard let instructions else { return nil }
    return .manual(ManualStep(instructions: instructions, collect: collect, timeout: timeout))
  }

  private mutating func failureResponse(
    _ node: YAMLNode?, _ id: StepID, _ name: String, _ entry: inout Names.StepEntry,
    _ inner: inout Set<String>
  ) -> FailureResponse {
    guard let node else { return .stop }
    guard let elements = node.elements else {
      switch text(node, of: "on_failure") {
      case "stop": return .stop
      case "continue": return .proceed
      case let other?:
        report(
          .wrongShape, node.position, "\"on_failure\" cannot be \"\(other)\"",
          Suggestion.phrase(for: other, among: ["stop", "continue"]))
      case nil: break
      }
      return .stop
    }
    let before = names.steps[name]
    names.steps[name] = entry
    var recovery: [Step] = []
    var siblings: [String] = []
    for element in elements {
      guard let (step, child, childName) = step(element, prefix: id.rawValue + ".", used: &inner) else {
        continue
      }
      if entry.outputs[childName] != nil {
        report(.badIdentifier, step.position, "\"\(childName)\" is also an output of the step \(id)")
      }
      recovery.append(step)
      siblings.append(childName)
      entry.children[childName] = child
      names.steps[name]?.children[childName] = child
    }
    names.steps[name] = before
    return .steps(recovery)
  }

  private mutating func loop(_ node: YAMLNode?) -> Loop? {
    guard let node, let members = members(of: node, as: .loop) else { return nil }
    if isInsideLoop || !names.items.isEmpty {
      report(
        .nestedLoop, node.position, "a loop cannot stand inside a loop",
        "each item is journalled by one number; loop over one list")
      return nil
    }
    guard let list = members["in"], let name = identifier(members["as"], of: "as"),
      let template = template(list, for: .list(.any), called: "in")
    else { return nil }
    return Loop(
      list: template, name: name, itemType: itemType(of: template),
      maxParallel: integer(members["max_parallel"], of: "max_parallel", atLeast: 1) ?? 1)
  }

  private func itemType(of template: Template) -> ValueType {
    if case .expression(let expression) = template, case .list(let element) = expression.type {
      return element
    }
    if case .list(let elements) = template {
      let types = Set(
        elements.compactMap { element -> ValueType? in
          switch element {
          case .expression(let expression): expression.type
          case .literal(.integer): .integer
          case .literal(.boolean): .boolean
          case .literal, .text: .string
          case .list, .record: .any
          }
        })
      return types.count == 1 ? types.first ?? .any : .any
    }
    return .any
  }
}
