import Capabilities
import Chronicle
import Foundation
import Incidents
import JSON

/// Rates a drill by its evidence.
public struct Judge: Sendable {
  let scenario: Scenario
  let evidence: DrillEvidence

  public init(_ scenario: Scenario, _ evidence: DrillEvidence) {
    self.scenario = scenario
    self.evidence = evidence
  }

  /// - Parameter digest: over the scenario and its playbooks, see ``Score/digest``.
  public func score(digest: String) -> Score {
    Score(
      scenario: scenario.id, digest: digest, at: evidence.started, segments: scenario.objectives.map(segment),
      hardFails: hardFails, void: void, total: milliseconds(evidence.ended), waited: waited)
  }

  /// A finding about one objective before it is rated.
  private struct Finding {
    /// 0…1: how much of it was reached.
    var part: Double
    var moment: Date?
    var text: String
  }

  private func segment(_ objective: Objective) -> Score.Segment {
    let finding = finding(objective.kind)
    let reached = finding.part >= 1 ? finding.moment.map(milliseconds) : nil
    let target = objective.within?.milliseconds
    let rating: Rating
    if finding.part <= 0 {
      rating = .unable
    } else if finding.part < 1 {
      rating = .majorChallenges
    } else if let target, let reached, reached > target {
      rating = reached <= 2 * target ? .someChallenges : .majorChallenges
    } else {
      rating = .performed
    }
    return Score.Segment(
      objective: objective.kind.rawValue, target: target, reached: reached, rating: rating,
      evidence: finding.text)
  }

  private func finding(_ kind: Objective.Kind) -> Finding {
    switch kind {
    case .detect: return counted(events(.incidentOpened).map(\.at), "incidents opened")
    case .acknowledge: return counted(firstApprovals, "plans approved")
    case .contain: return containment
    case .complete: return completeness
    case .eradicate: return eradication
    case .communicate: return communication
    case .secrecy:
      return Finding(
        part: evidence.exposedIn.isEmpty ? 1 : 0,
        text: evidence.exposedIn.isEmpty
          ? "no secret in any output" : "seen in \(evidence.exposedIn.sorted().joined(separator: ", "))")
    case .resume: return resumption
    case .postmortem:
      let clean = evidence.postMortems.filter { $0.errors == 0 }.count
      return part(clean, "drafts without lint errors")
    }
  }

  private func counted(_ moments: [Date], _ what: String) -> Finding {
    var finding = part(moments.count, what)
    finding.moment = moments.max()
    return finding
  }

  private func part(_ count: Int, _ what: String) -> Finding {
    Finding(
      part: min(1, Double(count) / Double(max(1, evidence.leaks))),
      text: "\(count) of \(evidence.leaks) \(what)")
  }

  /// Proven in the journal, and true in the sandbox.
  private var containment: Finding {
    var finding = counted(proofs.values.map(\.ended), "leaked credentials proven dead")
    if evidence.watch.probes > 0 {
      finding.text +=
        "; probed \(evidence.watch.probes) times from outside, at most \(seconds(evidence.watch.longestGap)) apart"
    }
    if !lapses.isEmpty {
      finding.part = 0
      finding.text = lapses.joined(separator: "; ")
    }
    if !evidence.after.acceptedLeaks.isEmpty {
      finding.part = 0
      finding.text = "still accepted: \(evidence.after.acceptedLeaks.joined(separator: ", "))"
    }
    return finding
  }

  /// Leaked credentials that were accepted at some moment after they were called dead, each with when and how long.
  private var lapses: [String] {
    proofs.compactMap { incident, proof -> String? in
      guard let kind = kinds[incident], let lapse = evidence.watch.first(.leak(kind), after: proof.began)
      else {
        return nil
      }
      return
        "\(kind) was accepted again \(seconds(lapse.from.timeIntervalSince(proof.began))) after the proof of its death began, "
        + "for at least \(seconds(lapse.until.timeIntervalSince(lapse.from)))"
    }.sorted()
  }

