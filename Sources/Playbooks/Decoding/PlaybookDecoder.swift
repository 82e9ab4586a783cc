import Capabilities
import Incidents

/// Turns a YAML tree into a ``Playbook``, collecting everything that is wrong on the way.
///
/// A part that is wrong is reported once and left out; the playbook is thrown away at the end if anything was.
struct PlaybookDecoder: ShapeDecoding {
  let file: String
  let actions: [String: ActionSignature]
  let includes: any PlaybookSources
  /// Ids of the playbooks around this one, outermost first: a playbook must not contain itself.
  var around: [PlaybookID] = []
  /// The parts whose steps stand in this playbook, in the order of their inclusion.
  var parts: [PlaybookSource] = []
  /// Put before every step id; ends with a dot unless empty.
  var prefix = ""
  /// True inside a loop of an outer playbook.
  var isInsideLoop = false

  var names = Names()
  var defaults = (timeout: Duration.seconds(120), retry: RetryPolicy.standard)
  var diagnostics: [Diagnostic] = []

  init(file: String, actions: [String: ActionSignature], includes: any PlaybookSources) {
    self.file = file
    self.actions = actions
    self.includes = includes
  }

  mutating func decode(_ source: String) throws(PlaybookError) -> Playbook {
    let root = try YAMLReader.read(source, file: file)
    let playbook = playbook(root, sha256: Playbook.digest(of: source))
    guard let playbook, diagnostics.isEmpty else { throw PlaybookError(diagnostics) }
    return playbook
  }

  private mutating func playbook(_ root: YAMLNode, sha256: String) -> Playbook? {
    guard let version = root["playbook"] else {
      if root.members == nil { return wrongShape(root, "a playbook", "a mapping") }
      if let part = root["part"] {
        report(
          .include, part.position, "this is a part: it is judged in the playbooks that include it",
          "name one of those: staunch playbook list")
        return nil
      }
      report(.missingKey, root.position, "\"playbook\" is missing", "begin the file with: playbook: 1")
      return nil
    }
    guard case .integer(1) = version.content else {
      report(
        .unsupportedVersion, version.position, "this program knows version 1 of the language only",
        "write playbook: 1, or install a newer staunch")
      return nil
    }
    guard let members = members(of: root, as: .playbook) else { return nil }
    let id = PlaybookID(identifier(members["id"], of: "id") ?? "")
    let whole = whole(members)
    let inputs = inputs(whole.inputs)
    for input in inputs { names.inputs[input.name] = input.type }
    decodeDefaults(members["defaults"])
    around.append(id)
    let locks = (members["locks"].flatMap { list($0, of: "locks") } ?? []).compactMap {
      textTemplate($0, called: "locks")
    }
    let (steps, finally) = topLevel(members, whole)
    return Playbook(
      id: id, title: text(members["title"], of: "title") ?? "",
      summary: text(members["description"], of: "description") ?? "",
      source: PlaybookSource(id: id, file: file, sha256: sha256), parts: parts, inputs: inputs, locks: locks,
      deadline: duration(members["deadline"], of: "deadline"),
      exceptions: exceptions(members["exceptions"], covering: steps + finally), steps: steps, finally: finally
    )
  }

  private mutating func topLevel(_ members: [String: YAMLNode], _ whole: Whole) -> (
    steps: [Step], finally: [Step]
  ) {
    let (steps, finally) = (whole.steps, whole.finally)
    if let node = members["steps"], node.elements?.isEmpty == true {
      report(.wrongShape, node.position, "\"steps\" is empty", "add at least one step")
    }
    names.others = Set((steps + finally).compactMap { $0["id"]?.string })
    var used: Set<String> = []
    let decoded = sequence(steps, prefix: prefix, used: &used)
    return (decoded, sequence(finally, prefix: prefix, used: &used))
  }

  private mutating func inputs(_ members: [YAMLNode.Member]) -> [InputDeclaration] {
    var inputs: [InputDeclaration] = []
    for member in members {
      guard isIdentifier(member.key, at: member.keyPosition) else { continue }
      guard let keys = self.members(of: member.value, as: .input), let type = type(keys["type"]) else {
        continue
      }
      inputs.append(
        InputDeclaration(
          name: member.key, type: type, defaultValue: defaultValue(keys["default"], type),
          summary: text(keys["description"], of: "description") ?? "", position: member.keyPosition))
    }
    return inputs
  }

  private mutating func defaultValue(_ node: YAMLNode?, _ type: ValueType) -> Value? {
    guard let node else { return nil }
    if case .null = node.content { return .null }
    if type.holdsSecret, node.elements?.isEmpty != true {
      report(
        .secretInText, node.position, "a secret cannot be written in a playbook",
        "leave the default out; the responder gives a reference such as env:NAME")
      return nil
    }
    guard case .literal(let value)? = template(node, for: type, called: "default") else {
      if !diagnostics.contains(where: { $0.position == node.position }) {
        report(.wrongType, node.position, "a default is a literal", "write the value without ${{ }}")
      }
      return nil
    }
    return value
  }

  private mutating func decodeDefaults(_ node: YAMLNode?) {
    guard let node, let members = members(of: node, as: .defaults) else { return }
    if let timeout = duration(members["timeout"], of: "timeout") { defaults.timeout = timeout }
    defaults.retry = retry(members["retry"])
  }

  private mutating func exceptions(_ node: YAMLNode?, covering steps: [Step]) -> [PolicyException] {
    guard let node, let elements = list(node, of: "exceptions") else { return [] }
    let known = Set(steps.flatMap(\.withDescendants).map(\.id.rawValue))
    var exceptions: [PolicyException] = []
    for element in elements {
      guard let members = members(of: element, as: .exception) else { continue }
      var covered: [StepID] = []
      for step in members["steps"].flatMap({ list($0, of: "steps") }) ?? [] {
        guard let name = text(step, of: "steps") else { continue }
        if known.contains(prefix + name) {
          covered.append(StepID(prefix + name))
        } else {
          report(
            .unknownName, step.position, "there is no step \"\(name)\"",
            Suggestion.phrase(for: name, among: known.sorted()))
        }
      }
      exceptions.append(
        PolicyException(
          name: identifier(members["name"], of: "name") ?? "", steps: covered,
          reason: text(members["why"], of: "why") ?? "", position: element.position))
    }
    return exceptions
  }
}
