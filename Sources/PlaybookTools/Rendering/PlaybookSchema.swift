public import Capabilities
public import JSON
import Playbooks

/// The JSON Schema (draft 2020-12) of the language, for editors; made from the same grammars as the decoder.
public enum PlaybookSchema {
  /// The schema, with `uses` and `with` completed from `catalogue`.
  public static func json(catalogue: [ActionSignature]) -> JSONValue {
    var definitions: [String: JSONValue] = [:]
    for grammar in Grammar.all.dropFirst() { definitions[grammar.name] = object(grammar) }
    for name in ["step", "verify", "undo"] {
      definitions[name] = definitions[name].map { withActions($0, catalogue, isVerify: name == "verify") }
    }
    guard case .object(var root) = object(.playbook) else { return .null }
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    root["title"] = "staunch playbook, version 1"
    root["$defs"] = .object(definitions)
    return .object(root)
  }

  /// The schema of provider files (`playbooks/providers`).
  public static var providers: JSONValue {
    document(Grammar.providerFile, title: "staunch provider file, version 1")
  }

  /// The schema of their recorded exchanges (`providers/tests`).
  public static var exchanges: JSONValue {
    document(Grammar.exchangeFile, title: "staunch recorded exchanges, version 1")
  }

  private static func document(_ grammars: [Grammar], title: String) -> JSONValue {
    guard let first = grammars.first, case .object(var root) = object(first) else { return .null }
    var definitions: [String: JSONValue] = [:]
    for grammar in grammars.dropFirst() { definitions[grammar.name] = object(grammar) }
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    root["title"] = .string(title)
    root["$defs"] = .object(definitions)
    return .object(root)
  }

  private static func object(_ grammar: Grammar) -> JSONValue {
    var properties: [String: JSONValue] = [:]
    for key in grammar.keys {
      guard case .object(var property) = shape(key.shape) else { continue }
      property["description"] = .string(key.summary)
      properties[key.name] = .object(property)
    }
    var members: [String: JSONValue] = [
      "type": "object", "additionalProperties": false, "properties": .object(properties),
    ]
    let required = grammar.keys.filter(\.isRequired).map { JSONValue.string($0.name) }
    if !required.isEmpty { members["required"] = .array(required) }
    return .object(members)
  }

  private static func shape(_ shape: Grammar.Shape) -> JSONValue {
    switch shape {
    case .text, .template: ["type": "string"]
    case .identifier: ["type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$"]
    case .condition: ["type": ["string", "boolean"]]
    case .boolean: ["type": "boolean"]
    case .duration: ["type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"]
    case .digest: ["type": "string", "pattern": "^[0-9a-f]{64}$"]
    case .type:
      [
        "type": "string",
        "pattern": .string(
          "^(list<)*(" + ValueType.simple.map(\.description).joined(separator: "|") + ")>*$"),
      ]
    case .integer(atLeast: let minimum): ["type": "integer", "minimum": .integer(minimum)]
    case .constant(let number): ["const": .integer(number)]
    case .word(let words): ["enum": .array(words.map { .string($0) })]
    case .list(let element): ["type": "array", "items": self.shape(element)]
    case .map(let value): ["type": "object", "additionalProperties": self.shape(value)]
    case .object(let name): ["$ref": .string("#/$defs/\(name)")]
    case .either(let shapes): ["anyOf": .array(shapes.map(self.shape))]
    case .data: [:]
    }
  }

  /// Names the actions after `uses`, and for each one its inputs and answers.
  private static func withActions(_ schema: JSONValue, _ catalogue: [ActionSignature], isVerify: Bool)
    -> JSONValue
  {
    guard case .object(var members) = schema, case .object(var properties)? = members["properties"],
      case .object(var uses)? = properties["uses"]
    else { return schema }
    let actions = catalogue.filter { !isVerify || $0.effect == .read }
    uses["enum"] = .array(actions.map { .string($0.id) })
    properties["uses"] = .object(uses)
    members["properties"] = .object(properties)
    members["allOf"] = .array(actions.map { inputs(of: $0, isRequiringExpect: isVerify) })
    return .object(members)
  }

  private static func inputs(of action: ActionSignature, isRequiringExpect: Bool) -> JSONValue {
    var properties: [String: JSONValue] = [:]
    for input in action.inputs {
      properties[input.name] = ["description": .string("\(input.type): \(input.summary)")]
    }
    let required = action.inputs.filter(\.isRequired).map { JSONValue.string($0.name) }
    let with: JSONValue = [
      "properties": .object(properties), "required": .array(required), "additionalProperties": false,
    ]
    var then: [String: JSONValue] = [
      "properties": ["with": with, "expect": ["enum": .array(action.answers.map { .string($0) })]]
    ]
    var needed: [JSONValue] = required.isEmpty ? [] : ["with"]
    if isRequiringExpect, !action.answers.isEmpty { needed.append("expect") }
    if !needed.isEmpty { then["required"] = .array(needed) }
    return [
      "if": ["properties": ["uses": ["const": .string(action.id)]], "required": ["uses"]],
      "then": .object(then),
    ]
  }
}
