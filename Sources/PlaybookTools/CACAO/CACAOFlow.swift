import JSON
import Playbooks

/// One step of the playbook that is being made.
struct ImportedStep {
  enum Body {
    case manual(String, collect: [String])
    case http(method: String, url: String, body: String?)
    case parallel([ImportedStep])
  }

  let id: String
  let title: String
  /// All must hold.
  let guards: [String]
  let body: Body
  let timeout: Duration
  let isContinuing: Bool
}

/// Follows the arrows of a workflow and lays its steps in one line, each with the conditions under which it runs.
struct CACAOFlow {
  private let document: JSONValue
  private let workflow: [String: JSONValue]
  private(set) var problems: [CACAOError.Problem] = []
  /// Variables without a value: the playbook's inputs, with what the author says about them.
  private(set) var inputs: [String: String] = [:]
  private var visited: Set<String> = []

  init(_ validator: CACAOValidator) {
    document = validator.document
    workflow = validator.workflow
  }

  private mutating func report(_ place: String, _ because: String) {
    problems.append(CACAOError.Problem(place: place, because: because))
  }

  mutating func steps() -> [ImportedStep] {
    let steps = chain(from: document["workflow_start"]?.string, guards: [])
    for (id, step) in workflow.sorted(by: { $0.key < $1.key })
    where !visited.contains(id) && step["type"] != "end" {
      report(id, "no way leads to this step")
    }
    if steps.isEmpty, problems.isEmpty { report("workflow", "does nothing") }
    return steps
  }

  private mutating func chain(from first: String?, guards: [String]) -> [ImportedStep] {
    var steps: [ImportedStep] = []
    var next = first
    while let id = next, let step = workflow[id], step["type"] != "end" {
      guard visited.insert(id).inserted else {
        report(id, "more than one way leads to this step, or it repeats")
        break
      }
      next = step["on_completion"]?.string
      switch step["type"]?.string {
      case "start": break
      case "if-condition":
        guard let condition = condition(step, id) else { break }
        steps += chain(from: step["on_true"]?.string, guards: guards + [condition])
        steps += chain(from: step["on_false"]?.string, guards: guards + ["!(\(condition))"])
      case "parallel":
        let branches = (step["next_steps"]?.array ?? []).compactMap(\.string).compactMap {
          branch(from: $0, of: id)
        }
        if !branches.isEmpty {
          steps.append(imported(step, id, .parallel(branches), guards, isContinuing: false))
        }
      default:  // "action": the validator let nothing else through
        guard let body = action(step, id) else { break }
        let recovery = step["on_failure"]?.string.flatMap { workflow[$0]?["type"] == "end" ? nil : $0 }
        steps.append(imported(step, id, body, guards, isContinuing: recovery != nil))
        guard let recovery else {
          next = next ?? step["on_success"]?.string
          break
        }
        steps += chain(from: step["on_success"]?.string, guards: guards + ["ok(steps.\(id))"])
        steps += chain(from: recovery, guards: guards + ["failed(steps.\(id))"])
        next = nil
      }
    }
    return steps
  }

  private mutating func branch(from first: String, of parallel: String) -> ImportedStep? {
    let steps = chain(from: first, guards: [])
    if steps.count > 1 { report(parallel, "the branch at \(first) has more than one step") }
    if let only = steps.first, !only.guards.isEmpty {
      report(only.id, "a condition inside a branch is outside the subset")
    }
    return steps.first
  }

  private func imported(
    _ step: JSONValue, _ id: String, _ body: ImportedStep.Body, _ guards: [String], isContinuing: Bool
  ) -> ImportedStep {
    let milliseconds = step["timeout"]?.integer ?? 86_400_000
    return ImportedStep(
      id: id, title: step["name"]?.string ?? id, guards: guards, body: body,
      timeout: .milliseconds(max(1, min(milliseconds, 315_360_000_000))), isContinuing: isContinuing)
  }

