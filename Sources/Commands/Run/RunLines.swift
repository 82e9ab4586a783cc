import Chronicle
import Foundation
import Incidents
import JSON

/// Shows a run's events as they become durable: a line each for people, the event itself for scripts.
struct RunLines: Sendable {
  let console: Console
  let isJSON: Bool
  /// The leaked values of the plan, in their order: of several, a line says which it is about, by the status's number.
  var leaked: [SecretRef] = []

  func show(_ event: JournalEvent) {
    if isJSON {
      guard event.kind != .runEnded else { return }  // the last line says more
      console.data(
        JSONValue.object([
          "event": .string(event.kind.rawValue), "seq": .integer(event.sequence),
          "at": .string(Timestamp.text(event.at)), "run": event.run.map { .string($0.rawValue) } ?? .null,
          "incident": event.incident.map { .string($0.rawValue) } ?? .null, "body": event.body,
        ]).canonicalText)
      return
    }
    guard let text = text(event) else { return }
    console.endTransient()
    console.data("\(Timestamp.text(event.at).dropFirst(11).prefix(8))Z  \(text)")
  }

  private func text(_ event: JournalEvent) -> String? {
    let step = "\(event.step?.rawValue ?? "")\(event.item.map { "[\($0)]" } ?? "")"
    let run = event.run?.rawValue ?? ""
    switch event.typed {
    case .runStarted(let start): return "run \(run) starts (\(start.mode ?? ""))"
    case .runResumed(let resumed): return "run \(run) goes on: \(harmless(resumed.reason ?? ""))"
    case .stepIntent(let intent): return "\(step): \(intent.action ?? "") (\(intent.phase ?? ""))"
    case .stepOutcome(let outcome): return text(outcome, step)
    case .stepFailed(let failed):
      return console.toned("\(step): ", .bad)
        + "\(harmless(failed.operation ?? "")): \(harmless(failed.message ?? ""))"
    case .stepSettled(let settled):
      return "\(step): settled as \(settled.settlement ?? ""): \(harmless(settled.evidence ?? ""))"
    case .stepVerified(let verified):
      if let proof = event.deathProof { return "\(step): proven dead: \(harmless(proof.text))" }
      // A single refusal is not the proof, and is not called by its name.
      let isRefusal = verified.expected == "dead"
      return "\(step): verified \(isRefusal ? "refused" : harmless(verified.result ?? ""))"
    case .stepWaiting(let wait): return "\(step): waits for \(wait.subject ?? "")"
    case .stepSkipped(let skipped): return "\(step): skipped, \(harmless(skipped.reason ?? ""))"
    case .stepDone: return console.toned("\(step): done", .good)
    case .stepUndone(let undone):
      return "\(step): \(undone.result ?? "") \(harmless(undone.reason ?? ""))"
    case .credentialProbed(let probe): return text(probe)
    case .incidentState(let change) where change.state == .contained:
      return console.toned("CONTAINED", .good) + ": \(harmless(change.reason ?? ""))"
    case .driftFound(let drift): return "drift at \(step): \(harmless(drift.what ?? ""))"
    case .message(let message):
      return
        "message to \(message.tracker?.rawValue ?? ""): \(message.event ?? "") \(message.state ?? "")"
    case .keyDestroyed: return "the run's sealing key was destroyed"
    case .incidentOpened, .incidentUpdated, .incidentState, .planSaved, .planApproved, .planDeclined,
      .runEnded, .lockTaken, .lockReleased, .stepManual, .secretSealed, .noted, .todo, .decision:
      return nil
    }
  }

  private func text(_ outcome: StepOutcome, _ step: String) -> String? {
    var lines = [outcome.answer].compactMap { $0 }
    let names = { (output: String) in
      (outcome.outputs[output]?.array ?? []).compactMap(\.string).joined(separator: ", ")
    }
    if !names("followed").isEmpty { lines.append("written along: \(names("followed"))") }
    if !names("still_old").isEmpty {
      lines.append(
        console.toned("still holds the old value, change it by hand: ", .bad) + names("still_old"))
    }
    if !names("elsewhere").isEmpty { lines.append(console.toned("left: ", .bad) + names("elsewhere")) }
    return lines.isEmpty ? nil : lines.map { "\(step): \(harmless($0))" }.joined(separator: "\n           ")
  }

  private func text(_ probe: CredentialProbed) -> String {
    let isLeaked = probe.subject == .leaked
    let state = probe.state?.rawValue ?? ""
    // A probe shows a refusal; that it is dead, only the proof shows.
    let word = isLeaked && state == "dead" ? "refused" : state.uppercased()
    let number = isLeaked && leaked.count > 1 ? probe.ref.flatMap { leaked.firstIndex(of: $0) } : nil
    return "\(isLeaked ? "old credential" : "replacement") \(probe.credential?.rawValue ?? "")"
      + (number.map { " (value \($0 + 1))" } ?? "") + ": \(word)  \(harmless(probe.code ?? ""))"
  }
}
