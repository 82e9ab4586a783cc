import Foundation
import Incidents
import JSON

/// The instants that every figure of an incident is computed from. Each has evidence or a reason why it is unknown.
public struct MetricInstants: Sendable, Hashable {
  /// First commit with the secret.
  public let introduced: MetricInstant
  /// First receipt by the forge.
  public let pushed: MetricInstant
  /// Readable beyond the intended audience.
  public let published: MetricInstant
  /// First signal, of any disposition.
  public let alerted: MetricInstant
  /// First signal that reached us.
  public let detected: MetricInstant
  /// First act of a person.
  public let acknowledged: MetricInstant
  /// Last accepted probe of a leaked secret.
  public let lastAlive: MetricInstant
  /// First definitive rejection of the last leaked secret, with no later acceptance. Not yet a proof.
  public let dead: MetricInstant
  /// The end of the playbook's proof for every leaked value: refused without a break for as long as a change may take to
  /// hold everywhere.
  public let proven: MetricInstant
  /// Replacement live everywhere.
  public let rotated: MetricInstant
  /// A fresh clone of every remote scanned clean after the last push.
  public let clean: MetricInstant
  /// First consumer that was seen to fail.
  public let disrupted: MetricInstant
  /// Last consumer healthy.
  public let restored: MetricInstant

  /// Name, meaning and value, in the order of time that is usual.
  public var named: [(name: String, meaning: String, instant: MetricInstant)] {
    [
      ("t_intro", "first commit with the secret", introduced),
      ("t_push", "first receipt by the forge", pushed),
      ("t_pub", "readable beyond the intended audience", published),
      ("t_alert", "first signal, any disposition", alerted),
      ("t_detect", "first signal that reached us", detected),
      ("t_ack", "first human act", acknowledged),
      ("t_alive_last", "last accepted probe", lastAlive),
      ("t_dead", "first definitive rejection, no later acceptance", dead),
      ("t_proven", "proof of death of every leaked value, over the whole propagation time", proven),
      ("t_rot", "replacement live everywhere", rotated),
      ("t_clean", "fresh clone of the remote scanned clean after the push", clean),
      ("t_fail", "first consumer failure", disrupted),
      ("t_restore", "last consumer healthy", restored),
    ]
  }

  public init(of record: IncidentRecord, repositories: [RepositoryEvidence]) {
    let leaked = record.credentials.filter { $0.subject == .leaked }
    introduced = MetricInstants.introduced(repositories)
    pushed = MetricInstants.earliest(
      repositories.compactMap { $0.firstPush }, otherwise: "no forge record of the first push")
    published = MetricInstants.published(repositories)
    alerted = MetricInstants.alerted(record)
    detected = MetricInstants.detected(record)
    acknowledged = MetricInstants.acknowledged(record)
    lastAlive = MetricInstants.lastAlive(leaked)
    dead = MetricInstants.dead(leaked)
    proven = MetricInstants.proven(record.containment)
    rotated = MetricInstants.rotated(record)
    clean = MetricInstants.clean(record, repositories)
    disrupted = MetricInstants.disrupted(record)
    restored = MetricInstants.restored(record)
  }
}

extension MetricInstants {
  private static func introduced(_ repositories: [RepositoryEvidence]) -> MetricInstant {
    let found = repositories.compactMap { evidence in
      evidence.introduction.map { (repository: evidence.repository, introduction: $0) }
    }
    guard let first = found.min(by: { $0.introduction.authored < $1.introduction.authored }) else {
      return .unknown("no repository evidence of the first commit")
    }
    return .known(
      first.introduction.authored, .claimed,
      .commit(repository: first.repository, id: first.introduction.commit))
  }

  private static func earliest(_ receipts: [RepositoryEvidence.Receipt], otherwise reason: String)
    -> MetricInstant
  {
    guard let first = receipts.min(by: { $0.at < $1.at }) else { return .unknown(reason) }
    return .known(first.at, .observed, .external(first.source))
  }

  /// A push to a repository that is public publishes at once.
  private static func published(_ repositories: [RepositoryEvidence]) -> MetricInstant {
    let receipts = repositories.compactMap {
      $0.published ?? ($0.visibility == "public" ? $0.firstPush : nil)
    }
    return earliest(receipts, otherwise: "no record of when others could first read it")
  }

  /// Member `alerted` (when a scanner or forge first raised it) of every signal, and signals that came before the one
  /// that opened the incident (a merged incident's).
  private static func alerted(_ record: IncidentRecord) -> MetricInstant {
    let reached = detected(record).date ?? .distantPast
    let dated = record.reports.flatMap { event, report in
      let raised = report.alerted.map { ($0, Certainty.claimed, event) }
      let arrived = report.detected.map { ($0, Certainty.observed, event) }
      return [raised, arrived.flatMap { $0.0 < reached ? $0 : nil }].compactMap { $0 }
    }
    guard let first = dated.min(by: { $0.0 < $1.0 }) else {
      return .unknown("no source states when it first raised it")
    }
    return .known(first.0, first.1, first.2.evidence)
  }

