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
    switch typed {
    case .incidentOpened(let report):
      "Incident opened: \(report.kind?.rawValue ?? "credential") reported by "
        + (report.source ?? "an unnamed source") + (report.validity.map { ", validity \($0.rawValue)" } ?? "")
    case .incidentUpdated(let report):
      platformSaid ?? report.seen.map { "The leak was \($0.text)" }
        ?? "Incident updated\(report.occurrences.map { ": \($0) occurrence\($0 == 1 ? "" : "s")" } ?? "")"
    case .incidentState(let change): "Incident state: \(change.state?.rawValue ?? "unknown")"
    case .planSaved(let plan):
      "Plan \(plan.plan?.rawValue ?? "") saved, playbook \(plan.playbook?.rawValue ?? "unknown")"
    case .planApproved(let word): "\(approved(word.plan)) approved\(byRole)"
    case .planDeclined(let word): "\(approved(word.plan)) declined\(byRole)"
    case .runStarted(let start): "Run \(run?.rawValue ?? "") started, mode \(start.mode ?? "unknown")"
    case .runResumed: "Run \(run?.rawValue ?? "") resumed"
    case .runEnded(let end): "Run \(run?.rawValue ?? "") ended: \(end.state?.rawValue ?? "unknown")"
    case .lockTaken: "Lock taken"
    case .lockReleased: "Lock released"
    case .stepIntent(let intent): "\(name): \(intent.action ?? "effect") begun, no outcome recorded"
    case .stepOutcome(let outcome):
      "\(name): \(outcome.action ?? "action") answered\(Self.phase(outcome.phase))"
    case .stepFailed(let failure):
      failure.isFinal == false
        ? "\(name): attempt \(failure.attempt ?? 1) ended with an error, another follows"
        : "\(name): stopped with an error"
    case .stepSettled(let settled):
      "\(name): lost outcome settled by a probe as "
        + (settled.settlement ?? "unknown").replacing("_", with: " ")
    case .stepVerified(let verified):
      if let deathProof {
        "\(name): proof of death, \(deathProof.text)"
      } else {
        "\(name): verified, expected \(verified.expected ?? "its condition"), found \(verified.answer ?? "unknown")"
          + (verified.before.last.map { "; before: \($0)" } ?? "")
      }
    case .stepWaiting(let wait): "\(name): waiting for \(Self.awaited(wait.subject))"
    case .stepSkipped(let skip): "\(name): skipped by \(skip.by ?? "condition")"
    case .stepDone: "\(name): done"
    case .stepManual: "\(name): done by hand\(byRole)"
    case .stepUndone(let undone): "\(name): undo \(undone.result ?? "unknown")"
    case .credentialProbed(let probe):
      "Probe of \(probe.credential?.rawValue ?? "the credential") (\(probe.subject?.rawValue ?? "secret")): "
        + (probe.state ?? .unknown).rawValue.uppercased() + Self.code(probe.code)
    case .driftFound(let drift):
      "\(name): the world differs from the plan, \(drift.what ?? "a precondition") changed"
    case .secretSealed: "Secret sealed"
    case .keyDestroyed: "Sealing key of the run destroyed"
    case .message(let message):
      "Message to \(message.tracker?.rawValue ?? "a tracker"): \(message.event ?? "update"), "
        + (message.state ?? "unknown")
    case .noted: "Note\(byRole)"
    case .todo: "Follow-up recorded\(byRole)"
    case .decision(let decision): "Decision\(byRole): \(decision.what ?? "unnamed")"
    }
  }

  /// Words that are not ours.
  private var timelineQuote: String? {
    switch typed {
    case .noted(let word), .todo(let word): word.words
    case .decision, .planDeclined, .incidentState, .runEnded, .runResumed, .stepSkipped, .stepUndone: reason
    case .stepFailed, .stepSettled: stepReason
    case .stepWaiting(let wait): wait.prompt
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
    switch typed {
    case .incidentOpened: .detected
    case .planApproved, .planDeclined, .noted, .todo, .decision, .stepManual: .human
    case .stepWaiting: .wait
    case .credentialProbed(let probe):
      switch probe.state {
      case .alive: .alive
      case .dead: .dead
      case .unknown, nil: .unknown
      }
    case .stepOutcome, .stepUndone, .keyDestroyed: .effect
    case .stepFailed, .driftFound: .failure
    case .stepVerified(let verified):
      verified.answer == "clean" ? .clean : deathProof == nil ? .other : .dead
    case .message: .message
    case .incidentUpdated, .incidentState, .planSaved, .runStarted, .runResumed, .runEnded, .lockTaken,
      .lockReleased,
      .stepIntent, .stepSettled, .stepSkipped, .stepDone, .secretSealed:
      .other
    }
  }

  private func approved(_ plan: PlanID?) -> String {
    step.map { "Step \($0)" } ?? "Plan \(plan?.rawValue ?? "")"
  }

  private static func awaited(_ subject: String?) -> String {
    switch subject {
    case "manual": "a manual step"
    case "decision": "a decision"
    case let other: other ?? "unknown"
    }
  }

  private static func phase(_ phase: String?) -> String {
    guard let phase, phase != "perform", phase != "read" else { return "" }
    return ", phase \(phase)"
  }

  private static func code(_ code: String?) -> String {
    guard let code, !code.isEmpty else { return "" }
    return " (\(code))"
  }
}
