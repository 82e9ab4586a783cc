import Capabilities
import Execution
import Foundation
import Incidents
import Playbooks
import Response

/// The person at the terminal; without one, only what was approved with the plan.
struct TerminalAttendant: Attendant {
  let console: Console
  let identity: LocalIdentity
  /// Gates were approved together with the plan.
  let approvesGates: Bool
  let now: @Sendable () -> Date
  /// Refuses an answer that holds a leaked value.
  let admit: @Sendable (_ answer: String) throws -> Void

  var isPerson: Bool { console.style.isInteractive && !approvesGates }

  func approvals(for request: ApprovalRequest) async -> [Approval] {
    let role = request.gate.roles.first ?? "responder"
    if !approvesGates {
      guard console.style.isInteractive else { return [] }
      console.endTransient()
      console.say("")
      console.say("\(request.step) asks: \(harmless(request.title))")
      for line in PlanScreen(console: console).consequences(request.effects) { console.say("  \(line)") }
      guard isConfirmed(request) else { return [] }
    }
    do {
      return [try identity.approve(request.digest, step: request.step, role: role, at: now())]
    } catch {
      console.fail("the approval could not be signed: \(error)")
      return []
    }
  }

  /// A rewrite or a push is approved with the repository's name, everything else with a yes.
  private func isConfirmed(_ request: ApprovalRequest) -> Bool {
    let names = TypedNames.repositories(request.effects)
    guard names.isEmpty else {
      return names.allSatisfy {
        console.ask("To go on, type \"\(harmless($0))\" (anything else: later):") == $0
      }
    }
    let answer = console.ask("Go on? [y/N]")?.lowercased()
    return answer == "y" || answer == "yes"
  }

  func evidence(for request: ManualRequest) async -> [String: Value]? {
    guard console.style.isInteractive else { return nil }
    console.endTransient()
    console.say("")
    console.say("by hand: \(harmless(request.title))")
    console.say(harmlessLines(request.instructions))
    var collected: [String: Value] = [:]
    for (name, type) in request.collect.sorted(by: { $0.key < $1.key }) {
      guard let answer = console.ask("\(ManualAnswer.asked(name, type)); empty to do it later:"),
        !answer.isEmpty
      else {
        return nil
      }
      do { try admit(answer) } catch {
        console.fail(CommandFailure(after: error).message)
        return nil
      }
      guard let value = ManualAnswer.value(answer, as: type) else {
        console.fail("that is no \(type)")
        return nil
      }
      collected[name] = value
    }
    if request.collect.isEmpty {
      let answer = console.ask("Done? [y/N]")?.lowercased()
      guard answer == "y" || answer == "yes" else { return nil }
    }
    return collected
  }

  func decision(on question: UnknownOutcome) async -> UnknownOutcomeResponse {
    guard console.style.isInteractive else { return .ask }
    console.endTransient()
    console.say(
      "\(question.step): nobody can tell whether \(question.action) happened: \(harmless(question.reason))")
    let answer = console.ask("retry (it may then have happened twice), skip, or wait?")?.lowercased() ?? ""
    return UnknownOutcomeResponse(rawValue: answer) ?? .ask
  }
}
