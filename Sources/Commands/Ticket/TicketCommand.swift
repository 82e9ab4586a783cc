import ArgumentParser
import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Response

/// `staunch ticket`: messages on their way.
struct TicketCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ticket", abstract: "Messages and tickets: list, send, drop.",
    subcommands: [TicketList.self, TicketSend.self, TicketDrop.self])
}

/// `staunch ticket list`: exit 12 when something is undelivered.
struct TicketList: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Every message with its state. Exit 12 when one is undelivered.")

  @Flag(name: .long, help: "Also those that arrived or were dropped.") var all = false
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    guard let journal = try assembly.journalForReading() else {
      assembly.console.say("nothing was ever sent from here")
      return
    }
    let entries = try journal.outbox(undelivered: !all)
    if global.json {
      assembly.console.data(
        TicketList.document(entries).canonicalText)
    } else {
      for entry in entries {
        assembly.console.data(TicketList.line(entry))
        if entry.isUndelivered { copy(entry, assembly) }
      }
      if !entries.contains(where: \.isUndelivered) {
        assembly.console.say("everything was delivered")
      } else {
        assembly.console.say("next: staunch ticket send")
      }
    }
    if entries.contains(where: \.isUndelivered) { throw ExitCode(ExitStatus.undeliveredMessages.rawValue) }
  }

  /// The text to paste by hand while the system is down.
  private func copy(_ entry: OutboxEntry, _ assembly: Assembly) {
    assembly.console.say("  to send it by hand: \(harmless(entry.message.title))")
    for line in entry.message.body.split(separator: "\n") {
      assembly.console.say("    \(harmless(String(line)))")
    }
  }

  /// A message for people: what, where to, how it stands, where it is and why.
  static func line(_ entry: OutboxEntry) -> String {
    let more = [entry.remote?.url, entry.reason].compactMap { $0 }.map { "  \(harmless($0))" }.joined()
    return
      "\(entry.message.id)  \(entry.tracker)  \(entry.message.incident)  \(entry.message.event.rawValue)  "
      + "\(entry.state.rawValue)  \(entry.attempts) \(entry.attempts == 1 ? "try" : "tries")" + more
  }

  /// What `ticket list --json` prints; the console's board has the same.
  static func document(_ entries: [OutboxEntry]) -> JSONValue {
    OutboxDocument.of(entries)
  }

  static func json(_ entry: OutboxEntry) -> JSONValue { OutboxDocument.of(entry) }
}

/// `staunch ticket drop`.
struct TicketDrop: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "drop", abstract: "Give a message up, with a reason that stands in the post-mortem.")

  @Argument(help: "The message's id.") var id: String
  @Option(name: .long, help: "Why.") var reason: String
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let journal = try assembly.journal()
    let entry = try journal.message(id)
    guard entry.isUndelivered else {
      throw CommandFailure(
        .invalidInput, "nothing was dropped", because: "the message is \(entry.state.rawValue)",
        fix: "staunch ticket list --all")
    }
    try CommandFailure.checkWords(reason, as: "--reason")
    try journal.admit([("--reason", reason)], about: entry.message.incident)
    try PersonsWords(journal).drop(entry, because: reason)
    assembly.console.say("dropped")
  }
}

extension Journal {
  func message(_ id: String) throws -> OutboxEntry {
    guard let entry = try outboxEntry(id) else {
      throw CommandFailure(
        .invalidInput, "there is no message \"\(harmless(id))\"", because: "the outbox does not have it",
        fix: "staunch ticket list --all")
    }
    return entry
  }
}
