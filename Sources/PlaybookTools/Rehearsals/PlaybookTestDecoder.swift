public import Capabilities
import Incidents
public import Playbooks

extension PlaybookTest {
  /// Reads a test file and checks it against the playbook that it names.
  ///
  /// - Throws: everything that is wrong, each with its place; also what is wrong with the playbook.
  public static func load(
    source: String, file: String, library: PlaybookLibrary, catalogue: [ActionSignature]
  ) throws(PlaybookError) -> (test: PlaybookTest, playbook: Playbook) {
    var decoder = PlaybookTestDecoder()
    let root = try YAMLReader.read(source, file: file)
    guard let members = decoder.members(of: root, as: .test),
      let id = decoder.text(members["playbook"], of: "playbook")
    else { throw PlaybookError(decoder.diagnostics) }
    let playbook = try library.load(PlaybookID(id), catalogue: catalogue)
    let cases = decoder.cases(members, playbook)
    guard decoder.diagnostics.isEmpty else { throw PlaybookError(decoder.diagnostics) }
    return (PlaybookTest(playbook: playbook.id, cases: cases), playbook)
  }
}

/// Reads the cases of a test file.
struct PlaybookTestDecoder: ShapeDecoding {
  var diagnostics: [Diagnostic] = []

  mutating func cases(_ file: [String: YAMLNode], _ playbook: Playbook) -> [PlaybookTest.Case] {
    let steps = Dictionary(playbook.allSteps.map { ($0.id.rawValue, $0) }) { first, _ in first }
    let common = inputs(file["inputs"], playbook)
    let facts = attributes(file["attributes"])
    var cases: [PlaybookTest.Case] = []
    for node in file["cases"].flatMap({ list($0, of: "cases") }) ?? [] {
      guard let members = members(of: node, as: .testCase) else { continue }
      var inputs = common.merging(inputs(members["inputs"], playbook)) { $1 }
      for input in playbook.inputs where inputs[input.name] == nil {
        if let value = input.defaultValue {
          inputs[input.name] = value
        } else {
          report(
            .wrongInputs, node.position, "the case does not give the input \"\(input.name)\" (\(input.type))")
        }
      }
      cases.append(
        PlaybookTest.Case(
          name: text(members["name"], of: "name") ?? "", position: node.position, inputs: inputs,
          attributes: facts.merging(attributes(members["attributes"])) { $0.merging($1) { $1 } },
          outcomes: outcomes(members["steps"], steps), expected: expected(members["expect"], steps)))
    }
    return cases
  }

  private mutating func inputs(_ node: YAMLNode?, _ playbook: Playbook) -> [String: Value] {
    let types = Dictionary(playbook.inputs.map { ($0.name, $0.type) }) { first, _ in first }
    return values(node, called: "inputs", types: types, owner: "the playbook \(playbook.id)")
  }

  /// Named values of declared types.
  private mutating func values(
    _ node: YAMLNode?, called key: String, types: [String: ValueType], owner: String
  )
    -> [String: Value]
  {
    guard let node else { return [:] }
    guard let members = node.members else { return wrongShape(node, "\"\(key)\"", "a mapping") ?? [:] }
    var values: [String: Value] = [:]
    for member in members {
      guard let type = types[member.key] else {
        report(
          .wrongInputs, member.keyPosition, "\(owner) has no \"\(member.key)\"",
          Suggestion.phrase(for: member.key, among: types.keys.sorted()))
        continue
      }
      let plain = Value(plain: member.value)
      guard let value = plain == .null ? .null : plain.mocked(as: type) else {
        report(.wrongType, member.value.position, "\"\(member.key)\" is \(type), not \(member.value.kind)")
        continue
      }
      values[member.key] = value
    }
    return values
  }

  private mutating func attributes(_ node: YAMLNode?) -> [String: [String: Value]] {
    guard let node else { return [:] }
    guard let members = node.members else { return wrongShape(node, "\"attributes\"", "a mapping") ?? [:] }
    var found: [String: [String: Value]] = [:]
    for member in members {
      let declared = ValueType(member.key).map(TargetAttributes.attributes(of:)) ?? []
      let types = Dictionary(declared.map { ($0.name, $0.type) }) { first, _ in first }
      found[member.key] = values(
        member.value, called: member.key, types: types, owner: "the type \(member.key)")
    }
    return found
  }