  private mutating func action(_ step: JSONValue, _ id: String) -> ImportedStep.Body? {
    guard let commands = step["commands"]?.array, commands.count == 1, let type = commands[0]["type"]?.string,
      let command = commands[0]["command"]?.string
    else {
      report(id, "needs exactly one command in plain text")
      return nil
    }
    switch type {
    case "manual":
      var collect: [String] = []
      for argument in (step["out_args"]?.array ?? []).compactMap(\.string) {
        collect.append(Self.plain(argument))
      }
      return text(command, in: step, id).map { .manual($0, collect: collect) }
    case "http-api": return http(command, commands[0], step, id)
    default:  // bash, ssh, powershell, openc2-http, sigma, …
      report(id, "commands of type \(type) are outside the subset")
      return nil
    }
  }

  private mutating func http(_ command: String, _ whole: JSONValue, _ step: JSONValue, _ id: String)
    -> ImportedStep.Body?
  {
    let words = command.split(separator: " ")
    guard words.count == 2 || words.count == 3,
      ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"].contains(words[0])
    else {
      report(id, "the command is not METHOD PATH")
      return nil
    }
    if whole["headers"] != nil || whole["content_b64"] != nil {
      report(id, "headers and content_b64 are outside the subset")
      return nil
    }
    guard let path = text(String(words[1]), in: step, id), let url = url(path, step, id) else { return nil }
    var body: String?
    if let content = whole["content"]?.string {
      guard let filled = text(content, in: step, id) else { return nil }
      body = filled
    }
    return .http(method: String(words[0]), url: url, body: body)
  }

  private mutating func url(_ path: String, _ step: JSONValue, _ id: String) -> String? {
    if path.hasPrefix("https://") { return path }
    let targets = (step["targets"]?.array ?? []).compactMap(\.string)
    guard targets.count == 1, let target = document["target_definitions"]?[targets[0]],
      let host = target["address"]?["dname"]?[0]?.string ?? target["address"]?["ipv4"]?[0]?.string
    else {
      report(id, "needs an https URL, or exactly one target with an address")
      return nil
    }
    let port = target["port"]?.string.map { ":\($0)" } ?? ""
    return "https://\(host)\(port)" + (path.hasPrefix("/") ? path : "/" + path)
  }

  /// `__name__:value` becomes the variable's value, or an input where it has none.
  private mutating func text(_ text: String, in step: JSONValue, _ id: String) -> String? {
    var result = ""
    var rest = text.replacing("${{", with: "$${{")[...]
    while let match = rest.firstMatch(of: /__([A-Za-z0-9_-]+?)__(:value)?/) {
      result += rest[..<match.range.lowerBound]
      guard match.output.2 != nil, let value = variable(String(match.output.1), step, id) else {
        report(id, "\(match.output.0) is no variable with :value behind it")
        return nil
      }
      result += value
      rest = rest[match.range.upperBound...]
    }
    return result + rest
  }

  private mutating func variable(_ name: String, _ step: JSONValue, _ id: String) -> String? {
    let key = "__\(name)__"
    guard let definition = step["step_variables"]?[key] ?? document["playbook_variables"]?[key] else {
      return nil
    }
    if let value = definition["value"]?.string, definition["external"] != true {
      return value.replacing("${{", with: "$${{")
    }
    let input = Self.plain(key)
    inputs[input] = definition["description"]?.string ?? ""
    return "${{ inputs.\(input) }}"
  }

  /// One comparison of a variable with a text.
  private mutating func condition(_ step: JSONValue, _ id: String) -> String? {
    guard let text = step["condition"]?.string,
      let match = text.wholeMatch(of: /\s*__([A-Za-z0-9_-]+?)__:value\s*(=|==|!=|<>)\s*'([^'\\]*)'\s*/),
      let value = variable(String(match.output.1), step, id)
    else {
      report(id, "the condition is not one comparison of a variable with a text")
      return nil
    }
    let isEqual = match.output.2 == "=" || match.output.2 == "=="
    let left = value.hasPrefix("${{ ") ? String(value.dropFirst(4).dropLast(3)) : Self.literal(value)
    return "\(left) \(isEqual ? "==" : "!=") \(Self.literal(String(match.output.3)))"
  }

  private static func literal(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// `__Some_Name__` as a name of our language.
  private static func plain(_ variable: String) -> String {
    let inner = variable.lowercased().drop { $0 == "_" }
    let kept = inner.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    var name = String(kept.prefix(60))
    while name.hasSuffix("_") { name.removeLast() }
    return name.first?.isLetter == true ? name : "v_" + name
  }
}
