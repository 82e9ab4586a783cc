import Capabilities
import Foundation
import JSON
import Journal
import Response
import StaunchConfiguration

extension DirectRun {
  /// Asks for the confirmation, then begins.
  ///
  /// - Parameters:
  ///   - name: what must be typed: the target's name.
  ///   - confirmation: the value of `--confirm`.
  /// - Throws: exit 77 when declined, 64 when nobody is there to ask, 69 when the target is locked.
  static func begin(
    _ action: String, target: String, lock: String, name: String, document: JSONValue, confirmation: String?,
    in assembly: Assembly, settle: (_ marker: String) async throws -> Settlement
  ) async throws -> DirectRun {
    try confirm(name, action: action, given: confirmation, in: assembly)
    let hand = Hand(
      identity: try assembly.state().identity(),
      policy: assembly.configurationPath == nil ? nil : try assembly.configuration().policy,
      now: assembly.now(), toolVersion: toolVersion, voice: assembly.voice,
      journal: { try assembly.journal() })
    return try await begin(
      action, target: target, lock: lock, document: document, by: hand, settle: settle)
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
