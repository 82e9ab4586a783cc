import Chronicle
import Foundation
import Incidents
import JSON

/// Sections 3 to 7: the credential, the exposure, the audit review and the signals.
extension DocumentModel {
  static func facts(_ record: IncidentRecord, _ words: Words, _ index: inout EvidenceIndex) -> [Fact] {
    var facts: [Fact] = []
    for event in record.outcomes(of: "credential.inspect") {
      let outputs = StepOutcome(event.body).outputs
      let members = outputs["facts"]?.object ?? outputs
      for (name, value) in members.sorted(by: { $0.key < $1.key }) {
        facts.append(
          Fact(
            name: DocumentText(name), value: value.readable.isEmpty ? "none" : words.clean(value.readable),
            source: index.cite(event.evidence)))
      }
    }
    return facts
  }

  /// Distinct places: an update names all of them again. The first ``locationLimit`` are listed.
  static func locations(_ record: IncidentRecord, _ index: inout EvidenceIndex) -> [Location] {
    var seen: Set<JSONValue> = []
    var locations: [Location] = []
    for (event, report) in record.reports {
      for place in report.places where seen.insert(place.identity).inserted {
        guard locations.count < locationLimit else { continue }
        locations.append(Location(place, source: index.cite(event.evidence)))
      }
    }
    return locations
  }

  /// How many places the journal knows beyond the listed ones; nil when none.
  static func locationsLeftOut(_ record: IncidentRecord) -> DocumentText? {
    let reports = record.reports.map { $0.report }
    let places = Set(reports.flatMap(\.places).map(\.identity))
    let further = reports.compactMap(\.furtherFindings).last ?? 0
    let count = max(0, places.count - locationLimit) + further
    return count > 0 ? DocumentText(String(count)) : nil
  }

  private static let locationLimit = 100

  static func audits(
    _ record: IncidentRecord, _ metrics: Metrics, now: Date, _ words: Words, _ index: inout EvidenceIndex
  ) -> [Audit] {
    record.outcomes(of: "abuse.search").map { event in
      let outputs = StepOutcome(event.body).outputs
      let seen =
        switch outputs["seen"]?.boolean {
        case true: "observed"
        case false: "not observed in what the logs cover"
        case nil: "unknown (no evidence to search, or nobody wrote down what is expected)"
        }
      let findings = outputs["findings"]?.array?.map(\.readable).joined(separator: "; ") ?? ""
      return Audit(
        step: DocumentText(event.step?.rawValue ?? ""), seen: DocumentText(seen),
        coverage: DocumentText(LogCoverage(event, in: record, metrics.instants, now: now).value.text),
        findings: words.clean(findings.isEmpty ? "none" : findings), source: index.cite(event.evidence))
    }
  }

  static func signals(_ record: IncidentRecord, _ index: inout EvidenceIndex) -> [Statement] {
    let signals = record.reports
    let last = signals.last { $0.event.sighting != nil }?.event
    return signals.filter { $0.event.sighting == nil || $0.event == last }.map { event, report in
      let source =
        report.source.map { "reported by \($0)" } ?? event.platformSaid ?? event.sighting?.text
        ?? "update"
      let validity = report.validity.map { ", validity \($0.rawValue)" } ?? ""
      let alerted = report.alerted.map { ", raised there at \(Timestamp.text($0))" } ?? ""
      return Statement(
        statement: DocumentText("\(Timestamp.text(event.at)): \(source)\(validity)\(alerted)"),
        source: index.cite(event.evidence))
    }
  }

  /// Section 12: acts on credentials and consumers, in the order in which they ended.
  static func containment(_ record: IncidentRecord, _ index: inout EvidenceIndex) -> [Statement] {
    let verbs = ["credential.", "secret.", "consumer."]
    return record.steps
      .filter { step in verbs.contains { step.action?.hasPrefix($0) == true } }
      .sorted { $0.last.sequence < $1.last.sequence }
      .map { step in
        let elapsed = step.elapsed(at: step.last.at).map { " after \(DurationText.text($0))" } ?? ""
        return Statement(
          statement: DocumentText(
            "\(Timestamp.text(step.last.at)): \(step.action ?? "") in step \(step.label), "
              + "\(step.state.rawValue)\(elapsed)"),
          source: index.cite(step.last.evidence))
      }
  }

  static func sideEffects(
    _ record: IncidentRecord, _ words: Words, _ repositories: [RepositoryEvidence],
    _ index: inout EvidenceIndex
  ) -> [Statement] {
    var effects: [Statement] = record.consumerFailures.map { event in
      Statement(
        statement: DocumentText("\(Timestamp.text(event.at)): a consumer did not answer as healthy"),
        source: index.cite(event.evidence))
    }
    for event in record.outcomes(of: "credential.end-sessions") {
      let outputs = JSONValue.object(StepOutcome(event.body).outputs).readable
      effects.append(
        Statement(
          statement: words.clean("\(Timestamp.text(event.at)): sessions ended (\(outputs))"),
          source: index.cite(event.evidence)))
    }
    for event in record.events where event.kind == .stepUndone || event.kind == .driftFound {
      let what =
        event.kind == .stepUndone ? "step \(event.step?.rawValue ?? "") undone" : "drift from the plan"
      effects.append(
        Statement(
          statement: DocumentText("\(Timestamp.text(event.at)): \(what)"), source: index.cite(event.evidence))
      )
    }
    for evidence in repositories {
      guard let dropped = evidence.rewrite?.signaturesDropped, dropped > 0 else { continue }
      effects.append(
        Statement(
          statement: DocumentText(
            "\(Count.text(dropped, "commit signature")) dropped by the rewrite of \(evidence.repository)"),
          source: index.cite(.report("rewrite report of \(evidence.repository)"))))
    }
    return effects
  }

