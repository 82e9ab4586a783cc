import Foundation
import Incidents

extension KindKnowledge {
  /// What the name of a file of kinds ends with: playbooks have names of their own beside them in the program.
  static let suffix = ".kind.yaml"

  /// Reads one file of `playbooks/kinds`.
  ///
  /// - Parameter file: as messages name it; the part of its name before `.kind.yaml` must be its `kind`.
  /// - Throws: everything that is wrong with it, each at its place.
  public static func load(source: String, file: String) throws(PlaybookError) -> KindKnowledge {
    var decoder = KindDecoder(file: file)
    let knowledge = decoder.knowledge(try YAMLReader.read(source, file: file))
    guard let knowledge, decoder.diagnostics.isEmpty else { throw PlaybookError(decoder.diagnostics) }
    return knowledge
  }
}

/// Turns a YAML tree into a ``KindKnowledge``. Nothing in it may be empty: a row that says nothing helps nobody at 03:00.
private struct KindDecoder: ShapeDecoding {
  let file: String
  var diagnostics: [Diagnostic] = []

  init(file: String) { self.file = file }

  mutating func knowledge(_ root: YAMLNode) -> KindKnowledge? {
    guard let members = members(of: root, as: .kindKnowledge) else { return nil }
    let kind = identifier(members["kind"], of: "kind") ?? ""
    let name = file.split(separator: "/").last.map(String.init) ?? file
    if let node = members["kind"], !kind.isEmpty, name != kind + KindKnowledge.suffix {
      report(
        .badIdentifier, node.position, "the file \(name) says kind \"\(kind)\"",
        "name the file \(kind)\(KindKnowledge.suffix)")
    }
    guard let revoke = members["revoke"].flatMap({ procedure($0) }),
      let issue = members["issue"].flatMap({ procedure($0) }),
      let selfVerify = members["self_verify"].flatMap({ selfService($0) }),
      let selfRevoke = members["self_revoke"].flatMap({ selfService($0) }),
      let danger = members["danger"].flatMap({ danger($0) })
    else { return nil }
    return KindKnowledge(
      kind: CredentialKind(kind), provider: told(members["provider"], "provider"),
      authority: told(members["authority"], "authority"), revoke: revoke, issue: issue,
      survives: sentences(members["survives"], "survives"),
      propagation: told(members["propagation"], "propagation"), usage: told(members["usage"], "usage"),
      selfVerify: selfVerify, selfRevoke: selfRevoke, danger: danger,
      documentation: sources(members["documentation"]))
  }

  /// A text that says something; "" after a report.
  private mutating func told(_ node: YAMLNode?, _ key: String) -> String {
    guard let node, let text = text(node, of: key) else { return "" }
    if text.allSatisfy(\.isWhitespace) {
      report(
        .wrongShape, node.position, "\"\(key)\" says nothing", "write what is known, or what nobody tells")
    }
    return text
  }

  private mutating func elements(_ node: YAMLNode?, _ key: String) -> [YAMLNode] {
    guard let node, let elements = list(node, of: key) else { return [] }
    if elements.isEmpty { report(.wrongShape, node.position, "\"\(key)\" is empty", "add at least one") }
    return elements
  }

  private mutating func sentences(_ node: YAMLNode?, _ key: String) -> [String] {
    elements(node, key).map { told($0, key) }
  }

  private mutating func address(_ node: YAMLNode?, _ key: String) -> String {
    let address = told(node, key)
    let parts = URLComponents(string: address)
    if let node, !address.isEmpty, parts?.scheme != "https" || parts?.host?.contains(".") != true {
      report(.wrongShape, node.position, "\"\(key)\" is no address of a page", "write https://…")
    }
    return address
  }

  private mutating func procedure(_ node: YAMLNode) -> KindKnowledge.Procedure? {
    guard let members = members(of: node, as: .kindProcedure) else { return nil }
    return KindKnowledge.Procedure(
      page: address(members["page"], "page"), steps: sentences(members["steps"], "steps"))
  }

  private mutating func selfService(_ node: YAMLNode) -> KindKnowledge.SelfService? {
    guard let members = members(of: node, as: .kindSelf) else { return nil }
    if let reason = members["not"] {
      if let provider = members["provider"] {
        report(.misplacedKey, provider.position, "\"not\" and \"provider\" stand side by side", "keep one")
      }
      return .not(because: told(reason, "not"))
    }
    guard let provider = identifier(members["provider"], of: "provider"), members["verb"] != nil else {
      report(
        .missingKey, node.position, "neither a provider's verb nor a reason stands here",
        "write {provider: NAME, verb: verify}, or {not: \"why the value alone is not enough\"}")
      return nil
    }
    return .verb(
      provider: provider,
      verb: word(members["verb"], of: "verb", KindKnowledge.Verb.self, default: .verify))
  }

  private mutating func danger(_ node: YAMLNode) -> KindKnowledge.Danger? {
    guard let members = members(of: node, as: .kindDanger) else { return nil }
    var reasons: [KindKnowledge.Danger.Trait: String] = [:]
    for trait in KindKnowledge.Danger.Trait.allCases {
      guard let node = members[trait.rawValue] else { continue }
      switch node.content {
      case .boolean(false): break
      case .string: reasons[trait] = told(node, trait.rawValue)
      case .boolean, .null, .integer, .number, .sequence, .mapping:
        report(
          .wrongShape, node.position, "\"\(trait.rawValue)\" says neither no nor how",
          "write false, or in a few words how its holder does it")
      }
    }
    return KindKnowledge.Danger(reasons: reasons)
  }

  private mutating func sources(_ node: YAMLNode?) -> [KindKnowledge.Source] {
    elements(node, "documentation").compactMap { source($0) }
  }

  private mutating func source(_ node: YAMLNode) -> KindKnowledge.Source? {
    guard let members = members(of: node, as: .kindSource) else { return nil }
    let day = told(members["read"], "read")
    if let node = members["read"], !day.isEmpty, !Self.isDay(day) {
      report(.wrongShape, node.position, "\"\(day)\" is no day", "write for example 2026-11-30")
    }
    return KindKnowledge.Source(address: address(members["address"], "address"), read: day)
  }

  /// `2026-11-30`.
  private static func isDay(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], parts.joined().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let month = Int(parts[1]), let day = Int(parts[2])
    else { return false }
    return (1...12).contains(month) && (1...31).contains(day)
  }
}
