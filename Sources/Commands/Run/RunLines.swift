import Foundation
import Incidents
import JSON

/// Shows a run's events as they become durable: a line each for people, the event itself for scripts.
struct RunLines: Sendable {
  let console: Console
  let isJSON: Bool

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
    let body = event.body
    let item = body["item"]?.integer.map { "[\($0)]" } ?? ""
    let step = "\(body["step"]?.string ?? "")\(item)"
    switch event.kind {
    case .runStarted: return "run \(event.run?.rawValue ?? "") starts (\(body["mode"]?.string ?? ""))"
    case .runResumed:
      return "run \(event.run?.rawValue ?? "") goes on: \(harmless(body["reason"]?.string ?? ""))"
    case .stepIntent: return "\(step): \(body["action"]?.string ?? "") (\(body["phase"]?.string ?? ""))"
    case .stepOutcome:
      var lines = [body["answer"]?.string].compactMap { $0 }
      let names = { (output: String) in
        (body["outputs"]?[output]?.array ?? []).compactMap(\.string).joined(separator: ", ")
      }
      if !names("followed").isEmpty { lines.append("written along: \(names("followed"))") }
      if !names("still_old").isEmpty {
        lines.append(
          console.toned("still holds the old value, change it by hand: ", .bad) + names("still_old"))
      }
      if !names("elsewhere").isEmpty { lines.append(console.toned("left: ", .bad) + names("elsewhere")) }
      return lines.isEmpty ? nil : lines.map { "\(step): \(harmless($0))" }.joined(separator: "\n           ")
    case .stepFailed:
      let error = body["error"]
      return console.toned("\(step): ", .bad)
        + "\(harmless(error?["operation"]?.string ?? "")): \(harmless(error?["message"]?.string ?? ""))"
    case .stepSettled:
      return
        "\(step): settled as \(body["settlement"]?.string ?? ""): \(harmless(body["evidence"]?.string ?? ""))"
    case .stepVerified:
      if let proof = event.deathProof { return "\(step): proven dead: \(harmless(proof.text))" }
      // A single refusal is not the proof, and is not called by its name.
      let isRefusal = body["expect"]?.string == "dead"
      return "\(step): verified \(isRefusal ? "refused" : harmless(body["result"]?.string ?? ""))"
    case .stepWaiting: return "\(step): waits for \(body["for"]?.string ?? "")"
    case .stepSkipped: return "\(step): skipped, \(harmless(body["reason"]?.string ?? ""))"
    case .stepDone: return console.toned("\(step): done", .good)
    case .stepUndone:
      return "\(step): \(body["result"]?.string ?? "") \(harmless(body["reason"]?.string ?? ""))"
    case .credentialProbed:
      let isLeaked = body["subject"]?.string == "leaked"
      let state = body["state"]?.string ?? ""
      // A probe shows a refusal; that it is dead, only the proof shows.
      let word = isLeaked && state == "dead" ? "refused" : state.uppercased()
      return
        "\(isLeaked ? "old credential" : "replacement") \(body["credential"]?.string ?? ""): \(word)  \(harmless(body["code"]?.string ?? ""))"
    case .incidentState where body["state"]?.string == "contained":
      return console.toned("CONTAINED", .good) + ": \(harmless(body["reason"]?.string ?? ""))"
    case .driftFound: return "drift at \(step): \(harmless(body["what"]?.string ?? ""))"
    case .message:
      return
        "message to \(body["tracker"]?.string ?? ""): \(body["event"]?.string ?? "") \(body["state"]?.string ?? "")"
    case .keyDestroyed: return "the run's sealing key was destroyed"
    case .incidentOpened, .incidentUpdated, .incidentState, .planSaved, .planApproved, .planDeclined,
      .runEnded,
      .lockTaken, .lockReleased, .stepManual, .secretSealed, .noted, .todo, .decision:
      return nil
    }
  }
}