  /// Incident → the kind of its credential.
  private var kinds: [String: String] {
    Dictionary(
      events(.incidentOpened).compactMap { event in
        IncidentReport(event.body).kind.map { (event.incident?.rawValue ?? "", $0.rawValue) }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// A session answered after the recount that said none was left.
  private var hasLivingSession: Bool {
    let claims = events(.stepOutcome).filter { $0.action == "credential.end-sessions" }
    return claims.contains { claim in
      guard let kind = claim.incident.flatMap({ kinds[$0.rawValue] }) else { return false }
      return evidence.watch.first(.session(kind), after: claim.at) != nil
    }
  }

  private func seconds(_ interval: TimeInterval) -> String {
    let tenths = Int((interval * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) s"
  }

  private var completeness: Finding {
    let after = evidence.after
    var wrong = after.brokenReplacements.map { "\($0) does not work" }
    if !after.isConsumerHealthy { wrong.append("the consumer is not healthy") }
    if after.isOldSessionOpen == true {
      wrong.append("a session opened with the leaked password still answers")
    }
    if hasLivingSession { wrong.append("a session answered after it was called ended") }
    wrong += unnamed.map { "\($0) held the old value, and nobody was told" }
    if !after.isUnrelatedKeyAccepted { wrong.append("a key that did not leak was killed") }
    return Finding(
      part: wrong.isEmpty ? 1 : wrong.count < 3 ? 0.5 : 0,
      text: wrong.isEmpty
        ? "replacements work, consumer healthy, old sessions gone" : wrong.joined(separator: "; "))
  }

  /// Parts of programs that lived on after their restart, and that the run's journal does not name.
  private var unnamed: [String] {
    let stragglers = evidence.after.stragglers
    guard !stragglers.isEmpty else { return [] }
    let told = evidence.events.map(\.body.canonicalText)
    return stragglers.filter { name in !told.contains { $0.contains(name) } }
  }

  private var eradication: Finding {
    let copies = evidence.after.copies
    guard copies.isEmpty else {
      let text = copies.sorted { $0.key < $1.key }.map { "\($0.value) objects in \($0.key)" }
      return Finding(part: copies["fresh clone"] == nil ? 0.5 : 0, text: text.joined(separator: ", "))
    }
    let moments = events(.stepDone).filter { $0.step?.rawValue.contains("push") == true }.map(\.at)
    return Finding(part: 1, moment: moments.max(), text: "no copy in clone, remote and fresh clone")
  }

  private var communication: Finding {
    let complete = evidence.after.tickets.values.filter {
      $0.filter { $0 == "incident.opened" }.count == 1 && $0.contains("incident.contained")
        && $0.last == "incident.closed"
    }
    var finding = part(complete.count, "tickets opened, told of containment and closed")
    if evidence.undelivered > 0 {
      finding.part = min(finding.part, 0.5)
      finding.text += "; \(evidence.undelivered) messages undelivered"
    }
    return finding
  }

  private var resumption: Finding {
    let keys = evidence.after.replacementKeys
    let isFine = keys <= 1 && !hasDuplicateTicket
    return Finding(
      part: isFine ? 1 : 0, text: isFine ? "one replacement key, no ticket twice" : "\(keys) replacement keys"
    )
  }

  // MARK: facts

  private var hasDuplicateTicket: Bool {
    evidence.after.tickets.values.contains { $0.filter { $0 == "incident.opened" }.count > 1 }
  }

  private var hardFails: [Score.HardFail] {
    var fails: [Score.HardFail] = []
    if !evidence.exposedIn.isEmpty { fails.append(.secretInOutput) }
    if hasDuplicateTicket { fails.append(.duplicateTicket) }
    let opened = evidence.after.tickets.values.filter { $0.contains("incident.opened") }.count
    if scenario.objectives.contains(where: { $0.kind == .communicate }), opened < evidence.leaks {
      fails.append(.lostTicket)
    }
    let isHarmed = evidence.before.steadyState.contains {
      $0.value && evidence.after.steadyState[$0.key] == false
    }
    if isHarmed || evidence.watch.stretches[.bystanderRefused] != nil { fails.append(.bystanderHarmed) }
    let claimed = Set(proofs.keys.compactMap { kinds[$0] })
    if !claimed.isDisjoint(with: evidence.after.acceptedLeaks) || !lapses.isEmpty {
      fails.append(.deadClaimedWhileAlive)
    }
    if hasLivingSession { fails.append(.sessionClaimedEnded) }
    return fails
  }

  /// What the scenario should have let go wrong and did not.
  private var void: [String] {
    evidence.injections.filter { $0.struck < $0.wanted }.map {
      "\($0.name) struck \($0.struck) of \($0.wanted) time\($0.wanted == 1 ? "" : "s")"
    }
  }

  private func events(_ kind: EventKind) -> [JournalEvent] { evidence.events.filter { $0.kind == kind } }

  /// The first approval of each plan.
  private var firstApprovals: [Date] {
    var first: [PlanID: Date] = [:]
    for event in events(.planApproved) {
      guard let plan = PlanApproved(event.body).plan, first[plan] == nil else { continue }
      first[plan] = event.at
    }
    return Array(first.values)
  }

  /// From the first refusal of what proves an incident's leaked values dead to the end of the proof.
  private typealias Proof = (began: Date, ended: Date)

  /// Incident → the proof that contains it, by the journal's own rule (``Containment``). One refusal is none.
  private var proofs: [String: Proof] {
    var proofs: [String: Proof] = [:]
    for record in IncidentRecord.all(in: evidence.events) {
      let containment = record.containment
      guard let completed = containment.completed else { continue }
      let began = containment.firsts.values.map { $0.from ?? $0.at }.min() ?? completed.at
      proofs[record.id.rawValue] = (began, completed.at)
    }
    return proofs
  }

  private var waited: Int {
    let spans = IncidentRecord.all(in: evidence.events).flatMap(\.humanWaits).map {
      (from: $0.from, until: $0.until ?? evidence.ended)
    }
    var total = 0.0
    var covered = evidence.started
    for span in spans.sorted(by: { $0.from < $1.from }) where span.until > covered {
      total += span.until.timeIntervalSince(max(span.from, covered))
      covered = span.until
    }
    return Int((total * 1000).rounded())
  }

  private func milliseconds(_ date: Date) -> Int {
    Int((date.timeIntervalSince(evidence.started) * 1000).rounded())
  }
}
