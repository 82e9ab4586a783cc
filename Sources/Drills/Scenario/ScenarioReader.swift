import Foundation
import Playbooks

/// Reads `playbooks/drills/*.yaml`.
public struct ScenarioReader {
  private let file: String

  /// - Parameter file: how errors name the file.
  /// - Throws: ``DrillError`` with file:line:column.
  public static func read(_ source: String, file: String) throws(DrillError) -> Scenario {
    let root: YAMLNode
    do throws(PlaybookError) {
      root = try YAMLReader.read(source, file: file)
    } catch {
      throw DrillError(.scenario, "read \(file)", because: "\(error)", fix: "correct the file")
    }
    return try ScenarioReader(file: file).scenario(root, source: source)
  }

  private func scenario(_ root: YAMLNode, source: String) throws(DrillError) -> Scenario {
    try check(
      root,
      keys: ["drill", "id", "title", "trigger", "complication", "world", "playbook", "injects", "objectives"])
    guard case .integer(1)? = root["drill"]?.content else {
      throw problem(root["drill"] ?? root, "the file must say which version it is", fix: "add: drill: 1")
    }
    var injects: [Inject] = []
    for node in try list(root, "injects") { injects.append(try inject(node)) }
    var objectives: [Objective] = []
    for node in try list(root, "objectives") { objectives.append(try objective(node)) }
    let world: Scenario.World = root["world"] == nil ? .openAIAndDatabase : try word(root, "world")
    guard !objectives.isEmpty else {
      throw problem(root, "there are no objectives", fix: "add: objectives: [{reach: contain, within: 30s}]")
    }
    return Scenario(
      id: try text(root, "id"), title: try text(root, "title"), trigger: try text(root, "trigger"),
      complication: try text(root, "complication"),
      playbook: root["playbook"] == nil ? nil : try text(root, "playbook"), world: world,
      injects: injects.sorted { $0.at < $1.at },
      objectives: objectives, source: source)
  }

  private func inject(_ node: YAMLNode) throws(DrillError) -> Inject {
    try check(node, keys: ["at", "fault", "times", "tell", "crash"])
    let at = try duration(node, "at") ?? .zero
    if node["fault"] != nil {
      var times = 1
      if let given = node["times"] {
        guard case .integer(let number) = given.content, number >= 1 else {
          throw problem(given, "\"times\" must be a whole number from 1", fix: nil)
        }
        times = number
      }
      let kind: Fault.Kind = try word(node, "fault")
      return Inject(at: at, content: .fault(Fault(kind: kind, at: at, times: times)))
    }
    if node["crash"] != nil { return Inject(at: at, content: .crash(step: try text(node, "crash"))) }
    return Inject(at: at, content: .message(try text(node, "tell")))
  }

  private func objective(_ node: YAMLNode) throws(DrillError) -> Objective {
    try check(node, keys: ["reach", "within"])
    return Objective(kind: try word(node, "reach"), within: try duration(node, "within"))
  }

  // Small readers.

  private func check(_ node: YAMLNode, keys: [String]) throws(DrillError) {
    guard let members = node.members else {
      throw problem(node, "this must be a mapping, not \(node.kind)", fix: nil)
    }
    for member in members where !keys.contains(member.key) {
      throw DrillError(
        .scenario, "read \(file)", because: "\(member.keyPosition): unknown key \"\(member.key)\"",
        fix: "use one of: \(keys.joined(separator: ", "))")
    }
  }

  private func list(_ node: YAMLNode, _ key: String) throws(DrillError) -> [YAMLNode] {
    guard let value = node[key] else { return [] }
    guard let elements = value.elements else {
      throw problem(value, "\"\(key)\" must be a list, not \(value.kind)", fix: nil)
    }
    return elements
  }

  private func text(_ node: YAMLNode, _ key: String) throws(DrillError) -> String {
    guard let value = node[key] else {
      throw problem(node, "\"\(key)\" is missing", fix: "add it")
    }
    guard let text = value.string else {
      throw problem(value, "\"\(key)\" must be text, not \(value.kind)", fix: "put it in quotes")
    }
    return text
  }

  private func duration(_ node: YAMLNode, _ key: String) throws(DrillError) -> Duration? {
    guard let value = node[key] else { return nil }
    guard let duration = value.string.flatMap(DurationText.parse) else {
      throw problem(value, "\"\(key)\" must be a duration", fix: "write for example 30s or 2m")
    }
    return duration
  }

  private func word<Word: RawRepresentable & CaseIterable>(_ node: YAMLNode, _ key: String)
    throws(DrillError) -> Word where Word.RawValue == String
  {
    let text = try text(node, key)
    guard let word = Word(rawValue: text) else {
      throw problem(
        node[key] ?? node, "there is no \(key) \"\(text)\"",
        fix: "use one of: \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return word
  }

  private func problem(_ node: YAMLNode, _ because: String, fix: String?) -> DrillError {
    DrillError(.scenario, "read \(file)", because: "\(node.position): \(because)", fix: fix)
  }
}
