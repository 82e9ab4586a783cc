import Chronicle
import Foundation
import Incidents
import JSON

/// Sections 2, 16, 19, 20 and 22 to 24: what people confirm, decide and owe.
extension DocumentModel {
  static func summary(
    _ record: IncidentRecord, status: IncidentStatus, metrics: Metrics, repositories: [RepositoryEvidence]
  ) -> [DocumentText] {
    let source =
      record.events(.incidentOpened).first.flatMap { IncidentReport($0.body).source }
      ?? "an unnamed source"
    let places =
      repositories.isEmpty
      ? "" : " in \(repositories.count == 1 ? "one repository" : "\(repositories.count) repositories")"
    var sentences = [
      DocumentText(
        "A leaked credential of kind \(status.kind)\(places) was reported by \(source) at "
          + "\(Timestamp.text(status.detected)).")
    ]
    switch metrics.metric("time_to_contain")?.value {
    case .duration(let duration):
      sentences.append(DocumentText("It was proven dead \(DurationText.text(duration)) after detection."))
      if case .duration(let first)? = metrics.metric("time_to_reject")?.value {
        sentences.append(DocumentText("Its first refusal came after \(DurationText.text(first))."))
      }
    case let value:
      sentences.append(DocumentText("Time to contain: \(value?.text ?? "unknown")."))
    }
    switch metrics.metric("time_to_eradicate")?.value {
    case .duration(let duration):
      sentences.append(
        DocumentText(
          "A fresh clone of the remote, made after the push, scanned clean \(DurationText.text(duration)) after detection."
        ))
    case let value:
      sentences.append(DocumentText("Time to eradicate: \(value?.text ?? "unknown")."))
    }
    return sentences
  }

  static func external(status: IncidentStatus, metrics: Metrics) -> [DocumentText] {
    var sentences = [
      DocumentText(
        "On \(Timestamp.text(status.detected)) we found that a credential of kind \(status.kind) was exposed."
      )
    ]
    if let dead = metrics.instants.dead.date, let proven = metrics.instants.proven.date {
      sentences.append(
        DocumentText(
          "It was first refused at \(Timestamp.text(dead)) and proven dead at \(Timestamp.text(proven))."))
    } else {
      sentences.append("It is not proven dead yet: do not send this message.")
    }
    let logs =
      if case .share(let share)? = metrics.metric("log_coverage")?.value {
        "logs cover \(MetricValue.share(share).text) of it"
      } else {
        "which part of it logs cover is not known"
      }
    sentences.append(
      DocumentText(
        "The period in which it could be used: \(metrics.metric("exposure_window")?.value.text ?? "unknown"); \(logs)."
      ))
    return sentences
  }

  static func messages(_ record: IncidentRecord, since detected: Date, _ index: inout EvidenceIndex)
    -> [Message]
  {
    record.events(.message).compactMap { event in
      let message = MessageMoved(event.body)
      guard !["queued", "replaced"].contains(message.state) else { return nil }
      return Message(
        instant: DocumentText(Timestamp.text(event.at)),
        elapsed: DocumentText(
          event.at < detected
            ? "before the detection" : "T+" + DurationText.age(event.at.duration(since: detected))),
        tracker: DocumentText(message.tracker?.rawValue ?? "unknown"),
        event: DocumentText(message.event ?? "update"),
        state: DocumentText(message.state ?? "unknown"),
        source: index.cite(event.evidence))
    }
  }

  static func decisions(_ record: IncidentRecord, _ words: Words, _ index: inout EvidenceIndex) -> [Decision]
  {
    record.events.compactMap { event in
      let what: String? =
        switch event.typed {
        case .decision(let decision): decision.what ?? "unnamed"
        case .stepSkipped(let skip): "step \(skip.step?.rawValue ?? "") skipped by \(skip.by ?? "condition")"
        case .planDeclined(let word): "plan \(word.digest ?? "") declined"
        case .stepUndone(let undone):
          "step \(undone.step?.rawValue ?? "") undone: \(undone.result ?? "unknown")"
        default: nil  // everything else is no decision against the plan
        }
      return what.map {
        Decision(
          instant: DocumentText(Timestamp.text(event.at)), decision: words.clean($0),
          role: DocumentText(event.role?.rawValue ?? ""),
          reason: words.clean(event.reason ?? "not stated"),
          source: index.cite(event.evidence))
      }
    }
  }