  private mutating func outcomes(_ node: YAMLNode?, _ steps: [String: Step]) -> [StepID: MockOutcome] {
    guard let node else { return [:] }
    guard let members = node.members else { return wrongShape(node, "\"steps\"", "a mapping") ?? [:] }
    var outcomes: [StepID: MockOutcome] = [:]
    for member in members {
      guard let step = known(member.key, at: member.keyPosition, steps),
        let keys = self.members(of: member.value, as: .outcome)
      else { continue }
      outcomes[step.id] = outcome(keys, of: step)
    }
    return outcomes
  }

  private mutating func outcome(_ keys: [String: YAMLNode], of step: Step) -> MockOutcome {
    var types: [String: ValueType] = [:]
    if let action = step.action { types = action.call.action.outputTypes }
    if case .manual(let manual) = step.kind { types = manual.collect }
    var failure: CapabilityError.Class?
    if keys["fails"] != nil {
      failure = word(keys["fails"], of: "fails", CapabilityError.Class.self, default: .refused)
    }
    return MockOutcome(
      answer: answer(keys["answer"], of: "answer", step.action?.call.action, step),
      verify: answer(keys["verify"], of: "verify", step.action?.verification?.call.action, step),
      failure: failure,
      approval: word(keys["approve"], of: "approve", MockOutcome.ApprovalAnswer.self, default: .yes),
      leftUndone: boolean(keys["left_undone"], of: "left_undone") ?? false,
      outputs: values(keys["outputs"], called: "outputs", types: types, owner: "the step \(step.id)"))
  }

  private mutating func answer(_ node: YAMLNode?, of key: String, _ action: ActionSignature?, _ step: Step)
    -> String?
  {
    guard let node, let text = text(node, of: key) else { return nil }
    guard let answers = action?.answers, answers.contains(text) else {
      report(
        .expectation, node.position, "the step \(step.id) never answers \"\(text)\" there",
        Suggestion.phrase(for: text, among: action?.answers ?? []))
      return nil
    }
    return text
  }

  private mutating func expected(_ node: YAMLNode?, _ steps: [String: Step]) -> PlaybookTest.Expected {
    let keys = node.flatMap { members(of: $0, as: .expected) } ?? [:]
    var statuses: [StepID: StepResult.Status] = [:]
    for (key, status) in [
      ("succeeded", StepResult.Status.succeeded), ("failed", .failed), ("skipped", .skipped),
    ] {
      for element in keys[key].flatMap({ list($0, of: key) }) ?? [] {
        guard let name = text(element, of: key), let step = known(name, at: element.position, steps) else {
          continue
        }
        statuses[step.id] = status
      }
    }
    let at = keys["at"].flatMap { node in
      text(node, of: "at").flatMap { known($0, at: node.position, steps)?.id }
    }
    return PlaybookTest.Expected(
      state: word(keys["state"], of: "state", RehearsedRun.State.self, default: .done), at: at,
      statuses: statuses)
  }

  private mutating func known(_ id: String, at position: SourcePosition, _ steps: [String: Step]) -> Step? {
    if let step = steps[id] { return step }
    report(
      .unknownName, position, "there is no step \"\(id)\"",
      Suggestion.phrase(for: id, among: steps.keys.sorted()))
    return nil
  }
}

extension Value {
  /// A YAML value without any meaning put into it.
  init(plain node: YAMLNode) {
    switch node.content {
    case .null: self = .null
    case .boolean(let truth): self = .boolean(truth)
    case .integer(let number): self = .integer(number)
    case .number(let text), .string(let text): self = .string(text)
    case .sequence(let elements): self = .list(elements.map(Value.init(plain:)))
    case .mapping(let members):
      self = .record(Dictionary(members.map { ($0.key, Value(plain: $0.value)) }) { first, _ in first })
    }
  }

  /// As ``coerced(to:)``; besides, text names a made-up secret handle where a secret is declared.
  fileprivate func mocked(as type: ValueType) -> Value? {
    switch (type, self) {
    case (.secret, .string(let text)): .secret(SecretRef(text))
    case (.list(.secret), .string(let text)): .list([.secret(SecretRef(text))])
    case (.list(.secret), .list(let elements)):
      elements.contains { $0.mocked(as: .secret) == nil }
        ? nil : .list(elements.compactMap { $0.mocked(as: .secret) })
    default: coerced(to: type)  // everything else as in a playbook
    }
  }
}
