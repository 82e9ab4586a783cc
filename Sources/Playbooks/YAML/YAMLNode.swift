/// One node of a YAML document after YAML 1.2 core resolution, with its place in the file.
package struct YAMLNode: Sendable {
  package enum Content: Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    /// A float; kept as written because nothing in the language takes one.
    case number(String)
    case string(String)
    case sequence([YAMLNode])
    /// In the order of the file; the keys are unique.
    case mapping([Member])
  }

  package struct Member: Sendable {
    package let key: String
    package let keyPosition: SourcePosition
    package let value: YAMLNode
  }

  package let content: Content
  package let position: SourcePosition
  /// Where the text of a one-line scalar begins (after its quote), when text and source agree character by character.
  package let textStart: SourcePosition?

  /// The word for messages: what the file has here.
  package var kind: String {
    switch content {
    case .null: "nothing"
    case .boolean: "a boolean"
    case .integer: "a whole number"
    case .number: "a fraction"
    case .string: "text"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  package var string: String? { if case .string(let text) = content { text } else { nil } }
  package var members: [Member]? { if case .mapping(let members) = content { members } else { nil } }
  package var elements: [YAMLNode]? { if case .sequence(let elements) = content { elements } else { nil } }

  /// The member `key` of a mapping.
  package subscript(_ key: String) -> YAMLNode? { members?.first { $0.key == key }?.value }
}
