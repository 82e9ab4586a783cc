public import Incidents

/// What people know of each kind of credential: the files of `playbooks/kinds`, by kind.
public struct KindKnowledgeTable: Sendable {
  /// In the order of the alphabet.
  public let all: [KindKnowledge]
  private let byKind: [CredentialKind: KindKnowledge]

  /// - Parameter files: name, as messages show it, and text of each.
  /// - Throws: everything that is wrong with any of them; a kind that two files have.
  public init(files: [(name: String, text: String)]) throws(PlaybookError) {
    var byKind: [CredentialKind: KindKnowledge] = [:]
    var wrong: [Diagnostic] = []
    for file in files {
      do throws(PlaybookError) {
        let knowledge = try KindKnowledge.load(source: file.text, file: file.name)
        if byKind.updateValue(knowledge, forKey: knowledge.kind) != nil {
          wrong.append(
            Diagnostic(
              .duplicateKey, at: SourcePosition(file: file.name, line: 1, column: 1),
              "another file is of the kind \"\(knowledge.kind)\", too", suggestion: "keep one of them"))
        }
      } catch { wrong += error.diagnostics }
    }
    guard wrong.isEmpty else { throw PlaybookError(wrong) }
    self.byKind = byKind
    all = byKind.values.sorted { $0.kind.rawValue < $1.kind.rawValue }
  }

  /// Nil: nobody wrote down anything about this kind.
  public subscript(_ kind: CredentialKind) -> KindKnowledge? { byKind[kind] }

  /// The kinds that `word` may have meant, the nearest first; at most five. Empty: none is like it.
  public func kinds(near word: String) -> [CredentialKind] {
    let wanted = word.lowercased().replacing("-", with: "_")
    let holding = all.map(\.kind).filter {
      wanted.count >= 3 && ($0.rawValue.contains(wanted) || wanted.contains($0.rawValue))
    }
    let nearest = Suggestion.nearest(to: wanted, among: all.map(\.kind.rawValue)).map { CredentialKind($0) }
    // A slip in the provider's name alone: "opnai".
    let first = all.map { String($0.kind.rawValue.prefix { $0 != "_" }) }
    let provider = Suggestion.nearest(to: wanted, among: first)
    let ofProvider = zip(all, first).filter { $0.1 == provider }.map(\.0.kind)
    var seen: Set<CredentialKind> = []
    let near = (nearest.map { [$0] } ?? []) + holding + ofProvider
    return Array(near.filter { seen.insert($0).inserted }.prefix(5))
  }
}
