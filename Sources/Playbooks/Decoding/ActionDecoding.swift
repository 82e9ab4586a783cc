package import Capabilities
import Incidents

// Steps that call an action, and the calls in `verify` and `undo`.
extension PlaybookDecoder {
  mutating func actionStep(_ node: YAMLNode, _ members: [String: YAMLNode], _ entry: inout Names.StepEntry)
    -> ActionStep?
  {
    let call = invocation(members["uses"], with: members["with"], at: node.position)
    if let call { entry.outputs = call.action.outputTypes }
    names.own = call == nil ? [:] : entry.outputs
    defer { names.own = nil }
    let verification = verification(members["verify"])
    let compensation = compensation(members["undo"])
    let retry = retry(members["retry"])
    let timeout = duration(members["timeout"], of: "timeout") ?? defaults.timeout
    guard let call else { return nil }
    if let undo = members["undo"], !call.action.effect.isMutating {
      report(
        .misplacedKey, undo.position, "\(call.action.id) changes nothing that could be undone", "remove undo:"
      )
    }
    let expectation = expectation(
      expect: members["expect"], poll: members["poll"], action: call.action, isVerify: false,
      at: node.position)
    return ActionStep(
      call: call, expectation: expectation, verification: verification, compensation: compensation,
      retry: retry,
      timeout: timeout)
  }

  /// `uses` and `with`, checked against the action's signature.
  mutating func invocation(_ uses: YAMLNode?, with: YAMLNode?, at position: SourcePosition) -> Invocation? {
    guard let uses, let id = text(uses, of: "uses") else { return nil }
    guard let action = actions[id] else {
      report(
        .unknownAction, uses.position, "there is no action \"\(id)\"",
        Suggestion.phrase(for: id, among: actions.keys.sorted()) ?? "list them with: staunch playbook actions"
      )
      return nil
    }
    var arguments: [String: Template] = [:]
    var given: Set<String> = []
    for member in with.map({ $0.members ?? wrongShape($0, "\"with\"", "a mapping") ?? [] }) ?? [] {
      given.insert(member.key)
      guard let parameter = action.input(member.key) else {
        report(
          .wrongInputs, member.keyPosition, "\(id) has no input \"\(member.key)\"",
          Suggestion.phrase(for: member.key, among: action.inputs.map(\.name)))
        continue
      }
      arguments[member.key] = template(member.value, for: parameter.type, called: member.key)
    }
    let missing = action.inputs.filter { $0.isRequired && !given.contains($0.name) }
    if !missing.isEmpty {
      let names = missing.map { "\"\($0.name)\" (\($0.type))" }.joined(separator: ", ")
      report(
        .wrongInputs, uses.position, "\(id) needs the input\(missing.count == 1 ? "" : "s") \(names)",
        "add under with: " + missing.map { "\($0.name): …" }.joined(separator: ", "))
    }
    if id == ActionSignature.commandRun.id, let argv = with?["argv"] { refuseShellText(in: argv) }
    return Invocation(action: action, arguments: arguments, position: uses.position)
  }

  private mutating func verification(_ node: YAMLNode?) -> Verification? {
    guard let node, let members = members(of: node, as: .verification),
      let call = invocation(members["uses"], with: members["with"], at: node.position)
    else { return nil }
    guard call.action.effect == .read else {
      report(
        .expectation, call.position, "\(call.action.id) changes the world and cannot prove anything",
        "verify with an action that only reads: "
          + actions.values.filter { $0.effect == .read }.map(\.id).sorted().joined(separator: ", "))
      return nil
    }
    let expectation = expectation(
      expect: members["expect"], poll: members["poll"], action: call.action, isVerify: true, at: node.position
    )
    return Verification(call: call, expectation: expectation)
  }

