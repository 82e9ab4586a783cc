import Capabilities
import JSON

/// The paths of a policy and what may be done there: of HCL or JSON, as much as reach needs. What it does not understand it
/// leaves out.
struct VaultPolicy {
  private(set) var rules: [String: Set<String>] = [:]

  init(_ text: String) {
    // A policy is written in one or the other: a miss is no error.
    if let paths = (try? JSONValue(parsing: text))?["path"]?.object {
      for (path, rule) in paths { add(path, rule["capabilities"]?.array?.compactMap(\.string) ?? []) }
    } else {
      read(Self.tokens(of: Array(text)))
    }
  }

  private mutating func add(_ path: String, _ capabilities: [String]) {
    rules[path, default: []].formUnion(capabilities)
  }

  // MARK: HCL

  private enum Token: Equatable {
    case word(String), text(String), mark(Character)

    /// Names stand with and without quotes.
    var name: String? {
      switch self {
      case .word(let name), .text(let name): name
      case .mark: nil
      }
    }
  }

  /// `path "secret/*" { capabilities = ["read"] }`
  private mutating func read(_ tokens: [Token]) {
    var position = 0
    while position + 2 < tokens.count {
      guard tokens[position].name == "path", case .text(let path) = tokens[position + 1],
        tokens[position + 2] == .mark("{")
      else {
        position += 1
        continue
      }
      position += 3
      var depth = 1
      var capabilities: [String] = []
      while position < tokens.count, depth > 0 {
        if tokens[position] == .mark("{") { depth += 1 }
        if tokens[position] == .mark("}") { depth -= 1 }
        if depth == 1, tokens[position].name == "capabilities" {
          while position < tokens.count, tokens[position] != .mark("]"), tokens[position] != .mark("}") {
            if case .text(let capability) = tokens[position], capability != "capabilities" {
              capabilities.append(capability)
            }
            position += 1
          }
          continue
        }
        position += 1
      }
      add(path, capabilities)
    }
  }

  private static func tokens(of text: [Character]) -> [Token] {
    var tokens: [Token] = []
    var position = 0
    func isNext(_ mark: Character) -> Bool { position + 1 < text.count && text[position + 1] == mark }
    while position < text.count {
      let character = text[position]
      if character == "#" || (character == "/" && isNext("/")) {
        while position < text.count, !text[position].isNewline { position += 1 }
      } else if character == "/", isNext("*") {
        position += 2
        while position < text.count, !(text[position] == "*" && isNext("/")) { position += 1 }
        position += 2
      } else if character == "\"" {
        var content = ""
        position += 1
        while position < text.count, text[position] != "\"" {
          if text[position] == "\\", position + 1 < text.count { position += 1 }
          content.append(text[position])
          position += 1
        }
        position += 1
        tokens.append(.text(content))
      } else if character.isLetter || character == "_" {
        var word = ""
        while position < text.count,
          text[position].isLetter || text[position].isNumber || text[position] == "_"
        {
          word.append(text[position])
          position += 1
        }
        tokens.append(.word(word))
      } else {
        if !character.isWhitespace { tokens.append(.mark(character)) }
        position += 1
      }
    }
    return tokens
  }

  // MARK: reach

  private static let access: [(access: Reach.Access, capabilities: Set<String>)] = [
    (.read, ["read"]), (.change, ["create", "update", "patch", "delete"]),
  ]

  /// What several policies allow together, below `place`.
  ///
  /// The most specific path decides alone and `deny` always wins, so a wide rule inside which a narrower one takes the right
  /// away is left out: nobody can say it in prefixes. So is one with a wildcard or a template in its middle.
  static func grants(of policies: [VaultPolicy], at place: String) -> [Reach.Grant] {
    let rules = policies.reduce(into: [String: Set<String>]()) { all, policy in
      all.merge(policy.rules) { $0.union($1) }
    }
    var grants: [Reach.Grant] = []
    for (path, capabilities) in rules.sorted(by: { $0.key < $1.key })
    where !capabilities.contains("deny") && !path.contains("+") && !path.contains("{{") {
      for (access, wanted) in Self.access where !wanted.isDisjoint(with: capabilities) {
        let isNarrowed = rules.contains { other in
          other.key != path && path.hasSuffix("*") && other.key.hasPrefix(path.dropLast())
            && (other.value.contains("deny") || wanted.isDisjoint(with: other.value))
        }
        guard !isNarrowed else { continue }
        grants += Self.names(of: path).map { Reach.Grant(access, place + $0) }
      }
    }
    return grants
  }

  /// The path itself, and the document of a key-value engine that it may be: `secret/data/app` is `secret/app`.
  static func names(of path: String) -> [String] {
    if let part = path.firstRange(of: "/data/") {
      return [path, "\(path[..<part.lowerBound])/\(path[part.upperBound...])"]
    }
    guard path.hasSuffix("*"), let slash = path.lastIndex(of: "/") else { return [path] }
    // `secret/d*` takes in all of `secret/data/`.
    let begun = path[path.index(after: slash)...].dropLast()
    return !begun.isEmpty && "data/".hasPrefix(begun) ? [path, "\(path[...slash])*"] : [path]
  }
}
