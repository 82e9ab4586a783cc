import Incidents
import JSON

/// What each kind of event says in the timeline. Blameless by construction: acts and answers, no actors but roles.
extension JournalEvent {
  /// This event as a row.
  var timelineRow: TimelineRow {
    TimelineRow(
      at: at, text: timelineText, quote: timelineQuote, certainty: timelineCertainty, evidence: evidence,
      mark: timelineMark)
  }

  private var name: String {
    guard let step else { return "step" }
    return "step \(item.map { "\(step)[\($0)]" } ?? step.rawValue)"
  }

  private var byRole: String { role.map { " by role \($0)" } ?? "" }

  private var timelineText: String {
    switch kind {
    case .incidentOpened:
      "Incident opened: \(text("kind") ?? "credential") reported by \(line("source") ?? "an unnamed source")"
        + (text("validity").map { ", validity \($0)" } ?? "")
    case .incidentUpdated:
      platformSaid ?? sighting.map { "The leak was \($0.text)" } ?? "Incident updated\(occurrences)"
    case .incidentState: "Incident state: \(text("state") ?? "unknown")"
    case .planSaved: "Plan \(text("plan") ?? "") saved, playbook \(text("playbook") ?? "unknown")"
    case .planApproved: "\(approved) approved\(byRole)"
    case .planDeclined: "\(approved) declined\(byRole)"
    case .runStarted: "Run \(run?.rawValue ?? "") started, mode \(text("mode") ?? "unknown")"
    case .runResumed: "Run \(run?.rawValue ?? "") resumed"
    case .runEnded: "Run \(run?.rawValue ?? "") ended: \(text("state") ?? "unknown")"
    case .lockTaken: "Lock taken"
    case .lockReleased: "Lock released"
    case .stepIntent: "\(name): \(text("action") ?? "effect") begun, no outcome recorded"
    case .stepOutcome: "\(name): \(text("action") ?? "action") answered\(phase)"
    case .stepFailed:
      body["final"]?.boolean == false
        ? "\(name): attempt \(body["attempt"]?.integer ?? 1) ended with an error, another follows"
        : "\(name): stopped with an error"
    case .stepSettled: "\(name): lost outcome settled by a probe as \(settlement)"
    case .stepVerified where deathProof != nil:
      "\(name): proof of death, \(deathProof?.text ?? "")"
    case .stepVerified:
      "\(name): verified, expected \(text("expect") ?? "its condition"), found \(verifiedAnswer ?? "unknown")"
    case .stepWaiting: "\(name): waiting for \(awaited)"
    case .stepSkipped: "\(name): skipped by \(text("by") ?? "condition")"
    case .stepDone: "\(name): done"
    case .stepManual: "\(name): done by hand\(byRole)"
    case .stepUndone: "\(name): undo \(text("result") ?? "unknown")"
    case .credentialProbed:
      "Probe of \(text("credential") ?? "the credential") (\(text("subject") ?? "secret")): "
        + "\((text("state") ?? "unknown").uppercased())\(code)"
    case .driftFound:
      "\(name): the world differs from the plan, \(text("what") ?? "a precondition") changed"
    case .secretSealed: "Secret sealed"
    case .keyDestroyed: "Sealing key of the run destroyed"
    case .message:
      "Message to \(text("tracker") ?? "a tracker"): \(text("event") ?? "update"), \(text("state") ?? "unknown")"
    case .noted: "Note\(byRole)"
    case .todo: "Follow-up recorded\(byRole)"
    case .decision: "Decision\(byRole): \(text("what") ?? "unnamed")"
    }
  }

  /// Words that are not ours.
  private var timelineQuote: String? {
    switch kind {
    case .noted, .todo: text("text")
    case .decision, .planDeclined, .incidentState, .runEnded, .runResumed, .stepSkipped, .stepUndone:
      text("reason")
    case .stepFailed, .stepSettled: stepReason
    case .stepWaiting: text("prompt")
    default: nil  // the other kinds quote nobody
    }
  }

  private var timelineCertainty: Certainty {
    switch kind {
    case .noted, .todo, .decision, .stepManual: .entered
    default: .observed  // appended by the engine when it happened
    }
  }

  private var timelineMark: TimelineRow.Mark {
    switch kind {
    case .incidentOpened: .detected
    case .planApproved, .planDeclined, .noted, .todo, .decision, .stepManual: .human
    case .stepWaiting: .wait
    case .credentialProbed:
      switch text("state").flatMap(CredentialState.init(rawValue:)) {
      case .alive: .alive
      case .dead: .dead
      case .unknown, nil: .unknown
      }
    case .stepOutcome, .stepUndone, .keyDestroyed: .effect
    case .stepFailed, .driftFound: .failure
    case .stepVerified:
      verifiedAnswer == "clean" ? .clean : deathProof == nil ? .other : .dead
    case .message: .message
    case .incidentUpdated, .incidentState, .planSaved, .runStarted, .runResumed, .runEnded, .lockTaken,
      .lockReleased,
      .stepIntent, .stepSettled, .stepSkipped, .stepDone, .secretSealed:
      .other
    }
  }

  private var approved: String { step.map { "Step \($0)" } ?? "Plan \(text("plan") ?? "")" }
  private var awaited: String {
    switch text("for") {
    case "manual": "a manual step"
    case "decision": "a decision"
    case let other: other ?? "unknown"
    }
  }
  private var phase: String {
    guard let phase = text("phase"), phase != "perform", phase != "read" else { return "" }
    return ", phase \(phase)"
  }
  private var settlement: String { (text("settlement") ?? "unknown").replacing("_", with: " ") }
  private var code: String {
    guard let code = text("code"), !code.isEmpty else { return "" }
    return " (\(code))"
  }
  private var occurrences: String {
    body["occurrences"]?.integer.map { ": \($0) occurrence\($0 == 1 ? "" : "s")" } ?? ""
  }
}
