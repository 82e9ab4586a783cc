import ArgumentParser
import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import LocalSystem
import PostMortems
import Response
import Secrets

/// `staunch postmortem`: the blameless draft and its lint.
struct PostMortemCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "postmortem", abstract: "Draft the blameless post-mortem; check its language.",
    subcommands: [PostMortemDraftCommand.self, PostMortemLintCommand.self])
}

/// `staunch postmortem lint`: exit 0, or 1 on errors.
struct PostMortemLintCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint", abstract: "Find blame, hindsight and secrets in a post-mortem. Exit 1 on errors.")

  @Argument(help: "Files; - for standard input.") var files: [String]
  @Flag(name: .long, help: "Replace what has a safe replacement.") var fix = false
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let redactor = try knownSecrets(assembly)
    var all: [LintFinding] = []
    for file in files {
      let bytes = try assembly.readInput(file)
      let (text, isConverted) = try text(of: bytes, file)
      func check(_ text: String) -> [LintFinding] {
        BlamelessLint.check(
          text: text, file: file == "-" ? "stdin" : file, evidenceNames: [],
          findsSecret: { redactor.finds(in: $0) })
      }
      let findings = check(text)
      let fixed = fix && file != "-" ? BlamelessLint.fixed(text, findings) : text
      if fixed != text {
        // The mark of UTF-8 stays; another encoding is not written.
        let mark = Array(bytes.prefix(3)) == [0xEF, 0xBB, 0xBF] ? Data([0xEF, 0xBB, 0xBF]) : Data()
        guard !isConverted || !mark.isEmpty else {
          throw CommandFailure(
            .invalidInput, "\(harmless(file)) was left as it is", because: "it is UTF-16",
            fix: "save it as UTF-8, then: staunch postmortem lint --fix \(harmless(file))")
        }
        do {
          try (mark + Data(fixed.utf8)).write(to: URL(filePath: assembly.absolute(file)), options: .atomic)
        } catch {
          throw CommandFailure(
            .unavailable, "cannot write \(harmless(file))",
            because: "the file or its directory is not writable")
        }
      }
      all += fixed == text ? findings : check(fixed)
    }
    if global.json {
      assembly.console.data(BlamelessLint.document(all).canonicalText)
    } else {
      for finding in all { assembly.console.data(harmless("\(finding)")) }
      if all.isEmpty { assembly.console.say("no problem found") }
    }
    if BlamelessLint.fails(all) { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  private func text(of bytes: Data, _ file: String) throws -> (text: String, isConverted: Bool) {
    do throws(PostMortemError) {
      return try DocumentBytes.text(of: bytes, name: file == "-" ? "standard input" : file)
    } catch {
      throw CommandFailure(
        .invalidInput, "cannot judge \(harmless(file))", because: error.because, fix: error.fix)
    }
  }

  /// Every leaked value of the local journal, for BL91; none where there is no journal.
  private func knownSecrets(_ assembly: Assembly) throws -> Redactor {
    // In a pipeline there is none; what was not compared is said.
    guard try StateDirectory.existing(assembly.statePath) != nil, try assembly.journalForReading() != nil
    else {
      assembly.console.say("no incident is known here, so the text was not compared with leaked values")
      return Redactor()
    }
    return try EnteredText(about: nil, in: try assembly.journal()).redactor
  }
}
