import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import StaunchConfiguration

/// So much at once that a person must look before anything starts. What holds and what was released stands in the journal.
struct Storm {
  let journal: Journal
  let configuration: Configuration

  static let began = "storm"
  static let released = "storm released"

  /// A storm that is held.
  struct Held {
    /// Names this storm: the event with which it began.
    let id: String
    let reason: String
    let since: Date
    /// New incidents since ten minutes before it began.
    var incidents: Int
  }

  /// Why starts are held; nil when they are not.
  func held() throws -> String? { try current(counting: false)?.reason }

  func isHeld() throws -> Bool { try current(counting: false) != nil }

  /// The storm that is held; nil when none is.
  func current(counting: Bool = true) throws -> Held? {
    var held: Held?
    try journal.forEachEvent(kinds: [.decision]) { event in
      if event.body["what"]?.string == Storm.began {
        held = Held(
          id: "storm-\(event.sequence)", reason: event.body["reason"]?.string ?? "", since: event.at,
          incidents: 0)
      }
      if event.body["what"]?.string == Storm.released { held = nil }
    }
    guard var held, counting else { return held }
    let start = held.since.addingTimeInterval(-600)
    try journal.forEachEvent(kinds: [.incidentOpened]) { event in
      if event.at > start { held.incidents += 1 }
    }
    return held
  }

  /// Trips the breaker when the load is too high; once: while it is held nothing more is said.
  ///
  /// - Parameters:
  ///   - new: distinct new incidents of the delivery at hand.
  ///   - waiting: incidents that wait for their start, by provider.
  func check(new: Int, waiting: [String: Int], now: Date) throws {
    guard try !isHeld() else { return }
    var recent = 0
    var earliest: IncidentID?
    var last = Date.distantPast
    try journal.forEachEvent(kinds: [.incidentOpened, .decision]) { event in
      if event.body["what"]?.string == Storm.released {
        last = event.at
        recent = 0
        earliest = nil
      }
      guard event.kind == .incidentOpened, event.at > max(last, now.addingTimeInterval(-600)) else { return }
      recent += 1
      earliest = earliest ?? event.incident
    }
    let load = StormBreaker.Load(newInDelivery: new, newInTenMinutes: recent, rotationsByProvider: waiting)
    guard case .hold(let because) = configuration.policy.storm.decide(load) else { return }
    if let earliest { try notify(earliest, because: because, now: now) }
    try journal.append(
      .decision, ["what": .string(Storm.began), "reason": .string(because), "role": "policy"])
  }

  /// A person has looked: what waits may start.
  func release(because reason: String, role: String) throws {
    guard try isHeld() else { return }
    try journal.append(
      .decision, ["what": .string(Storm.released), "reason": .string(reason), "role": .string(role)])
  }

  /// One message to each tracker that routes name. Its id is the first incident's, so a crash before the journal's note
  /// sends no second one.
  private func notify(_ first: IncidentID, because: String, now: Date) throws {
    for tracker in Set(configuration.routes.compactMap(\.tracker)).sorted(by: { $0.rawValue < $1.rawValue }) {
      _ = try journal.enqueue(
        TicketMessage(
          id: "storm-\(first)-\(tracker)", incident: first, event: .opened, sequence: 1,
          title: "Many secrets reported at once: a person must look",
          body: "\(because). Nothing starts by itself until somebody has looked: "
            + "`staunch incidents`, then `staunch work --release-storm REASON`.",
          severity: .sev1, isDrill: false, at: now),
        to: tracker)
    }
  }
}