  static func rewrites(
    _ record: IncidentRecord, _ repositories: [RepositoryEvidence], _ index: inout EvidenceIndex
  ) -> [Rewrite] {
    let published = Dictionary(record.published.map { ($0.repository, $0) }) { first, _ in first }
    if !repositories.contains(where: { $0.rewrite != nil }) { return journalled(record, published) }
    return repositories.compactMap { evidence in
      guard let rewrite = evidence.rewrite else { return nil }
      let scan = published[evidence.repository].map(atTheForge)
      let counts = [
        rewrite.commits.map { Count.text($0, "commit") }, rewrite.blobs.map { Count.text($0, "blob") },
        rewrite.tags.map { Count.text($0, "tag") }, rewrite.refs.map { Count.text($0, "ref") },
      ].compactMap { $0 }
      return Rewrite(
        repository: DocumentText(evidence.repository.rawValue),
        changed: DocumentText(
          counts.isEmpty ? "unknown (the outcome has no counts)" : counts.joined(separator: ", ")),
        signatures: DocumentText(rewrite.signaturesDropped.map(String.init) ?? "unknown"),
        backup: DocumentText(rewrite.backup ?? "none"),
        freshScan: DocumentText(scan ?? "unknown (no scan of a fresh clone of the remote)"))
    }
  }

  /// What is known of the forge's copy, in one cell.
  private static func atTheForge(_ published: PublishedHistory) -> String {
    guard let cleaned = published.cleaned else { return "NOT clean, still at the forge: \(published.why)" }
    let objects = published.objects.map { ", \($0) objects" } ?? ""
    let address = published.address.map { " of \($0)" } ?? ""
    return "clean: fresh clone\(address)\(objects), \(Timestamp.text(cleaned))"
  }

  /// What still holds the secret: the forges, what the pushes left, and what the reports of the rewrites name.
  static func residual(_ record: IncidentRecord, _ repositories: [RepositoryEvidence]) -> [Residual] {
    let forges = record.published.flatMap { one in
      (one.isClean
        ? []
        : [
          Residual(
            one.repository.rawValue,
            .init(place: "the forge", why: one.why, fix: "push, then scan a fresh clone of the remote"))
        ])
        + one.residual.map { Residual(one.repository.rawValue, .init(line: $0)) }
    }
    // What the status says of a rewrite stands in its report, too; what a later search no longer found is left nowhere.
    let lines = record.published.flatMap { $0.residual + $0.settled }
    let said = Set(lines.map { RepositoryEvidence.Rewrite.Residual(line: $0) })
    return forges + rewriteResidual(record, repositories, besides: said)
  }

  private static func rewriteResidual(
    _ record: IncidentRecord, _ repositories: [RepositoryEvidence],
    besides said: Set<RepositoryEvidence.Rewrite.Residual>
  ) -> [Residual] {
    if repositories.contains(where: { $0.rewrite != nil }) {
      return repositories.flatMap { repository in
        (repository.rewrite?.residual ?? []).filter { !said.contains($0) }
          .map { Residual(repository.repository.rawValue, $0) }
      }
    }
    return record.outcomes(of: "history.rewrite").flatMap { event in
      (StepOutcome(event.body).outputs["residual"]?.array ?? []).compactMap(\.string)
        .map { RepositoryEvidence.Rewrite.Residual(line: $0) }.filter { !said.contains($0) }
        .map { Residual(event.step.map { "step \($0)" } ?? "", $0) }
    }
  }

  /// Without a report of the caller: what the outcome of each rewrite says.
  private static func journalled(
    _ record: IncidentRecord, _ published: [RepositoryName: PublishedHistory]
  ) -> [Rewrite] {
    record.outcomes(of: "history.rewrite").map { event in
      let outputs = StepOutcome(event.body).outputs
      let counts = ["commits", "trees", "blobs", "tags", "refs"].compactMap { name in
        outputs[name]?.integer.map { "\($0) \(name)" }
      }
      let scan = (outputs["repository"]?.readable).flatMap { published[RepositoryName($0)] }.map(atTheForge)
      return Rewrite(
        repository: DocumentText(outputs["repository"]?.readable ?? "unknown (the outcome does not name it)"),
        changed: DocumentText(
          counts.isEmpty ? "unknown (the outcome has no counts)" : counts.joined(separator: ", ")),
        signatures: DocumentText(outputs["signatures_dropped"]?.readable ?? "unknown"),
        backup: DocumentText(outputs["backup"]?.readable ?? "none"),
        freshScan: DocumentText(
          scan ?? "unknown (no scan of a fresh clone of the remote)"))
    }
  }
}
