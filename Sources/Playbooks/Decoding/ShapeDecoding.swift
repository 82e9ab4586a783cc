import Capabilities

/// Reads the small shapes — text, numbers, durations, names, lists, mappings — and reports what is something else.
package protocol ShapeDecoding {
  /// Everything that was wrong so far.
  var diagnostics: [Diagnostic] { get set }
}

extension ShapeDecoding {
  package mutating func report(
    _ rule: Rule, _ position: SourcePosition, _ message: String, _ suggestion: String? = nil
  ) {
    diagnostics.append(Diagnostic(rule, at: position, message, suggestion: suggestion))
  }

  /// Reports and returns nil.
  package mutating func wrongShape<Result>(
    _ node: YAMLNode, _ what: String, _ wanted: String, _ suggestion: String? = nil
  ) -> Result? {
    report(.wrongShape, node.position, "\(what) must be \(wanted), not \(node.kind)", suggestion)
    return nil
  }

  /// The members of a mapping, after reporting keys that are unknown or missing.
  package mutating func members(of node: YAMLNode, as grammar: Grammar) -> [String: YAMLNode]? {
    guard let members = node.members else { return wrongShape(node, "\"\(grammar.name)\"", "a mapping") }
    var found: [String: YAMLNode] = [:]
    for member in members {
      if grammar.key(member.key) == nil {
        report(
          .unknownKey, member.keyPosition, "unknown key \"\(member.key)\" in \"\(grammar.name)\"",
          Suggestion.phrase(for: member.key, among: grammar.keys.map(\.name)))
      } else {
        found[member.key] = member.value
      }
    }
    for key in grammar.keys where key.isRequired && found[key.name] == nil {
      report(
        .missingKey, node.position, "\"\(grammar.name)\" needs the key \"\(key.name)\"",
        "add \(key.name): \(key.summary.prefix(1).lowercased() + key.summary.dropFirst())")
    }
    return found
  }

  package mutating func text(_ node: YAMLNode?, of key: String) -> String? {
    guard let node else { return nil }
    guard let text = node.string else {
      return wrongShape(node, "\"\(key)\"", "text", node.isScalar ? "put it in quotes" : nil)
    }
    if text.contains("${{") {
      report(
        .wrongShape, node.position, "\"\(key)\" is fixed text; ${{ }} does not work here", "write it out")
      return nil
    }
    return text
  }

  package mutating func word<Word: RawRepresentable & CaseIterable>(
    _ node: YAMLNode?, of key: String, _ type: Word.Type, default value: Word
  ) -> Word where Word.RawValue == String {
    guard let node, let text = text(node, of: key) else { return value }
    if let word = Word(rawValue: text) { return word }
    report(
      .wrongShape, node.position, "\"\(key)\" cannot be \"\(text)\"",
      Suggestion.phrase(for: text, among: Word.allCases.map(\.rawValue)))
    return value
  }

  package mutating func boolean(_ node: YAMLNode?, of key: String) -> Bool? {
    guard let node else { return nil }
    guard case .boolean(let truth) = node.content else {
      return wrongShape(node, "\"\(key)\"", "true or false", "YAML 1.2 has no yes, no, on, off")
    }
    return truth
  }

  mutating func integer(_ node: YAMLNode?, of key: String, atLeast minimum: Int) -> Int? {
    guard let node else { return nil }
    guard case .integer(let number) = node.content else {
      return wrongShape(node, "\"\(key)\"", "a whole number")
    }
    guard number >= minimum else {
      report(.wrongShape, node.position, "\"\(key)\" must be at least \(minimum)")
      return nil
    }
    return number
  }

  mutating func duration(_ node: YAMLNode?, of key: String) -> Duration? {
    guard let node else { return nil }
    let hint: String?
    switch node.content {
    case .string(let text):
      if let duration = DurationText.parse(text), duration > .zero { return duration }
      report(
        .wrongShape, node.position, "\"\(key)\" must be a duration, not \"\(text)\"",
        "write for example 90s, 5m or 1h30m")
      return nil
    case .integer(let number): hint = "add the unit: \(number)s or \(number)m"
    case .null, .boolean, .number, .sequence, .mapping: hint = "write for example 90s, 5m or 1h30m"
    }
    return wrongShape(node, "\"\(key)\"", "a duration", hint)
  }

  mutating func type(_ node: YAMLNode?) -> ValueType? {
    guard let node, let text = text(node, of: "type") else { return nil }
    if let type = ValueType(text) { return type }
    let known = ValueType.simple.map(\.description) + ValueType.simple.map { "list<\($0)>" }
    report(
      .wrongShape, node.position, "there is no type \"\(text)\"",
      Suggestion.nearest(to: text, among: known).map { "did you mean \"\($0)\"?" }
        ?? "one of: " + ValueType.simple.map(\.description).joined(separator: ", ") + ", list<…>")
    return nil
  }

  package mutating func list(_ node: YAMLNode, of key: String) -> [YAMLNode]? {
    node.elements
      ?? wrongShape(node, "\"\(key)\"", "a list", node.isScalar ? "put it in brackets: [ … ]" : nil)
  }

  mutating func identifier(_ node: YAMLNode?, of key: String) -> String? {
    guard let node, let name = text(node, of: key) else { return nil }
    return isIdentifier(name, at: node.position) ? name : nil
  }

  mutating func isIdentifier(_ name: String, at position: SourcePosition) -> Bool {
    let isWellFormed =
      name.utf8.first.map { (0x61...0x7A).contains($0) } == true && name.utf8.count <= 64
      && name.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F || $0 == 0x2D
      }
    if !isWellFormed {
      report(
        .badIdentifier, position, "\"\(name)\" is no name",
        "use lower-case letters, digits, _ and -, at most 64, beginning with a letter")
    } else if reservedNames.contains(name) {
      report(.badIdentifier, position, "\"\(name)\" is a word of the language", "choose another name")
      return false
    }
    return isWellFormed
  }
}

/// Words of the language that are no names.
private let reservedNames: Set<String> = ["inputs", "steps", "self", "in", "true", "false", "null"]

extension YAMLNode {
  var isScalar: Bool { elements == nil && members == nil }
}
