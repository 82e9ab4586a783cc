import ArgumentParser
import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import LocalSystem
import PostMortems
import Secrets

/// `staunch postmortem`: the blameless draft and its lint.
struct PostMortemCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "postmortem", abstract: "Draft the blameless post-mortem; check its language.",
    subcommands: [PostMortemDraftCommand.self, PostMortemLintCommand.self])
}

/// `staunch postmortem draft`: prints the draft; `--output` writes it, keeping what people wrote.
struct PostMortemDraftCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "draft", abstract: "Draft the post-mortem from the journal; what people wrote is kept.",
    discussion: """
      EXAMPLES
        staunch postmortem draft                       writes (or refreshes) the most urgent incident's draft
        staunch postmortem draft INCIDENT --output -   prints it
      """)

  @Argument(help: "The incident; default: the most urgent open one.") var incident: String?
  @Option(name: .long, help: "A file, or - for standard output; default: below the state directory.")
  var output: String?
  @Option(name: .long, help: "Your own templates (postmortem.md.mustache).") var templates: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let id = try assembly.incident(named: incident)
    let journal = try assembly.journal()
    let writer = PostMortemFile(
      journal: journal, directory: assembly.statePath + "/postmortems",
      templates: templates.map { assembly.absolute($0) },
      files: LocalFileSystem())
    let path = output.map { $0 == "-" ? $0 : assembly.absolute($0) } ?? "\(writer.directory)/\(id).md"
    if path == "-" {
      assembly.console.data(try writer.text(id, existing: nil))
      return
    }
    let existing = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    let text = try writer.text(id, existing: existing)
    do {
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      // Who was there and what went wrong: nobody else's to read, unless its owner has opened it already.
      var status = stat()
      let mode = stat(path, &status) == 0 ? status.st_mode & 0o777 : 0o600
      try DurableFile.replace(path, with: Array(assembly.redactor.redact(text).utf8), mode: mode)
    } catch {
      throw CommandFailure(
        .unavailable, "cannot write \(harmless(path))", because: (error as NSError).localizedDescription,
        fix: "choose another file: --output FILE")
    }
    assembly.console.data(path)
    assembly.console.say("next: complete it, then: staunch postmortem lint \(path)")
  }
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
      let text = String(decoding: try assembly.readInput(file), as: UTF8.self)
      let findings = BlamelessLint.check(
        text: text, file: file == "-" ? "stdin" : file, evidenceNames: [],
        findsSecret: { redactor.finds(in: $0) })
      if fix, file != "-" {
        try Data(BlamelessLint.fixed(text, findings).utf8).write(
          to: URL(filePath: assembly.absolute(file)), options: .atomic)
      }
      all += findings
    }
    if global.json {
      assembly.console.data(BlamelessLint.document(all).canonicalText)
    } else {
      for finding in all { assembly.console.data(harmless("\(finding)")) }
      if all.isEmpty { assembly.console.say("no problem found") }
    }
    if BlamelessLint.fails(all) { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  /// Every leaked value of the local journal, for BL91; none where there is no journal.
  private func knownSecrets(_ assembly: Assembly) throws -> Redactor {
    let redactor = Redactor()
    guard try assembly.journalForReading() != nil else { return redactor }
    let journal = try assembly.journal()
    // Collected first: the journal is not read inside a read.
    let refs = try journal.events(kinds: [.secretSealed]).compactMap { $0.body["key"]?.string }
    for ref in refs {
      // A value whose key was destroyed can no longer be recognised: that is the point of destroying it.
      if let secret = try? journal.open(SecretRef(ref)) { redactor.register(secret) }
    }
    return redactor
  }
}
