import ArgumentParser
import Capabilities
import Foundation
import JSON
import Journal
import Response

/// `staunch journal`: prove that the journal is whole, and take it elsewhere.
struct JournalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "journal", abstract: "Prove that the journal is whole; export it; remove what is old.",
    subcommands: [
      VerifyJournal.self, ExportJournal.self, PruneJournal.self, PrintJournalKey.self, AcceptJournal.self,
    ])
}

/// `staunch journal verify`.
struct VerifyJournal: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Find any changed, removed or reordered event. Exit 0 when whole, else 1 naming the first bad event.",
    discussion: """
      EXAMPLES
        staunch journal verify
        staunch journal verify --tickets      also ask the trackers of staunch.yaml which events they were told of

      With --tickets exit 69 means that a tracker which can be read did not answer. An event that the journal does not hold \
      is noted beside it: no run begins before `staunch journal accept`.
      """)

  @Option(name: .long, help: "The signer's public key (base64, as `staunch journal key` prints it).")
  var publicKey: String?
  @Option(name: .long, help: "Another journal file.") var journal: String?
  @Option(name: .long, help: "An export (JSON Lines), - for standard input.") var export: String?
  @Option(name: .long, help: "A head hash seen earlier (in a ticket): it must still be in the chain.")
  var expect: String?
  @Flag(name: .long, help: "Compare it with the heads that stand in the tickets.") var tickets = false
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    if tickets, journal != nil || export != nil {
      throw CommandFailure(
        .usage, "--tickets takes neither --journal nor --export",
        because: "the tickets are compared with this installation's own journal",
        fix: "staunch journal verify --tickets")
    }
    let (verification, found) = try examine(assembly)
    var problem = found
    let answers = tickets ? try await compare(assembly) : []
    for case .compared(let heads) in answers.map(\.word) where problem == nil {
      problem = heads.missing.map { "\($0)" }
    }
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1, "intact": .boolean(problem == nil), "events": .integer(verification.count),
          "head": verification.head.map { .string($0) } ?? .null,
          "problem": problem.map { .string($0) } ?? .null,
          "tickets": tickets ? .array(answers.map(\.json)) : .null,
        ]).canonicalText)
    }
    if !global.json { for answer in answers { assembly.console.say(harmless(answer.line)) } }
    guard let problem else {
      assembly.console.say(
        "the journal is whole: \(verification.count) events, head \(verification.head ?? "none")")
      if answers.contains(where: \.isSilent) { throw ExitCode(ExitStatus.unavailable.rawValue) }
      return
    }
    throw CommandFailure(
      .failed, "the journal is not whole", because: problem,
      fix: "keep the file as evidence and compare it with an export or the head posted to the ticket")
  }

  private func compare(_ assembly: Assembly) async throws -> [TicketComparison.Answer] {
    let targets = try assembly.targets(of: assembly.configuration(), in: assembly.adapterEnvironment())
    let journal = try assembly.existingJournal()
    guard let key = try StateDirectory.existing(assembly.statePath)?.publicKey() else { return [] }
    return try await TicketComparison(targets.trackers, now: { assembly.now() })
      .answers(journal, publicKey: key, isDisputed: true)
  }

  /// The chain, and the first thing that does not hold: in it, or beside it in the head that was left.
  private func examine(_ assembly: Assembly) throws -> (ChainVerification, String?) {
    // Where nothing has run yet there is nothing to verify, and no key is missing.
    let own = export == nil && journal == nil ? try assembly.existingJournal() : nil
    let keys = try trustedKeys(assembly)
    if let own {
      let verification = try own.verify(publicKeys: keys, expecting: expect)
      if let problem = verification.problem { return (verification, "\(problem)") }
      return (verification, try own.difference().map { "\($0)" })
    }
    if let export {
      let text = try assembly.readInput(export)
      let verification = JournalExport.verify(
        String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init), publicKeys: keys,
        expecting: expect)
      return (verification, verification.problem.map { "\($0)" })
    }
    // A copy elsewhere has no head of its own beside it.
    let verification = try Journal.openReading(path: journal ?? "").verify(
      publicKeys: keys, expecting: expect)
    return (verification, verification.problem.map { "\($0)" })
  }

  private func trustedKeys(_ assembly: Assembly) throws -> [Data] {
    guard let publicKey else {
      guard let own = try StateDirectory.existing(assembly.statePath)?.publicKey() else {
        throw CommandFailure(
          .unavailable, "no key to verify with",
          because: "\(harmless(assembly.statePath)) has no identity.key",
          fix: "name the signer's with --public-key; on its machine this prints it: staunch journal key")
      }
      return [own]
    }
    let text =
      FileManager.default.contents(atPath: publicKey)
      .map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
      ?? publicKey
    guard let key = Data(base64Encoded: text), key.count == 32 else {
      throw CommandFailure(
        .usage, "--public-key is no Ed25519 key",
        because: "it must be 32 bytes in base64, or a file that holds that",
        fix: "on the machine that wrote the journal: staunch journal key")
    }
    return [key]
  }
}

/// `staunch journal export`.
struct ExportJournal: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "The whole journal as JSON Lines; sealed values stay behind.")

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let journal = try assembly.existingJournal()
    try journal.export { line in assembly.console.signed(line) }
  }
}

/// `staunch journal key`.
struct PrintJournalKey: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "The public key that signs this journal's head and this operator's approvals.")

  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    assembly.console.data(try assembly.state().identity().publicKey.base64EncodedString())
  }
}
