import Chronicle
import Foundation
import Incidents
import JSON

/// What people outside the terminal read first, and what the next responder takes over.
extension StatusModel {
  static func verdict(_ status: IncidentStatus) -> String {
    if status.isContained {
      return status.state == .closed ? "closed; the credential is dead" : "contained; the credential is dead"
    }
    switch status.leaked?.state {
    case .alive: return "NOT contained; the credential still works"
    case .dead: return "not proven contained; the credential was refused, which alone proves nothing"
    case .unknown, nil: return "not proven contained; whether the credential works is unknown"
    }
  }

  /// Nobody's incident is known to the millisecond.
  static func age(_ status: IncidentStatus) -> String {
    DurationText.age(status.sinceDetection)
  }

  static func overview(_ status: IncidentStatus) -> [String] {
    var sentences = [
      "A credential of kind \(status.kind) leaked; it was detected at \(ClockText.full(status.detected))"
        + (status.isClockBehind
          ? " (this machine's clock stands before that)."
          : ", \(age(status)) ago.")
    ]
    if let leaked = status.leaked, let probed = leaked.probed {
      let meaning =
        switch leaked.state {
        case .dead: "is refused by its provider"
        case .alive: "was still accepted by its provider"
        case .unknown: "gave no clear answer"
        }
      sentences.append("At the last probe (\(ClockText.near(probed, from: status.now))) it \(meaning).")
    }
    for one in status.stillAtTheForge {
      sentences.append("The leaked value is still at the forge of \(one.repository): \(one.why).")
    }
    if !status.copies.isEmpty {
      // Paths of people's machines are for those who clean them: staunch show.
      sentences.append(
        "Copies of the leaked value lie outside of Git at \(Count.text(status.copies.count, "place")).")
    }
    if !status.waiting.isEmpty { sentences.append("The work waits for a person.") }
    if !status.undelivered.isEmpty {
      sentences.append("\(Count.text(status.undelivered.count, "message")) did not provably arrive.")
    }
    return sentences
  }

  /// Follow-ups that people wrote down, and steps that did not begin.
  static func tasks(_ record: IncidentRecord, _ status: IncidentStatus, _ words: Words) -> [DocumentText] {
    let pending = status.steps.filter { $0.state == .pending }.map {
      DocumentText("step \($0.label), not begun")
    }
    let failed = status.steps.filter { $0.state == .failed || $0.state == .unknown }
      .map { words.clean("step \($0.label), \($0.state.rawValue)\($0.reason.map { ": \($0)" } ?? "")") }
    let todos = record.events(.todo).map { PersonsWord($0.body) }.map { todo in
      words.clean((todo.words ?? "") + (todo.owner.map { " (\($0))" } ?? ""))
    }
    let failing = record.stillOld.map {
      words.clean("change by hand: \($0) holds the old value, and what reads it fails")
    }
    return failed + failing + pending + todos
  }

  /// Every word of a person (and of a policy) that steered the response: approvals and take-overs, too.
  static func decisions(_ record: IncidentRecord, _ words: Words) -> [Decision] {
    record.events.compactMap { event in
      let what: String? =
        switch event.typed {
        case .decision(let decision): decision.what ?? "unnamed"
        case .stepSkipped(let skip) where skip.by == "operator": "step \(skip.step?.rawValue ?? "") left out"
        case .stepManual(let act): "step \(act.step?.rawValue ?? "") done by hand"
        case .planApproved(let word): approved(word)
        case .planDeclined(let word): word.step.map { "gate \($0) declined" } ?? "plan declined"
        case .lockTaken where event.reason != nil: "run \(event.run?.rawValue ?? "") taken over"
        default: nil  // everything else was no decision of a person
        }
      return what.map {
        Decision(
          instant: DocumentText(ClockText.full(event.at)), decision: words.clean($0),
          reason: words.clean(event.reason ?? "not stated"),
          role: event.role.map { DocumentText($0.rawValue) })
      }
    }
  }

  /// Entries of stores that still hold the old value.
  static func copies(_ record: IncidentRecord) -> [String] {
    record.stillOld.map { "\($0) still holds the old value: what reads it fails until it is changed by hand" }
  }

  private static func approved(_ word: PlanApproved) -> String {
    let digest = word.digest.map { " (digest \($0.prefix(12)))" } ?? ""
    if let step = word.step { return "gate \(step) approved\(digest)" }
    guard let actions = word.actions else { return "plan approved\(digest)" }
    return "plan approved for \(actions.joined(separator: ", ")) only\(digest)"
  }

  /// What may still go wrong, by what the journal does and does not hold: only something observed takes a risk away.
  static func risks(_ record: IncidentRecord, _ status: IncidentStatus) -> [String] {
    var risks: [String] = []
    for credential in status.credentials where credential.subject == .leaked {
      switch credential.state {
      case .alive: risks.append("\(credential.name) still works: whoever has the leaked value can use it")
      case .unknown: risks.append("nobody knows whether \(credential.name) still works")
      case .dead: continue
      }
    }
    if status.leaked?.state == .dead, status.unproven > 0 {
      risks.append(
        "\(Count.text(status.unproven, "leaked value")) without a proof of death: treat it as alive")
    }
    if status.credentials.allSatisfy({ $0.subject != .leaked }) {
      risks.append("the leaked credential was not probed: treat it as alive")
    }
    for credential in status.credentials
    where credential.subject == .replacement && credential.state != .alive {
      risks.append(
        "the replacement of \(credential.name) is \(credential.state.rawValue): consumers may be down")
    }
    for one in status.stillAtTheForge {
      risks.append("the leaked value is still at the forge of \(one.repository): \(one.why)")
    }
    if !status.copies.isEmpty {
      risks.append("the leaked value lies outside of Git at \(Count.text(status.copies.count, "place"))")
    }
    risks += status.copies.traps
    for one in status.published {
      risks += one.residual.map { "left of \(one.repository): \($0)" }
    }
    for step in status.steps where step.state == .unknown {
      risks.append("whether step \(step.label) took effect is unknown: do not repeat it by hand")
    }
    for skip in record.events(.stepSkipped).map({ StepSkipped($0.body) }) where skip.by == "operator" {
      risks.append(
        "step \(skip.step?.rawValue ?? "") was left out: \(skip.reason ?? "no reason given")")
    }
    if !record.outcomes(of: "credential.end-sessions").contains(where: \.leftNoSession) {
      risks.append(
        "no step ended the sessions opened with the leaked credential: where its system has sessions, "
          + "whoever is logged in stays")
    }
    // Said above, repository by repository, where one is still at the forge.
    if status.stillAtTheForge.isEmpty,
      case .unknown(let reason) = MetricInstants(of: record, repositories: []).clean
    {
      risks.append("the history is not proven clean (\(reason)): copies of the leaked value may be there")
    }
    return risks
  }
}

extension JournalEvent {
  /// True for a recount that says 0.
  fileprivate var leftNoSession: Bool { StepOutcome(body).outputs["left"]?.integer == 0 }
}
