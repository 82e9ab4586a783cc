import Incidents
import PlaybookTools
import Playbooks

/// What is known of kinds, for people.
struct KindsScreen {
  let table: KindKnowledgeTable

  /// A line for each; what asks and what stops it stand there when the leaked value alone is enough.
  func list(_ rows: [KindRow]) -> [String] {
    let known = rows.compactMap { row in table[row.kind] }
    let width = known.map { $0.kind.rawValue.count }.max() ?? 0
    let owner = known.map { $0.provider.count }.max() ?? 0
    let head = line("KIND", "PROVIDER", "ASKS", "STOPS", "DANGER", width, owner)
    return [head]
      + known.map {
        line(
          $0.kind.rawValue, $0.provider, $0.selfVerify.name == nil ? "–" : "alone",
          $0.selfRevoke.name == nil ? "–" : "alone", $0.danger.words.joined(separator: " "), width, owner)
      }
  }

  private func line(
    _ kind: String, _ provider: String, _ asks: String, _ stops: String, _ danger: String, _ width: Int,
    _ owner: Int
  ) -> String {
    [kind.padded(to: width), provider.padded(to: owner), asks.padded(to: 5), stops.padded(to: 5), danger]
      .joined(separator: "  ")
  }

  /// All that is known of one.
  func page(_ row: KindRow) -> [String] {
    guard let knowledge = table[row.kind] else { return ["\(row.kind)  nothing is known of it"] }
    var lines = ["\(row.kind)  \(knowledge.provider)", "who may stop it: \(knowledge.authority)", ""]
    lines += procedure("stop it", knowledge.revoke) + procedure("make its successor", knowledge.issue)
    lines.append("lives on when it is stopped:")
    lines += knowledge.survives.map { "  - \($0)" }
    lines += [
      "", "until it holds: \(knowledge.propagation)", "its use: \(knowledge.usage)",
      "ask with the value alone: \(plain(knowledge.selfVerify))",
      "stop with the value alone: \(plain(knowledge.selfRevoke))", "",
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

  private func plain(_ service: KindKnowledge.SelfService) -> String {
    switch service {
    case .verb(let provider, let verb): "yes, \(provider).\(verb.rawValue)"
    case .not(let reason): "no: \(reason)"
    }
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
