import Yams

/// Reads one YAML document with libyaml's events and YAML 1.2 core resolution.
///
/// Refused: duplicate keys, keys that are not text, tags, more than one document, and documents that aliases blow up.
package struct YAMLReader {
  /// Bounds what aliases can expand to ("billion laughs"); a playbook of 10,000 steps has about 200,000 nodes.
  static let nodeLimit = 500_000
  private static let depthLimit = 100

  private let file: String
  private let scalars: [Unicode.Scalar]
  /// Offsets at which lines begin.
  private let lineStarts: [Int]
  private var nodes = 0

  private init(_ source: String, file: String) {
    self.file = file
    let scalars = Array(source.unicodeScalars)
    self.scalars = scalars
    lineStarts = [0] + scalars.indices.filter { scalars[$0] == "\n" }.map { $0 + 1 }
  }

  /// A byte order mark and the line ends of Windows are no part of a document.
  /// - Throws: one diagnostic.
  package static func read(_ source: String, file: String) throws(PlaybookError) -> YAMLNode {
    let source = (source.hasPrefix("\u{FEFF}") ? String(source.unicodeScalars.dropFirst()) : source)
      .replacing("\r\n", with: "\n")
    let start = SourcePosition(file: file, line: 1, column: 1)
    if let place = AliasExpansion.excess(over: nodeLimit, in: source) {
      throw tooMuch(at: SourcePosition(file: file, line: place.line, column: place.column))
    }
    let root: Node?
    do {
      // The basic resolver resolves nothing: the core schema decides below.
      root = try Yams.compose(yaml: source, .basic)
    } catch let error as YamlError {
      throw PlaybookError([diagnostic(of: error, in: source, file: file)])
    } catch {
      throw PlaybookError([Diagnostic(.syntax, at: start, "the file cannot be read as YAML")])
    }
    guard let root else {
      throw PlaybookError([
        Diagnostic(.syntax, at: start, "the file is empty", suggestion: "start with: playbook: 1")
      ])
    }
    var reader = YAMLReader(source, file: file)
    return try reader.node(root, depth: 0)
  }

  private static func tooMuch(at position: SourcePosition) -> PlaybookError {
    PlaybookError([
      Diagnostic(
        .syntax, at: position, "the document is too large or too deep, or its aliases expand to too much",
        suggestion: "write the repeated part out, or split the playbook")
    ])
  }

  private mutating func node(_ node: Node, depth: Int) throws(PlaybookError) -> YAMLNode {
    let position = position(of: node.mark)
    nodes += 1
    guard nodes <= Self.nodeLimit, depth <= Self.depthLimit else { throw Self.tooMuch(at: position) }
    switch node {
    case .scalar(let scalar):
      try refuseTag(scalar.tag.description, allowed: "tag:yaml.org,2002:str", at: position)
      let isText = scalar.style != .plain || scalar.tag.description == "tag:yaml.org,2002:str"
      let content = isText ? .string(scalar.string) : CoreSchema.resolve(plain: scalar.string)
      return YAMLNode(content: content, position: position, textStart: textStart(of: scalar, at: position))
    case .sequence(let sequence):
      try refuseTag(sequence.tag.description, allowed: "tag:yaml.org,2002:seq", at: position)
      var elements: [YAMLNode] = []
      for element in sequence { elements.append(try self.node(element, depth: depth + 1)) }
      return YAMLNode(content: .sequence(elements), position: position, textStart: nil)
    case .mapping(let mapping):
      try refuseTag(mapping.tag.description, allowed: "tag:yaml.org,2002:map", at: position)
      var members: [YAMLNode.Member] = []
      for (key, value) in mapping {
        let keyPosition = self.position(of: key.mark)
        guard case .scalar(let scalar) = key else {
          throw PlaybookError([Diagnostic(.syntax, at: keyPosition, "a key must be text")])
        }
        members.append(
          YAMLNode.Member(
            key: scalar.string, keyPosition: keyPosition, value: try self.node(value, depth: depth + 1)))
      }
      return YAMLNode(content: .mapping(members), position: position, textStart: nil)
    case .alias:
      throw PlaybookError([Diagnostic(.syntax, at: position, "the alias names nothing")])
    }
  }

  private func refuseTag(_ tag: String, allowed: String, at position: SourcePosition) throws(PlaybookError) {
    guard tag.isEmpty || tag == "!" || tag == allowed else {
      throw PlaybookError([
        Diagnostic(
          .syntax, at: position, "the tag \(tag) is not part of the language", suggestion: "remove it")
      ])
    }
  }

  private func position(of mark: Mark?) -> SourcePosition {
    SourcePosition(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
  }

  /// The first character of the text, when the scalar stands on one line without escapes.
  private func textStart(of scalar: Node.Scalar, at position: SourcePosition) -> SourcePosition? {
    guard lineStarts.indices.contains(position.line - 1) else { return nil }
    let offset: Int
    switch scalar.style {
    case .plain: offset = 0
    case .singleQuoted, .doubleQuoted: offset = 1
    case .any, .literal, .folded: return nil
    }
    let start = position.column - 1 + offset
    // By offset: a list of thousands may stand on one line.
    let place = lineStarts[position.line - 1] + start
    guard place <= scalars.count, scalars[place...].starts(with: scalar.string.unicodeScalars) else {
      return nil
    }
    return SourcePosition(file: file, line: position.line, column: start + 1)
  }

  /// Where a key of the mapping that begins at `start` stands for the second time: libyaml's user only hears where the
  /// mapping begins. Flow mappings, which fit a line or two, keep that place.
  private static func repetition(of key: String, in source: String, from start: SourcePosition)
    -> SourcePosition
  {
    let indentation = String(repeating: " ", count: start.column - 1)
    let spellings = [key, "\"\(key)\"", "'\(key)'"].map { indentation + $0 + ":" }
    let places = source.split(separator: "\n", omittingEmptySubsequences: false).enumerated().dropFirst(
      start.line - 1
    )
    .filter { line in spellings.contains { line.element.hasPrefix($0) } }
    guard let second = places.dropFirst().first else { return start }
    return SourcePosition(file: start.file, line: second.offset + 1, column: start.column)
  }

  private static func diagnostic(of error: YamlError, in source: String, file: String) -> Diagnostic {
    func at(_ mark: Mark) -> SourcePosition {
      SourcePosition(file: file, line: max(1, mark.line), column: max(1, mark.column))
    }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return Diagnostic(
        .syntax, at: at(mark), "\(problem)",
        suggestion: "check the indentation and the quotes around this place")
    case .duplicatedKeysInMapping(let keys, let context):
      let names = keys.map { "\"\($0)\"" }.joined(separator: ", ")
      return Diagnostic(
        .duplicateKey,
        at: keys.first.map { repetition(of: "\($0)", in: source, from: at(context.mark)) }
          ?? at(context.mark),
        "the key \(names) stands twice in one mapping",
        suggestion: "keep one of them")
    case .reader(let problem, _, _, _):
      return Diagnostic(
        .syntax, at: SourcePosition(file: file, line: 1, column: 1), "\(problem)",
        suggestion: "save the file as UTF-8 without control characters")
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      return Diagnostic(
        .syntax, at: SourcePosition(file: file, line: 1, column: 1), "the file cannot be read as YAML",
        suggestion: "save the file as UTF-8 without control characters")
    }
  }
}