  /// Seeded from `todo` notes and from guards that the journal does not show.
  static func actions(
    _ record: IncidentRecord, _ words: Words, _ metrics: Metrics, _ repositories: [RepositoryEvidence]
  ) -> [ActionItem] {
    var items = record.events(.todo).map { PersonsWord($0.body) }.map { todo in
      ActionItem(
        action: words.clean(todo.words ?? ""), type: "follow-up",
        owner: DocumentText(todo.owner?.rawValue ?? ""), doneTest: "")
    }
    if !record.steps.contains(where: { $0.action == "guard.install" && $0.state == .done }) {
      items.append(
        ActionItem(
          action: "Install a pre-commit hook and push protection for the repositories of this incident",
          type: "prevent",
          owner: "repository-admin", doneTest: "a push of a decoy secret is refused"))
    }
    if metrics.metric("log_coverage")?.value != .share(1) {
      items.append(
        ActionItem(
          action: "Keep the provider's access logs for the longest exposure window measured", type: "detect",
          owner: "", doneTest: "log coverage of the next drill is 100 %"))
    }
    for evidence in repositories {
      for residual in evidence.rewrite?.residual ?? [] {
        items.append(
          ActionItem(
            action: words.clean(
              "Clear \(residual.place) of \(evidence.repository)\(residual.fix.isEmpty ? "" : ": \(residual.fix)")"
            ),
            type: "eradicate",
            owner: "repository-admin", doneTest: "whoever looked there does not find the value"))
      }
      if let backup = evidence.rewrite?.backup {
        items.append(
          ActionItem(
            action: DocumentText("Delete backup \(backup) of \(evidence.repository): it holds the secret"),
            type: "eradicate", owner: "repository-admin", doneTest: "the backup is gone"))
      }
    }
    return items
  }

  static func roles(_ record: IncidentRecord) -> [Role] {
    var order: [String] = []
    var acts: [String: [String: Int]] = [:]
    for event in record.events where event.kind != .runResumed {
      guard let role = event.role?.rawValue else { continue }
      if acts[role] == nil { order.append(role) }
      acts[role, default: [:]][event.kind.rawValue, default: 0] += 1
    }
    return order.map { role in
      let counted = (acts[role] ?? [:]).sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
      return Role(role: DocumentText(role), acts: DocumentText(counted.joined(separator: ", ")))
    }
  }

  static func handOvers(_ record: IncidentRecord, _ words: Words, _ index: inout EvidenceIndex) -> [Statement]
  {
    record.events(.runResumed).map { event in
      Statement(
        statement: words.clean(
          "\(Timestamp.text(event.at)): run resumed (\(event.reason ?? "no reason stated"))"),
        source: index.cite(event.evidence))
    }
  }

  static func questions(_ status: IncidentStatus, _ metrics: Metrics, _ repositories: [RepositoryEvidence])
    -> [DocumentText]
  {
    var questions = metrics.all.filter { metric in
      switch metric.value {
      case .unknown, .dataError: true
      case .duration, .atLeast, .atMost, .between, .share, .count, .none: false
      }
    }.map { DocumentText("\($0.title): \($0.value.text)") }
    questions += status.credentials.filter { $0.subject == .leaked && $0.state != .dead }
      .map { DocumentText("Credential \($0.name): \($0.state.rawValue) at its last probe") }
    questions += status.undelivered.map { DocumentText("Message \($0.id) to \($0.tracker): \($0.state)") }
    questions += repositories.filter { $0.forks == nil || $0.visibility == nil }
      .map { DocumentText("Repository \($0.repository): visibility and forks were not asked of the forge") }
    questions += status.steps.filter { $0.state == .unknown }
      .map { DocumentText("Step \($0.label): whether it took effect is unknown") }
    return questions
  }
}
