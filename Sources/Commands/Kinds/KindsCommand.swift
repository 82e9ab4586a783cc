import ArgumentParser
import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import PlaybookTools
import Playbooks

/// `staunch kinds [KIND]`: what is known of a kind of credential before anything is configured.
struct KindsCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "kinds",
    abstract:
      "Every kind of credential: who stops it, where and how, what lives on, how long until it holds.",
    discussion: """
      EXAMPLES
        staunch kinds                        the table
        staunch kinds npm_token              all that is known of one
        staunch kinds github                 those of one provider
        staunch kinds npm-access-token       what a scanner's rule means
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, markdown }

  @Argument(help: "A kind, a provider of several, or a scanner's word for one.") var kind: String?
  @Option(name: .long, help: "text, or the page docs/KINDS.md.") var format = Format.text
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let table = try KindKnowledgeTable.builtIn()
    let rows = try self.rows(of: table)
    if global.json {
      let kinds = rows.compactMap { row in table[row.kind]?.json(row) }
      return assembly.console.data(JSONValue.object(["schema": 1, "kinds": .array(kinds)]).canonicalText)
    }
    if format == .markdown {
      let page = try KindsDocument.markdown(rows, table) { service throws(CapabilityError) in
        try service.needs()
      }
      return assembly.console.data(page.trimmingCharacters(in: .newlines))
    }
    let screen = KindsScreen(table: table)
    for line in try rows.count == 1 ? screen.page(rows[0]) : screen.list(rows) { assembly.console.data(line) }
    if rows.count > 1 { assembly.console.say("next: staunch kinds \(rows[0].kind)") }
  }

  /// The rows that are meant; all without a word.
  private func rows(of table: KindKnowledgeTable) throws -> [KindRow] {
    let known = KindTable.builtin
    guard let kind else { return known.rows }
    let meant = known.kinds(meant: kind)
    let found = meant.isEmpty ? known.kinds(named: kind, in: KindVocabulary.allCases) : meant
    guard found.isEmpty else { return found.compactMap { known.row(of: $0) } }
    let near = table.kinds(near: kind).map { "\"\($0)\"" }.joined(separator: ", ")
    throw CommandFailure(
      .invalidInput, "there is no kind \"\(harmless(kind))\"",
      because: near.isEmpty
        ? "no kind and no scanner's word is like it" : "did you mean one of these: \(near)",
      fix: "staunch kinds")
  }
}
