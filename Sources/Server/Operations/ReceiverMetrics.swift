import Foundation
import Inbox
import Synchronization

/// Counters of the endpoint, in Prometheus' text format 0.0.4.
final class ReceiverMetrics: Sendable {
  /// A histogram in seconds.
  struct Histogram: Sendable {
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
    var counts = [Int](repeating: 0, count: bounds.count + 1)
    var sum = 0.0

    mutating func add(_ duration: Duration) {
      let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
      counts[Histogram.bounds.firstIndex { seconds <= $0 } ?? Histogram.bounds.count] += 1
      sum += seconds
    }
  }

  private struct Key: Hashable {
    let route: String
    let word: String
  }
  private struct State {
    var answers: [Key: Int] = [:]
    var refusals: [Key: Int] = [:]
    var duplicates: [String: Int] = [:]
    var append = Histogram()
    var answer = Histogram()
  }

  private let state = Mutex(State())
  private let gate: ConnectionGate

  private let inFlight: Quota

  init(gate: ConnectionGate, inFlight: Quota) {
    self.gate = gate
    self.inFlight = inFlight
  }

  func answered(_ route: String, _ status: Int, took: Duration) {
    state.withLock { state in
      state.answers[Key(route: route, word: "\(status)"), default: 0] += 1
      state.answer.add(took)
    }
  }

  func refused(_ route: String, _ reason: String) {
    state.withLock { $0.refusals[Key(route: route, word: reason), default: 0] += 1 }
  }

  func duplicate(_ route: String) { state.withLock { $0.duplicates[route, default: 0] += 1 } }
  func appended(took: Duration) { state.withLock { $0.append.add(took) } }

  /// Everything, and what the worker publishes as `summary`.
  ///
  /// - Parameters:
  ///   - signIns: tries to sign in, by outcome.
  ///   - certificateEnd: when the certificate that is shown ends; nil without TLS.
  func text(
    inbox: Inbox, signIns: [(outcome: String, count: Int)] = [], certificateEnd: Date? = nil, now: Date
  ) -> String {
    let state = state.withLock { $0 }
    var page = MetricsPage()
    page.family("staunch_receiver_deliveries_total", "counter", "Requests by route and status of the answer.")
    for (key, count) in state.answers.sorted(by: { ($0.key.route, $0.key.word) < ($1.key.route, $1.key.word) }
    ) {
      page.sample(
        "staunch_receiver_deliveries_total", [("route", key.route), ("status", key.word)], Double(count))
    }
    page.family("staunch_receiver_refusals_total", "counter", "Requests refused, by route and reason.")
    for (key, count) in state.refusals.sorted(by: {
      ($0.key.route, $0.key.word) < ($1.key.route, $1.key.word)
    }) {
      page.sample(
        "staunch_receiver_refusals_total", [("route", key.route), ("reason", key.word)], Double(count))
    }
    page.family("staunch_receiver_duplicates_total", "counter", "Deliveries that were known already.")
    for (route, count) in state.duplicates.sorted(by: { $0.key < $1.key }) {
      page.sample("staunch_receiver_duplicates_total", [("route", route)], Double(count))
    }
    page.histogram("staunch_receiver_append_seconds", "Until a delivery was durable.", state.append)
    page.histogram(
      "staunch_receiver_answer_seconds", "From the head of a request to its answer.", state.answer)
    page.family("staunch_receiver_connections", "gauge", "Open connections.")
    page.sample("staunch_receiver_connections", [], Double(gate.total))
    page.family("staunch_receiver_in_flight", "gauge", "Requests of webhooks between head and answer.")
    page.sample("staunch_receiver_in_flight", [], Double(inFlight.used))
    page.family("staunch_console_sign_ins_total", "counter", "Tries to sign in, by outcome.")
    for (outcome, count) in signIns {
      page.sample("staunch_console_sign_ins_total", [("outcome", outcome)], Double(count))
    }
    if let certificateEnd {
      page.family(
        "staunch_receiver_certificate_expiry_timestamp_seconds", "gauge", "When the certificate ends.")
      page.sample(
        "staunch_receiver_certificate_expiry_timestamp_seconds", [], certificateEnd.timeIntervalSince1970)
    }
    do throws(InboxError) {
      let waiting = try inbox.pendingCount()
      page.family("staunch_receiver_queue", "gauge", "Deliveries that wait for the worker.")
      page.sample("staunch_receiver_queue", [], Double(waiting))
      page.family("staunch_receiver_queue_oldest_seconds", "gauge", "How long the oldest of them has waited.")
      let oldest = try inbox.oldestPending().map { max(0, now.timeIntervalSince($0)) }
      page.sample("staunch_receiver_queue_oldest_seconds", [], oldest ?? 0)
      page.family(
        "staunch_worker_heartbeat_timestamp_seconds", "gauge",
        "When the worker last came round; 0: it never did.")
      page.sample(
        "staunch_worker_heartbeat_timestamp_seconds", [], try inbox.lastBeat()?.timeIntervalSince1970 ?? 0)
      page.family("staunch_storm_held", "gauge", "1 while a storm is held until a person has looked.")
      page.sample(
        "staunch_storm_held", [], try inbox.version(kind: "storm", id: "current") == nil ? 0 : 1)
      page.family("staunch_incidents_waiting", "gauge", "Incidents, not closed, that wait for a person.")
      page.sample("staunch_incidents_waiting", [], Double(try inbox.incidentCounts().asks))
      if let summary = try inbox.document(kind: "summary", id: "all") { page.summary(summary.document) }
    } catch {
      page.family("staunch_receiver_exchange_error", "gauge", "1 when the exchange file could not be read.")
      page.sample("staunch_receiver_exchange_error", [("code", error.code.rawValue)], 1)
    }
    return page.text
  }
}
