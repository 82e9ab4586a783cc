import Capabilities

// Values with `${{ }}` in them: literals are checked and converted at load time, expressions are typed.
extension PlaybookDecoder {
  /// `when:` — a bare expression, one `${{ }}`, or true/false.
  mutating func condition(_ node: YAMLNode?) -> Expression? {
    guard let node else { return nil }
    let source: ExpressionSource
    switch node.content {
    case .boolean(let truth):
      source = ExpressionSource(text: truth ? "true" : "false", start: node.position, fallback: node.position)
    case .string(let text):
      do {
        source = try TemplateText.condition(text, start: node.textStart, fallback: node.position)
      } catch {
        diagnostics.append(error.diagnostic)
        return nil
      }
    case .null, .integer, .number, .sequence, .mapping:
      return wrongShape(node, "\"when\"", "an expression", "write for example: steps.search.seen == true")
    }
    guard let expression = expression(source) else { return nil }
    guard expression.type == .boolean || expression.type == .any else {
      report(
        expression.type.holdsSecret ? .secretInText : .wrongType, expression.position,
        "\"when\" needs a condition, not a value of type \(expression.type)", "compare it with something")
      return nil
    }
    return expression
  }

  /// Text with holes, for titles, instructions and locks.
  mutating func textTemplate(_ node: YAMLNode, called name: String) -> Template? {
    template(node, for: .string, called: name)
  }

  /// A value for something that takes `type`; `name` is its key in messages. Nil after reporting.
  mutating func template(_ node: YAMLNode, for type: ValueType, called name: String) -> Template? {
    switch node.content {
    case .sequence(let elements):
      let elementType: ValueType
      switch type {
      // Lists of secrets in brackets are joined.
      case .list(.secret): elementType = type
      case .list(let element): elementType = element
      case .any: elementType = .any
      case .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .credential, .store, .consumer,
        .repository, .tracker, .incident:
        return mismatch(node, type, name)
      }
      var templates: [Template] = []
      for element in elements {
        guard let template = template(element, for: elementType, called: name) else { return nil }
        templates.append(template)
      }
      return Self.folded(templates)
    case .mapping(let members):
      guard type == .any else { return mismatch(node, type, name) }
      var templates: [String: Template] = [:]
      for member in members {
        guard let template = template(member.value, for: .any, called: member.key) else { return nil }
        templates[member.key] = template
      }
      return .record(templates)
    case .string(let text): return scalar(text, node, for: type, called: name)
    case .null: return type == .any ? .literal(.null) : mismatch(node, type, name)
    case .boolean(let truth): return literal(.boolean(truth), node, for: type, called: name)
    case .integer(let number): return literal(.integer(number), node, for: type, called: name)
    case .number(let text):
      if type == .any { return .literal(.string(text)) }
      return mismatch(node, type, name)
    }
  }

  private mutating func scalar(_ text: String, _ node: YAMLNode, for type: ValueType, called name: String)
    -> Template?
  {
    let pieces: [TemplateText.Piece]
    do {
      pieces = try TemplateText.pieces(of: text, start: node.textStart, fallback: node.position)
    } catch {
      diagnostics.append(error.diagnostic)
      return nil
    }
    if pieces.count == 1, case .hole(let source) = pieces[0] {
      guard let expression = expression(source) else { return nil }
      guard type.accepts(expression.type) else {
        let leaks = expression.type.holdsSecret && !type.holdsSecret
        report(
          leaks ? .secretInText : .wrongType, expression.position,
          leaks
            ? "\"\(name)\" takes \(type): a secret would leave through it"
            : "\"\(name)\" takes \(type), not \(expression.type)",
          leaks ? "hand a secret only to an input of type secret" : nil)
        return nil
      }
      return .expression(expression)
    }
    if pieces.allSatisfy({ if case .text = $0 { true } else { false } }) {
      let plain = pieces.map { if case .text(let part) = $0 { part } else { "" } }.joined()
      return literal(.string(plain), node, for: type, called: name)
    }
    return interpolation(pieces, node, for: type, called: name)
  }

  private mutating func interpolation(
    _ pieces: [TemplateText.Piece], _ node: YAMLNode, for type: ValueType, called name: String
  ) -> Template? {
    guard [.string, .url, .any].contains(type) else { return mismatch(node, type, name) }
    var parts: [Template.Piece] = []
    for piece in pieces {
      switch piece {
      case .text(let text): parts.append(.literal(text))
      case .hole(let source):
        guard let expression = expression(source) else { return nil }
        if expression.type.holdsSecret {
          report(
            .secretInText, expression.position, "a secret would stand in the text of \"\(name)\"",
            "hand it alone to an input of type secret")
          return nil
        }
        if case .list = expression.type {
          report(
            .wrongType, expression.position, "a list cannot stand in text",
            "use len(…), or hand the list alone to an input that takes one")
          return nil
        }
        parts.append(.expression(expression))
      }
    }
    return .text(parts)
  }

  private mutating func literal(_ value: Value, _ node: YAMLNode, for type: ValueType, called name: String)
    -> Template?
  {
    if type.holdsSecret {
      report(
        .secretInText, node.position, "a secret cannot be written in a playbook",
        "declare an input of type secret and write ${{ inputs.NAME }}")
      return nil
    }
    guard let coerced = value.coerced(to: type) else { return mismatch(node, type, name) }
    return .literal(coerced)
  }

  private mutating func mismatch(_ node: YAMLNode, _ type: ValueType, _ name: String) -> Template? {
    let hint: String?
    switch (type, node.content) {
    case (.string, .boolean), (.string, .integer), (.string, .number): hint = "put it in quotes"
    case (.duration, _): hint = "write for example 90s, 5m or 1h30m"
    case (.timestamp, _): hint = "write for example 2026-11-24T03:00:00Z"
    case (.url, _): hint = "write for example https://host/path"
    case (.list, .string), (.list, .integer), (.list, .boolean): hint = "put it in brackets: [ … ]"
    default: hint = nil  // the message says it all
    }
    report(.wrongType, node.position, "\"\(name)\" takes \(type), not \(node.kind)", hint)
    return nil
  }

  private mutating func expression(_ source: ExpressionSource) -> Expression? {
    do {
      return try ExpressionChecker(names: names).check(source)
    } catch {
      diagnostics.append(error.diagnostic)
      return nil
    }
  }

  /// A list of literals is a literal.
  private static func folded(_ templates: [Template]) -> Template {
    var values: [Value] = []
    for template in templates {
      guard case .literal(let value) = template else { return .list(templates) }
      values.append(value)
    }
    return .literal(.list(values))
  }

  /// `sh -c TEXT` and its like run TEXT as a program: a value pasted into it would run too.
  mutating func refuseShellText(in argv: YAMLNode) {
    guard let elements = argv.elements else { return }
    var isInterpreter = false
    var isProgramText = false
    for element in elements {
      let text = element.string ?? ""
      if isProgramText, text.contains("${{") {
        report(
          .shellInterpolation, element.position, "a value would be pasted into a program text",
          "hand it over as an argument after the text (\"$1\"), or call the program without a shell")
      }
      isProgramText =
        isInterpreter && text.hasPrefix("-") && !text.hasPrefix("--") && "ce".contains(text.last ?? "x")
      if let program = text.split(separator: "/").last, Self.interpreters.contains(String(program)) {
        isInterpreter = true
      }
    }
  }

  private static let interpreters: Set<String> = [
    "sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "busybox", "python", "python3", "perl", "ruby", "node",
    "php",
    "awk", "env", "eval", "xargs", "ssh",
  ]
}
