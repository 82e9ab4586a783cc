import ArgumentParser
import Capabilities
import Foundation
import JSON
import Journal
import Response

/// `staunch journal accept`: a person goes on with a state that is not the one that was left.
struct AcceptJournal: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept",
    abstract: "Go on with a journal that is not the one that was left; your decision stands in it.",
    discussion: """
      A journal that ends too early, was replaced or is gone, and keys that are gone, stop every effect: what is missing may \
      be a rotation that happened. Look for the right file first (a backup), compare with the head in the tickets \
      (staunch journal verify --expect HEAD), and look at the providers. Without --reason this only says what differs.
      """)

  @Option(name: .long, help: "Why; stands in the journal.") var reason: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    guard let found = try problem(assembly) else {
      throw CommandFailure(
        .declined, "nothing was accepted", because: "the journal is the one that was left",
        fix: "staunch journal verify reads all of it")
    }
    guard let reason, !reason.isEmpty else {
      assembly.console.data(found)
      assembly.console.say(
        "nothing was changed. to go on all the same: staunch journal accept --reason 'why'")
      throw ExitCode(ExitStatus.unavailable.rawValue)
    }
    let state = try StateDirectory(assembly.statePath, acceptsLoss: true)
    var isDrill = false
    if let found = try state.journalForReading() { isDrill = found.header.isDrill }
    let keys = try state.keys()
    _ = try state.fingerprintKey()
    try admit(reason, state, keys, assembly)
    let journal = try Journal.open(
      path: state.journalPath, keys: keys, isDrill: isDrill,
      settings: JournalSettings(now: assembly.clock, redactor: assembly.redactor), acceptingBecause: reason)
    let head = try journal.head()
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1, "accepted": .string(found), "events": .integer(head.sequence),
          "head": .string(head.hash),
        ]).canonicalText)
    } else {
      assembly.console.say("accepted: \(found)")
      assembly.console.say("look at what runs may have done meanwhile. next: staunch status")
    }
  }

  /// Refuses a reason that holds a leaked value, as far as the values can still be opened: nothing may keep a person from
  /// going on.
  private func admit(_ reason: String, _ state: StateDirectory, _ keys: JournalKeys, _ assembly: Assembly)
    throws
  {
    let entered: EnteredText
    do {
      entered = try EnteredText(
        about: nil, in: try Journal.openReading(path: state.journalPath, keys: keys))
    } catch {
      assembly.console.say("the reason was not compared with the leaked values: they cannot be opened")
      return
    }
    try entered.admit(reason, as: "--reason")
  }

  /// What differs; nil when nothing does.
  private func problem(_ assembly: Assembly) throws -> String? {
    guard let state = try StateDirectory.existing(assembly.statePath) else { return nil }
    do { return try difference(state) } catch {
      guard error.code == .altered else { throw error }
      return error.because
    }
  }

  /// - Throws: `altered` when the journal or a key is gone.
  private func difference(_ state: StateDirectory) throws(JournalError) -> String? {
    guard let journal = try state.journalForReading() else { return nil }
    if let found = try journal.difference() { return "\(found)" }
    if let found = try journal.listProblem() { return "\(found)" }
    _ = try state.keys()
    _ = try state.fingerprintKey()
    return nil
  }
}
