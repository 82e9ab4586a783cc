import Capabilities
import Incidents

/// Finds what a dotted path means.
struct PathResolver {
  typealias Component = (name: String, position: SourcePosition)

  let names: Names

  func resolve(_ path: [Component]) throws(ExpressionError) -> (node: ExpressionNode, type: ValueType?) {
    let root = path[0]
    switch root.name {
    case "inputs":
      let input = try second(path, of: "inputs", what: "input", among: names.inputs)
      return try finish(.input(input.name), names.inputs[input.name] ?? .any, path, from: 2)
    case "steps": return try output(path)
    case "self":
      guard let own = names.own else {
        throw ExpressionError(
          .unknownName, at: root.position, "\"self\" means the step's own outputs, which do not exist here",
          "use it in verify: and undo: only")
      }
      let output = try second(path, of: "self", what: "output", among: own)
      return try finish(.own, own[output.name] ?? .any, path, from: 2, members: [output.name])
    default:
      if let type = names.items[root.name] { return try finish(.item(root.name), type, path, from: 1) }
      let known = ["inputs", "steps"] + (names.own == nil ? [] : ["self"]) + names.items.keys.sorted()
      throw ExpressionError(
        .unknownName, at: root.position, "there is no \"\(root.name)\" here",
        Suggestion.nearest(to: root.name, among: known).map { "did you mean \"\($0)\"?" }
          ?? "text literals need quotes; names begin with \(known.joined(separator: ", "))")
    }
  }

  /// The step that `ok(…)` and its like ask about.
  func step(_ path: [Component]) throws(ExpressionError) -> Reference {
    guard path[0].name == "steps" else {
      throw ExpressionError(
        .unknownName, at: path[0].position, "a step is expected here, not \"\(path[0].name)\"",
        "write steps.name")
    }
    let (entry, used) = try entry(path)
    guard used == path.count else {
      throw ExpressionError(
        .unknownName, at: path[used].position, "\"\(path[used].name)\" is not a step inside \(entry.id)",
        "write steps.\(entry.id)")
    }
    return Reference(root: .step(entry.id), members: [], position: path[0].position)
  }

  private func output(_ path: [Component]) throws(ExpressionError) -> (node: ExpressionNode, type: ValueType?)
  {
    let (entry, used) = try entry(path)
    guard !entry.isLoop else {
      throw ExpressionError(
        .unknownName, at: path[used - 1].position,
        "the step \(entry.id) is a loop: it has outputs per item and none of its own",
        "ask ok(steps.\(entry.id)), or use the output inside the loop's own verify: or undo:")
    }
    guard used < path.count else {
      throw ExpressionError(
        .unknownName, at: path[used - 1].position, "the step \(entry.id) is no value",
        entry.outputs.isEmpty
          ? "ask ok(steps.\(entry.id)), failed(…) or skipped(…)"
          : "take one of its outputs: " + entry.outputs.keys.sorted().joined(separator: ", "))
    }
    let name = path[used].name
    guard let type = entry.outputs[name] else {
      let known = (Array(entry.outputs.keys) + Array(entry.children.keys)).sorted()
      throw ExpressionError(
        .unknownName, at: path[used].position, "the step \(entry.id) has no output \"\(name)\"",
        Suggestion.phrase(for: name, among: known) ?? "it has no outputs; ask ok(steps.\(entry.id))")
    }
    return try finish(.step(entry.id), type, path, from: used + 1, members: [name])
  }

  /// The step that the longest beginning of `path` names, and how many components that took.
  private func entry(_ path: [Component]) throws(ExpressionError) -> (Names.StepEntry, Int) {
    let first = try second(path, of: "steps", what: "step", among: names.steps)
    guard var entry = names.steps[first.name] else {
      throw ExpressionError(.unknownName, at: first.position, "there is no step \"\(first.name)\"")
    }
    var used = 2
    while !entry.isLoop, used < path.count, entry.outputs[path[used].name] == nil,
      let child = entry.children[path[used].name]
    {
      entry = child
      used += 1
    }
    return (entry, used)
  }

  private func second<Entry>(
    _ path: [Component], of root: String, what: String, among known: [String: Entry]
  ) throws(ExpressionError) -> Component {
    guard path.count > 1 else {
      throw ExpressionError(
        .unknownName, at: path[0].position, "\"\(root)\" is no value",
        "name one \(what): \(root)." + (known.keys.min() ?? "name"))
    }
    let component = path[1]
    if known[component.name] != nil { return component }
    if root == "steps", names.others.contains(component.name) {
      throw ExpressionError(
        .unknownName, at: component.position, "the step \"\(component.name)\" is not done before this place",
        "move it up, or move this step after it")
    }
    throw ExpressionError(
      .unknownName, at: component.position, "there is no \(what) \"\(component.name)\"",
      Suggestion.phrase(for: component.name, among: known.keys.sorted()))
  }

  private func finish(
    _ root: Reference.Root, _ type: ValueType, _ path: [Component], from start: Int, members: [String] = []
  ) throws(ExpressionError) -> (node: ExpressionNode, type: ValueType?) {
    var type = type
    var members = members
    for component in path[start...] {
      if type != .any {
        let attributes = TargetAttributes.attributes(of: type)
        guard let attribute = attributes.first(where: { $0.name == component.name }) else {
          throw ExpressionError(
            .unknownName, at: component.position, "a value of type \(type) has no \"\(component.name)\"",
            Suggestion.phrase(for: component.name, among: attributes.map(\.name)))
        }
        type = attribute.type
      }
      members.append(component.name)
    }
    return (.reference(Reference(root: root, members: members, position: path[0].position)), type)
  }
}
