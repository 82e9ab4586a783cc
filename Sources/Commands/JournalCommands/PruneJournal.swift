import ArgumentParser
import Capabilities
import Foundation
import Incidents
import JSON
import Journal

/// `staunch journal prune`: retention. What is removed is exported and proved first.
struct PruneJournal: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Export the journal, then remove events older than a date. Open incidents and runs stay.",
    discussion: "The chain stays provable: a signed checkpoint takes the place of what was removed.")

  @Option(name: .long, help: "Remove what is older: 2026-05-01, or an instant (RFC 3339).") var before: String
  @Option(name: .long, help: "A new file for the export.") var export: String
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let limit = try date(assembly.now())
    let journal = try assembly.journal()
    var lines: [String] = []
    try journal.export { lines.append($0) }
    let proof = JournalExport.verify(lines, publicKeys: [try assembly.state().identity().publicKey])
    if let problem = proof.problem {
      throw CommandFailure(
        .failed, "nothing was removed", because: "the journal is not whole: \(problem)",
        fix: "staunch journal verify")
    }
    try write(lines, to: assembly.absolute(export))
    let removed = try journal.prune(before: limit)
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1, "removed": .integer(removed), "exported": .integer(proof.count),
          "export": .string(export),
        ]).canonicalText)
      return
    }
    assembly.console.say(
      "removed \(removed) events older than \(Timestamp.text(limit)); the export has all \(proof.count)")
  }

  private func date(_ now: Date) throws -> Date {
    guard let date = Timestamp.date(before) ?? Timestamp.date(before + "T00:00:00Z"), date <= now else {
      throw CommandFailure(
        .usage, "cannot prune before \"\(harmless(before))\"", because: "it is no date of the past",
        fix: "for example: --before 2026-05-01")
    }
    return date
  }

  private func write(_ lines: [String], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let exists = errno == EEXIST
      throw CommandFailure(
        exists ? .declined : .unavailable, "cannot write \(harmless(path)); nothing was removed",
        because: exists ? "it exists already" : String(cString: strerror(errno)).lowercased(),
        fix: "name a new file in a directory you may write to")
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    for line in lines { try handle.write(contentsOf: Data((line + "\n").utf8)) }
    try handle.synchronize()
  }
}
