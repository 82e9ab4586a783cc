import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Response
import StaunchConfiguration

extension DirectRun {
  /// Asks for the confirmation, then has it carried out.
  ///
  /// - Parameters:
  ///   - name: what must be typed: the target's name.
  ///   - confirmation: the value of `--confirm`.
  ///   - incident: whose ticket is read besides the newest ones; nil: none is meant.
  ///   - comparesTickets: false when that was done for this command.
  /// - Throws: exit 77 when declined, 64 when nobody is there to ask, 69 when the target is locked or the journal lacks what
  ///   its tickets were told of.
  static func carryOut<Outcome: Sendable>(
    _ action: String, target: String, lock: String, name: String, document: JSONValue, confirmation: String?,
    incident: IncidentID? = nil, comparesTickets: Bool = true, in assembly: Assembly,
    settle: @escaping @Sendable (_ marker: String) async throws -> Settlement,
    perform effect:
      @escaping @Sendable (
        _ authority: borrowing ExecutionAuthority, _ marker: String
      ) async throws -> Outcome,
    outputs: @escaping @Sendable (Outcome) -> JSONValue
  ) async throws -> Outcome {
    try confirm(name, action: action, given: confirmation, in: assembly)
    let hand = try Hand(
      state: try assembly.state(),
      policy: assembly.configurationPath == nil ? nil : try assembly.configuration().policy,
      now: assembly.now(), toolVersion: toolVersion, voice: assembly.voice,
      journal: { try assembly.journal() },
      compareTickets: { journal in
        if comparesTickets { try await compareTickets(journal, incident, in: assembly) }
      })
    return try await carryOut(
      action, target: target, lock: lock, document: document, by: hand, settle: settle, perform: effect,
      outputs: outputs)
  }

  /// As before a plan's run: a journal that lost what its tickets were told of takes nothing. For two seconds at most.
  static func compareTickets(_ journal: Journal, _ incident: IncidentID? = nil, in assembly: Assembly)
    async throws
  {
    // Without a staunch.yaml nothing was posted from here.
    guard assembly.configurationPath != nil else { return }
    let configuration = try assembly.configuration()
    guard !configuration.isDrill, !configuration.trackers.isEmpty else { return }
    let trackers = try assembly.trackers(of: configuration, in: assembly.adapterEnvironment())
    try await TicketComparison(trackers, now: { assembly.now() }).check(incident, in: journal) {
      assembly.console.say(harmless($0))
    }
  }

  /// Asks for `name`, unless `given` says it already.
  /// - Throws: exit 77 when declined, 64 when nobody is there to ask.
  static func confirm(_ name: String, action: String, given: String?, in assembly: Assembly) throws {
    if let given {
      guard given == name else {
        throw CommandFailure(
          .declined, "not confirmed",
          because: "--confirm says \"\(harmless(given))\", the target is \"\(harmless(name))\"",
          fix: "check which target you mean, then: --confirm=\(harmless(name))")
      }
      return
    }
    guard assembly.console.style.isInteractive else {
      throw CommandFailure(
        .usage, "\(action) needs a confirmation", because: "nobody is there to ask",
        fix: "add --confirm=\(harmless(name))")
    }
    let answer = assembly.console.ask(
      "This cannot be taken back by a yes-key. Type \"\(harmless(name))\" to go on:")
    guard answer == name else {
      throw CommandFailure(.declined, "not confirmed", because: "the name was not typed; nothing was changed")
    }
  }
}