  private mutating func compensation(_ node: YAMLNode?) -> Compensation? {
    guard let node, let members = members(of: node, as: .compensation) else { return nil }
    if let none = members["none"] {
      if members.count > 1 {
        report(.misplacedKey, node.position, "\"none\" stands alone", "remove the other keys")
      }
      guard let reason = text(none, of: "none") else { return nil }
      guard reason.contains(where: { !$0.isWhitespace }) else {
        report(
          .wrongShape, none.position, "\"none\" needs the reason", "say why it cannot or must not be undone")
        return nil
      }
      return .none(reason: reason)
    }
    guard members["uses"] != nil else {
      report(
        .missingKey, node.position, "\"undo\" needs \"uses\" or \"none\"", "add uses: … or none: why not")
      return nil
    }
    guard let call = invocation(members["uses"], with: members["with"], at: node.position) else { return nil }
    guard call.action.effect.isMutating else {
      report(.expectation, call.position, "\(call.action.id) undoes nothing", "name an action with an effect")
      return nil
    }
    return .action(call)
  }

  mutating func subPlaybook(
    _ node: YAMLNode, _ members: [String: YAMLNode], _ id: StepID, _ entry: inout Names.StepEntry
  ) -> SubPlaybook? {
    guard let reference = members["playbook"] else { return nil }
    let keys = reference.members == nil ? nil : self.members(of: reference, as: .include)
    guard let name = identifier(keys == nil ? reference : keys?["id"], of: "playbook") else { return nil }
    guard !around.contains(PlaybookID(name)) else {
      report(
        .include, reference.position, "the playbook \"\(name)\" would contain itself", "break the circle")
      return nil
    }
    guard let found = includes.text(of: PlaybookID(name)) else {
      report(
        .include, reference.position, "there is no playbook \"\(name)\"",
        Suggestion.phrase(for: name, among: includes.ids.map(\.rawValue)))
      return nil
    }
    if let problem = includes.problem(of: PlaybookID(name)) {
      diagnostics.append(problem)
      return nil
    }
    if let pin = text(keys?["sha256"], of: "sha256"), pin != Playbook.digest(of: found.source) {
      report(
        .include, keys?["sha256"]?.position ?? reference.position,
        "the playbook \"\(name)\" changed: its digest is \(Playbook.digest(of: found.source))",
        "read the change, then write that digest here")
      return nil
    }
    var decoder = PlaybookDecoder(file: found.file, actions: actions, includes: includes)
    decoder.around = around
    decoder.prefix = id.rawValue + "."
    decoder.isInsideLoop = isInsideLoop || !names.items.isEmpty
    let playbook: Playbook
    do {
      playbook = try decoder.decode(found.source)
    } catch {
      diagnostics += error.diagnostics
      return nil
    }
    entry.children = decoder.names.steps
    return SubPlaybook(
      playbook: playbook, arguments: arguments(members["with"], for: playbook, at: reference.position))
  }

  private mutating func arguments(_ with: YAMLNode?, for playbook: Playbook, at position: SourcePosition)
    -> [String: Template]
  {
    var arguments: [String: Template] = [:]
    for member in with.map({ $0.members ?? wrongShape($0, "\"with\"", "a mapping") ?? [] }) ?? [] {
      guard let input = playbook.inputs.first(where: { $0.name == member.key }) else {
        report(
          .wrongInputs, member.keyPosition, "the playbook \"\(playbook.id)\" has no input \"\(member.key)\"",
          Suggestion.phrase(for: member.key, among: playbook.inputs.map(\.name)))
        continue
      }
      arguments[member.key] = template(member.value, for: input.type, called: member.key)
    }
    let given = with?.members?.map(\.key) ?? []
    for input in playbook.inputs where input.defaultValue == nil && !given.contains(input.name) {
      report(
        .wrongInputs, position,
        "the playbook \"\(playbook.id)\" needs the input \"\(input.name)\" (\(input.type))",
        "add under with: \(input.name): …")
    }
    return arguments
  }
}

extension ActionSignature {
  /// The types of its outputs, by name.
  package var outputTypes: [String: ValueType] {
    Dictionary(outputs.map { ($0.name, $0.type) }) { first, _ in first }
  }
}
