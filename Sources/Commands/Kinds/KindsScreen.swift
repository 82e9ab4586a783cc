import Capabilities
import CredentialProviders
import Incidents
import PlaybookTools
import Playbooks

/// What is known of kinds, for people.
struct KindsScreen {
  let table: KindKnowledgeTable

  /// A line for each; `alone` where the leaked value itself is enough to ask or to stop it, with nothing configured.
  func list(_ rows: [KindRow]) throws(CapabilityError) -> [String] {
    let known = rows.compactMap { row in table[row.kind] }
    let width = known.map { $0.kind.rawValue.count }.max() ?? 0
    let owner = known.map { $0.provider.count }.max() ?? 0
    let head = line("KIND", "PROVIDER", "ASKS", "STOPS", "DANGER", width, owner)
    var lines = [head]
    for knowledge in known {
      lines.append(
        line(
          knowledge.kind.rawValue, knowledge.provider,
          knowledge.selfVerify.word(try knowledge.selfVerify.needs()),
          knowledge.selfRevoke.word(try knowledge.selfRevoke.needs()),
          knowledge.danger.words.joined(separator: " "), width, owner))
    }
    return lines
  }

  private func line(
    _ kind: String, _ provider: String, _ asks: String, _ stops: String, _ danger: String, _ width: Int,
    _ owner: Int
  ) -> String {
    [kind.padded(to: width), provider.padded(to: owner), asks.padded(to: 5), stops.padded(to: 5), danger]
      .joined(separator: "  ")
  }

  /// All that is known of one.
  func page(_ row: KindRow) throws(CapabilityError) -> [String] {
    guard let knowledge = table[row.kind] else { return ["\(row.kind)  nothing is known of it"] }
    var lines = ["\(row.kind)  \(knowledge.provider)", "who may stop it: \(knowledge.authority)", ""]
    lines += procedure("stop it", knowledge.revoke) + procedure("make its successor", knowledge.issue)
    lines.append("lives on when it is stopped:")
    lines += knowledge.survives.map { "  - \($0)" }
    lines += [
      "", "until it holds: \(knowledge.propagation)", "its use: \(knowledge.usage)",
      "ask with the value itself: \(knowledge.selfVerify.sentence(try knowledge.selfVerify.needs()))",
      "stop with the value itself: \(knowledge.selfRevoke.sentence(try knowledge.selfRevoke.needs()))", "",
    ]
    lines += knowledge.danger.traits.map { "its holder \(verb($0)): \(knowledge.danger.reasons[$0] ?? "")" }
    if knowledge.danger.traits.isEmpty {
      lines.append("its holder makes, reads, destroys and spends nothing")
    }
    if let entry = row.provider { lines.append("in staunch.yaml: kind: \(entry)") }
    if !row.scannerWords.isEmpty {
      lines.append("scanners call it: \(row.scannerWords.joined(separator: "; "))")
    }
    return lines + knowledge.documentation.map { "from: \($0.address)  (read on \($0.read))" }
  }

  private func procedure(_ name: String, _ procedure: KindKnowledge.Procedure) -> [String] {
    ["\(name): \(procedure.page)"]
      + procedure.steps.enumerated().map { "  \($0.offset + 1). \($0.element)" } + [""]
  }

  private func verb(_ trait: KindKnowledge.Danger.Trait) -> String {
    switch trait {
    case .makesCredentials: "makes credentials"
    case .readsStores: "reads"
    case .destroys: "destroys"
    case .spends: "spends"
    }
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
