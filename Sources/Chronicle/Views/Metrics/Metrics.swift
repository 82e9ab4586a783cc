public import Foundation
import Incidents
import JSON

/// One figure with its formula, so that a reader can check it.
public struct Metric: Sendable, Hashable {
  /// Stable word for exports, for example `time_to_contain`.
  public let id: String
  public let title: String
  public let formula: String
  public let value: MetricValue
}

/// The figures of an incident. All are derived from the same instants; there is no single "time to repair".
public struct Metrics: Sendable, Hashable {
  public let instants: MetricInstants
  public let all: [Metric]

  /// - Parameters:
  ///   - now: what open durations are counted to.
  public init(of record: IncidentRecord, repositories: [RepositoryEvidence], now: Date) {
    let instants = MetricInstants(of: record, repositories: repositories)
    self.instants = instants
    let t = Terms(instants)
    all = [
      Metric(id: "latent", title: "Latent", formula: "t_push − t_intro", value: t.pushed - t.introduced),
      Metric(
        id: "time_to_detect", title: "Time to detect", formula: "t_detect − t_pub",
        value: t.detected - t.published),
      Metric(
        id: "alert_lag", title: "Alert lag", formula: "t_detect − t_alert", value: t.detected - t.alerted),
      Metric(
        id: "time_to_acknowledge", title: "Time to acknowledge", formula: "t_ack − t_detect",
        value: t.acknowledged - t.detected),
      Metric(
        id: "time_to_reject", title: "Time to first rejection", formula: "t_dead − t_detect",
        value: t.dead - t.detected),
      Metric(
        id: "time_to_contain", title: "Time to contain", formula: "t_proven − t_detect",
        value: t.proven - t.detected),
      Metric(
        id: "time_to_eradicate", title: "Time to eradicate", formula: "t_clean − t_detect",
        value: t.clean - t.detected),
      Metric(
        id: "exposure_window", title: "Exposure window", formula: "[t_alive_last − t_pub, t_proven − t_pub]",
        value: Metrics.exposure(of: record, t, now: now)),
      Metric(
        id: "log_coverage", title: "Log coverage", formula: "logs ∩ exposure / exposure",
        value: Metrics.coverage(of: record, instants, now: now)),
      Metric(
        id: "completeness", title: "Completeness", formula: "values proven dead / in scope",
        value: Metrics.completeness(of: record)),
      Metric(
        id: "disruption", title: "Disruption", formula: "t_restore − first consumer failure",
        value: Metrics.disruption(of: record, t)),
      Metric(
        id: "wait_share", title: "Wait share", formula: "human gate wait / (t_clean − t_ack)",
        value: Metrics.waitShare(of: record, t)),
    ]
  }

  /// The metric called `id`.
  public func metric(_ id: String) -> Metric? { all.first { $0.id == id } }
}

/// An instant under its name, so that differences can say which one is missing or wrong.
private struct Term {
  let name: String
  let instant: MetricInstant

  static func - (later: Term, earlier: Term) -> MetricValue {
    switch (later.instant, earlier.instant) {
    case (.unknown(let reason), _): return .unknown("\(later.name): \(reason)")
    case (_, .unknown(let reason)): return .unknown("\(earlier.name): \(reason)")
    case (.known(let end, _, _), .known(let start, _, _)):
      let duration = end.duration(since: start)
      guard duration >= .zero else {
        return .dataError(duration, "\(later.name) is before \(earlier.name)")
      }
      return .duration(duration)
    }
  }
}

private struct Terms {
  let introduced, pushed, published, alerted, detected, acknowledged: Term
  let lastAlive, dead, proven, clean, disrupted, restored: Term

  init(_ instants: MetricInstants) {
    introduced = Term(name: "t_intro", instant: instants.introduced)
    pushed = Term(name: "t_push", instant: instants.pushed)
    published = Term(name: "t_pub", instant: instants.published)
    alerted = Term(name: "t_alert", instant: instants.alerted)
    detected = Term(name: "t_detect", instant: instants.detected)
    acknowledged = Term(name: "t_ack", instant: instants.acknowledged)
    lastAlive = Term(name: "t_alive_last", instant: instants.lastAlive)
    dead = Term(name: "t_dead", instant: instants.dead)
    proven = Term(name: "t_proven", instant: instants.proven)
    clean = Term(name: "t_clean", instant: instants.clean)
    disrupted = Term(name: "first consumer failure", instant: instants.disrupted)
    restored = Term(name: "t_restore", instant: instants.restored)
  }
}

extension Metrics {
  private static func exposure(of record: IncidentRecord, _ t: Terms, now: Date) -> MetricValue {
    guard case .known(let published, _, _) = t.published.instant else {
      return .unknown(unpublished(t, now: now))
    }
    let high = t.proven - t.published
    guard case .duration(let end) = high else {
      if case .dataError = high { return high }
      let leaked = record.credentials.filter { $0.subject == .leaked }
      // Alive at the last probe: it goes on now. No answer since: it went on at least to the last acceptance.
      if leaked.contains(where: { $0.state == .alive }) {
        return .atLeast(max(.zero, now.duration(since: published)))
      }
      guard case .duration(let low) = t.lastAlive - t.published else {
        // Refused and not proven dead: nobody knows whether the window has an end.
        guard case .unknown = high else { return t.proven - t.published }
        return high
      }
      return .atLeast(low)
    }
    switch t.lastAlive - t.published {
    case .duration(let low): return .between(low, end)
    case .dataError(let duration, let reason): return .dataError(duration, reason)
    default: return .atMost(end)  // never accepted by a probe of ours: only the end is known
    }
  }

  /// Why there is no window, with the bound that the first commit gives.
  private static func unpublished(_ t: Terms, now: Date) -> String {
    let reason = if case .unknown(let text) = t.published.instant { "t_pub: \(text)" } else { "t_pub" }
    guard let introduced = t.introduced.instant.date else { return reason }
    let end = t.proven.instant.date ?? now
    let bound = end.duration(since: introduced)
    guard bound >= .zero else { return reason }
    let state = t.proven.instant.date == nil ? "so far " : ""
    return
      "\(reason); \(state)at most \(DurationText.text(bound)), counted from the claimed date of the first commit"
  }

  private static func coverage(of record: IncidentRecord, _ instants: MetricInstants, now: Date)
    -> MetricValue
  {
    guard let search = record.outcomes(of: "abuse.search").last else {
      return .unknown("no search of the provider's logs in the journal")
    }
    return LogCoverage(search, in: record, instants, now: now).value
  }

  private static func completeness(of record: IncidentRecord) -> MetricValue {
    guard record.credentials.contains(where: { $0.subject == .leaked }) else {
      return .unknown("the leaked credential was never probed")
    }
    let containment = record.containment
    return .count(containment.values.count - containment.unproven.count, of: containment.values.count)
  }

  private static func disruption(of record: IncidentRecord, _ t: Terms) -> MetricValue {
    if record.consumerFailures.isEmpty {
      let checks = record.healthChecks.count
      return checks == 0
        ? .unknown("no health check in the journal")
        : .none("no failure in \(checks) health check\(checks == 1 ? "" : "s")")
    }
    return t.restored - t.disrupted
  }

  private static func waitShare(of record: IncidentRecord, _ t: Terms) -> MetricValue {
    let whole = t.clean - t.acknowledged
    guard case .duration(let duration) = whole, duration > .zero,
      let start = t.acknowledged.instant.date, let end = t.clean.instant.date
    else { return whole }
    return .share(record.timeWaited(in: start...end) / duration)
  }
}
