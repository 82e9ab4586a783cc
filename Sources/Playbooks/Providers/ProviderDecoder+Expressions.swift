import Capabilities

// Expressions of the playbook language, over the names of a provider file.
extension ProviderDecoder {
  mutating func condition(_ node: YAMLNode, of key: String, _ names: Set<String>) -> Expression? {
    guard let found = expression(node, of: key, names) else { return nil }
    guard found.type == .boolean || found.type == .any else {
      report(
        .wrongType, found.position, "\"\(key)\" needs a condition, not a value of type \(found.type)",
        "compare it with something")
      return nil
    }
    return found
  }

  /// A bare expression, or one `${{ }}`.
  mutating func expression(_ node: YAMLNode, of key: String, _ names: Set<String>) -> Expression? {
    guard let text = node.string else {
      return wrongShape(node, "\"\(key)\"", "an expression", "write for example: answer.status == 401")
    }
    do throws(ExpressionError) {
      return try checked(TemplateText.condition(text, start: node.textStart, fallback: node.position), names)
    } catch {
      diagnostics.append(error.diagnostic)
      return nil
    }
  }

  /// Text with holes; one hole alone keeps its type.
  mutating func template(_ node: YAMLNode, of key: String, _ names: Set<String>) -> Template? {
    switch node.content {
    case .string(let text): return template(text, node, names)
    case .integer(let number): return .literal(.integer(number))
    case .boolean(let truth): return .literal(.boolean(truth))
    case .null, .number, .sequence, .mapping:
      return wrongShape(node, "\"\(key)\"", "text", "put it in quotes")
    }
  }

  private mutating func template(_ text: String, _ node: YAMLNode, _ names: Set<String>) -> Template? {
    do throws(ExpressionError) {
      var pieces: [Template.Piece] = []
      for piece in try TemplateText.pieces(of: text, start: node.textStart, fallback: node.position) {
        switch piece {
        case .text(let text): pieces.append(.literal(text))
        case .hole(let source): pieces.append(.expression(try checked(source, names)))
        }
      }
      if pieces.count == 1, case .expression(let only) = pieces[0] { return .expression(only) }
      let isPlain = pieces.allSatisfy { if case .literal = $0 { true } else { false } }
      guard isPlain else { return .text(pieces) }
      return .literal(.string(pieces.map { if case .literal(let text) = $0 { text } else { "" } }.joined()))
    } catch {
      diagnostics.append(error.diagnostic)
      return nil
    }
  }

  /// A path below the base address: from its one slash on, so that it cannot name another host.
  mutating func path(_ node: YAMLNode, _ names: Set<String>) -> Template? {
    guard let text = node.string else { return wrongShape(node, "a path", "text") }
    guard text.hasPrefix("/"), !text.hasPrefix("//"), !text.contains("\\"), !text.contains("#"),
      !text.split(separator: "/").contains(where: { $0 == ".." || $0 == "." })
    else {
      report(
        .unsafeCall, node.position, "a path begins with one slash, and names no host and no part above it",
        "the host stands in base_url alone")
      return nil
    }
    if text.contains("${{ secret }}") || text.contains("${{ fresh }}") {
      report(
        .secretInText, node.position, "a secret would stand in an address, which is logged on the way",
        "show it by login:, or in a body")
      return nil
    }
    return template(node, of: "path", names)
  }

  mutating func body(_ node: YAMLNode, _ names: Set<String>) -> ProviderBody? {
    switch node.content {
    case .string("${{ secret }}"): return .secret
    case .string("${{ fresh }}"): return .fresh
    case .string(let text): return template(text, node, names).map { .template($0) }
    case .null: return .template(.literal(.null))
    case .boolean(let truth): return .template(.literal(.boolean(truth)))
    case .integer(let number): return .template(.literal(.integer(number)))
    case .number:
      return wrongShape(node, "a body", "text, whole numbers, lists and mappings", "put it in quotes")
    case .sequence(let elements): return .list(elements.compactMap { body($0, names) })
    case .mapping(let members):
      var found: [String: ProviderBody] = [:]
      for member in members { found[member.key] = body(member.value, names) }
      return .record(found)
    }
  }

  private func checked(_ source: ExpressionSource, _ names: Set<String>) throws(ExpressionError) -> Expression
  {
    var known = Names()
    known.items["settings"] = .any
    for name in names { known.items[name] = ["ref", "marker"].contains(name) ? .string : .any }
    let expression = try ExpressionChecker(names: known).check(source)
    for reference in expression.references {
      try check(reference)
    }
    return expression
  }

  /// What can be known of a name now: which settings there are, and that an answer has three parts.
  private func check(_ reference: Reference) throws(ExpressionError) {
    let member = reference.members.first
    switch reference.root {
    case .item("settings"):
      guard let member, reference.members.count == 1, settings[member] == false else {
        throw ExpressionError(
          .unknownName, at: reference.position, "there is no plain setting \"\(member ?? "")\"",
          Suggestion.phrase(for: member ?? "", among: settings.filter { !$0.value }.map(\.key).sorted())
            ?? "declare it under settings:")
      }
    case .item("answer"):
      guard let member, ["status", "headers", "body"].contains(member) else {
        throw ExpressionError(
          .unknownName, at: reference.position, "an answer has no \"\(member ?? "")\"",
          "take answer.status, answer.headers.NAME or answer.body")
      }
    case .item, .input, .step, .own: break
    }
  }
}
