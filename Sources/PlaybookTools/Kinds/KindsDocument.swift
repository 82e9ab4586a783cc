public import Incidents
public import Playbooks

/// docs/KINDS.md: every kind with all that is known of it, from the table of kinds and the table of knowledge.
public enum KindsDocument {
  /// The page; kinds in the order of the table of kinds.
  ///
  /// - Parameters:
  ///   - rows: what scanners call each; a row that nobody wrote anything about is left out.
  ///   - table: what is known of each.
  ///   - needs: settings that an entry must have before what the value alone brings about can be done.
  public static func markdown<Problem: Error>(
    _ rows: [KindRow], _ table: KindKnowledgeTable,
    needs: (KindKnowledge.SelfService) throws(Problem) -> [String]?
  ) throws(Problem) -> String {
    let known = rows.compactMap { row in table[row.kind].map { (row, $0) } }
    var text = """
      # Kinds of credentials

      What staunch knows of each kind before anything is configured: who stops it and how, what lives on, how long until it holds. The sentences
      are ours, from the pages that stand under each with the day that they were read; a page may have changed since. They are advice: whether a
      credential is dead, only its proof tells. This page is made from `playbooks/kinds` and `kinds.csv` (`staunch kinds --format markdown`); do
      not edit it.

      - **asks**, **stops**: what the leaked value itself brings about. `alone`: with nothing configured; `entry`: once staunch.yaml has
        an entry with what the section names; –: not, and the section says why.
      - **danger**: `makes` credentials, `reads` stores, `destroys`, `spends`.

      | kind | provider | asks | stops | danger |
      | --- | --- | --- | --- | --- |

      """
    for (row, knowledge) in known {
      let cells = [
        "[`\(row.kind)`](#\(row.kind))", knowledge.provider,
        knowledge.selfVerify.word(try needs(knowledge.selfVerify)),
        knowledge.selfRevoke.word(try needs(knowledge.selfRevoke)),
        knowledge.danger.words.joined(separator: ", "),
      ]
      text += "| " + cells.map(cell).joined(separator: " | ") + " |\n"
    }
    for (row, knowledge) in known {
      text += "\n"
      text += section(
        row, knowledge, asks: knowledge.selfVerify.sentence(try needs(knowledge.selfVerify)),
        stops: knowledge.selfRevoke.sentence(try needs(knowledge.selfRevoke)))
    }
    return text
  }

  private static func cell(_ text: String) -> String { text.replacing("|", with: #"\|"#) }

  private static func section(_ row: KindRow, _ knowledge: KindKnowledge, asks: String, stops: String)
    -> String
  {
    var text = "## \(row.kind)\n**\(knowledge.provider)**\n"
    if let provider = row.provider { text += "- entry of staunch.yaml: `kind: \(provider)`\n" }
    text += "- authority: \(knowledge.authority)\n"
    text += procedure("revoke", knowledge.revoke) + procedure("issue", knowledge.issue)
    text += "- survives:\n" + knowledge.survives.map { "  - \($0)\n" }.joined()
    text += "- propagation: \(knowledge.propagation)\n- usage: \(knowledge.usage)\n"
    text += "- ask with the value itself: \(asks)\n"
    text += "- stop with the value itself: \(stops)\n"
    for trait in knowledge.danger.traits {
      text += "- \(trait.word): \(knowledge.danger.reasons[trait] ?? "")\n"
    }
    let words = row.scannerWords
    if !words.isEmpty { text += "- scanners: \(words.joined(separator: "; "))\n" }
    for source in knowledge.documentation { text += "- from <\(source.address)>, read on \(source.read)\n" }
    return text
  }

  private static func procedure(_ name: String, _ procedure: KindKnowledge.Procedure) -> String {
    let steps = procedure.steps.enumerated().map { "  \($0.offset + 1). \($0.element)\n" }
    return "- \(name): <\(procedure.page)>\n" + steps.joined()
  }
}

extension KindKnowledge.SelfService {
  /// `alone`: with nothing configured; `entry`: staunch.yaml has to say what it needs; –: not with the value itself.
  public func word(_ needs: [String]?) -> String { needs.map { $0.isEmpty ? "alone" : "entry" } ?? "–" }

  /// What does it, and what an entry must say for that; or why not.
  public func sentence(_ needs: [String]?) -> String {
    switch self {
    case .not(let reason): return "no: \(reason)"
    case .verb(let provider, let verb):
      let entry = needs.map { $0.isEmpty ? "" : ", once staunch.yaml says \($0.joined(separator: ", "))" }
      return "yes, \(provider).\(verb.rawValue)\(entry ?? "")"
    }
  }
}

extension KindKnowledge.Danger {
  /// In one word each, the worst first.
  public var words: [String] { traits.map(\.word) }
}

extension KindKnowledge.Danger.Trait {
  /// `makes`, `reads`, `destroys`, `spends`.
  public var word: String {
    switch self {
    case .makesCredentials: "makes"
    case .readsStores: "reads"
    case .destroys: "destroys"
    case .spends: "spends"
    }
  }
}

extension KindRow {
  /// `gitleaks npm-access-token`, one for each word that was checked against the scanner's own list.
  public var scannerWords: [String] {
    let scanners: [KindVocabulary] = [.gitleaks, .trufflehog, .detectSecrets, .kingfisher]
    return scanners.flatMap { scanner in
      (words[scanner] ?? []).filter(\.isConfirmed).map { "\(scanner.scanner) \($0.text)" }
    }
  }
}

extension KindVocabulary {
  fileprivate var scanner: String {
    switch self {
    case .kingfisher, .kingfisher1: "kingfisher"
    case .detectSecrets: "detect-secrets"
    case .github, .gitlab, .gitguardian, .gitleaks, .trufflehog, .noseyParker: rawValue
    }
  }
}