  static func detected(_ record: IncidentRecord) -> MetricInstant {
    guard let opened = record.events(.incidentOpened).first else {
      return .unknown("the journal does not hold the opening of the incident")
    }
    guard let stated = IncidentReport(opened.body).detected else {
      return .known(opened.at, .observed, opened.evidence)
    }
    // A report takes a moment to reach the journal; a date further away is its source's word.
    let isOurs = abs(opened.at.timeIntervalSince(stated)) <= 60
    return .known(stated, isOurs ? .observed : .claimed, opened.evidence)
  }

  private static func acknowledged(_ record: IncidentRecord) -> MetricInstant {
    guard let first = record.events.first(where: \.isHumanAct) else {
      return .unknown("no human act in the journal")
    }
    return .known(first.at, .observed, first.evidence)
  }

  private static func lastAlive(_ leaked: [CredentialRecord]) -> MetricInstant {
    guard !leaked.isEmpty else { return .unknown("the leaked credential was never probed") }
    guard let last = leaked.compactMap(\.lastAccepted).max(by: { $0.at < $1.at }) else {
      return .unknown("no probe was accepted")
    }
    return .known(last.at, .observed, last.evidence)
  }

  private static func dead(_ leaked: [CredentialRecord]) -> MetricInstant {
    guard !leaked.isEmpty else { return .unknown("the leaked credential was never probed") }
    if let open = leaked.first(where: { $0.firstRejection == nil }) {
      let last = open.probes.last.map { ", last probe \(Timestamp.text($0.at)): \($0.state.rawValue)" } ?? ""
      return .unknown("\(open.credential) was not refused\(last)")
    }
    guard let last = leaked.compactMap(\.firstRejection).max(by: { $0.at < $1.at }) else {
      return .unknown("no definitive rejection")
    }
    return .known(last.at, .observed, last.evidence)
  }

  private static func proven(_ containment: Containment) -> MetricInstant {
    guard !containment.values.isEmpty else { return .unknown("no leaked value is known") }
    guard let proof = containment.completed else {
      let count = containment.unproven.count
      return .unknown(
        containment.values.count == 1
          ? "the leaked value is not proven dead"
          : "\(count) of \(containment.values.count) leaked values \(count == 1 ? "is" : "are") not proven dead"
      )
    }
    return .known(proof.at, .observed, proof.evidence)
  }

  private static func rotated(_ record: IncidentRecord) -> MetricInstant {
    // Those of the last run that rolled anything out: a later one may have had nothing to replace.
    let all = record.steps.filter { $0.action == "consumer.roll-out" }
    let rollouts = all.filter { $0.run == all.last?.run }
    guard !rollouts.isEmpty else { return .unknown("no roll-out to a consumer in the journal") }
    if let open = rollouts.first(where: { $0.state != .done }) {
      return .unknown("roll-out \(open.label) is \(open.state.rawValue)")
    }
    guard let last = rollouts.max(by: { ($0.ended ?? .distantPast) < ($1.ended ?? .distantPast) }),
      let ended = last.ended
    else { return .unknown("no roll-out ended") }
    return .known(ended, .observed, last.last.evidence)
  }

  /// The last of the scans that show every repository clean at its forge.
  private static func clean(_ record: IncidentRecord, _ repositories: [RepositoryEvidence]) -> MetricInstant {
    if let dirty = repositories.first(where: { $0.freshScan?.isClean == false }) {
      return .unknown("a fresh clone of \(dirty.repository) still holds the secret")
    }
    let published = record.published
    let known = Set(published.map(\.repository))
    var last: (at: Date, evidence: EvidenceLink)?
    for one in published {
      guard let cleaned = one.cleaned else {
        return .unknown("still at the forge: \(one.repository): \(one.why)")
      }
      if last.map({ $0.at < cleaned }) ?? true {
        last = (cleaned, one.evidence ?? .report("scan of a fresh clone"))
      }
    }
    // What the caller knows of others.
    for evidence in repositories where !known.contains(evidence.repository) {
      guard let scan = evidence.freshScan else {
        return .unknown("no scan of a fresh clone of \(evidence.repository)")
      }
      guard scan.remote != nil else {
        return .unknown("the clone of \(evidence.repository) was not one of its remote")
      }
      if last.map({ $0.at < scan.at }) ?? true { last = (scan.at, .report("scan of a fresh clone")) }
    }
    guard let last else { return .unknown("no scan of a fresh clone") }
    return .known(last.at, .observed, last.evidence)
  }

  private static func disrupted(_ record: IncidentRecord) -> MetricInstant {
    guard let first = record.consumerFailures.first else { return .unknown("no consumer was seen to fail") }
    return .known(first.at, .observed, first.evidence)
  }

  private static func restored(_ record: IncidentRecord) -> MetricInstant {
    let checks = record.healthChecks
    guard let last = checks.last else { return .unknown("no health check in the journal") }
    guard last.isHealthy else { return .unknown("the last health check was not healthy") }
    return .known(last.event.at, .observed, last.event.evidence)
  }
}
