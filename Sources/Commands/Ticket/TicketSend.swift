import ArgumentParser
import Capabilities
import Foundation
import JSON
import Journal
import Response

/// `staunch ticket send`: the one command that sends what waits. Exit 12 when something still did not arrive.
struct TicketSend: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "send",
    abstract: "Send every message that has not arrived, now. Exit 12 when one still did not.",
    discussion: """
      What may have arrived is looked up first, so nothing is sent twice. What was given up is tried again.

      EXAMPLES
        staunch ticket send                  everything
        staunch ticket send ID               one message, as list prints it
      """, aliases: ["retry"])

  @Argument(help: "The messages' ids; default: every message that has not arrived.") var ids: [String] = []
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let installation = try Installation(assembly, configuration: try assembly.configuration())
    let journal = installation.journal
    // What a killed process was sending may have arrived: it is looked up. Not while a run is at work, which may be
    // sending.
    if try !journal.locks().contains(where: { $0.state == .running }) { try journal.recoverOutbox() }
    let meant = try entries(in: journal)
    try journal.makeDue(meant.map(\.message.id))
    let round = OutboxRound(installation: installation, now: { assembly.now() })
    if ids.isEmpty {
      _ = try await round.send(.everything)
    } else {
      for entry in meant { _ = try await round.send(.message(entry.message.id)) }
    }
    try report(meant.map(\.message.id), in: journal, assembly)
  }

  private func entries(in journal: Journal) throws -> [OutboxEntry] {
    guard !ids.isEmpty else { return try journal.outbox(undelivered: true) }
    return try ids.map { id in
      let entry = try journal.message(id)
      guard entry.isUndelivered else {
        throw CommandFailure(
          .invalidInput, "\(harmless(id)) was not sent", because: "the message is \(entry.state.rawValue)",
          fix: "staunch ticket list --all")
      }
      return entry
    }
  }

  private func report(_ meant: [String], in journal: Journal, _ assembly: Assembly) throws {
    let now = try journal.outbox().filter { meant.contains($0.message.id) }
    let sent = now.filter { $0.state == .sent }
    let left = now.filter(\.isUndelivered)
    if global.json {
      assembly.console.data(
        JSONValue.object([
          "schema": 1, "sent": .array(sent.map { .string($0.message.id) }),
          "undelivered": .array(left.map(TicketList.json)),
        ]).canonicalText)
    } else {
      for entry in left { assembly.console.data(TicketList.line(entry)) }
      if meant.isEmpty {
        assembly.console.say("everything was delivered before")
      } else {
        assembly.console.say("sent \(sent.count) of \(now.count) message\(now.count == 1 ? "" : "s")")
      }
      if let first = left.first {
        assembly.console.say("its text, to send it by hand: staunch ticket list")
        assembly.console.say("to give it up: staunch ticket drop \(first.message.id) --reason \"why\"")
      }
    }
    if !left.isEmpty { throw ExitCode(ExitStatus.undeliveredMessages.rawValue) }
  }
}
