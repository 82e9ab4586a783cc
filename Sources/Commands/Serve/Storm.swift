import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import StaunchConfiguration

/// So much at once that a person must look before anything starts. What holds and what was released stands in the journal.
final class Storm {
  let journal: Journal
  let configuration: Configuration
  private var follower = JournalFollower()
  private var storm: Held?
  /// New incidents since the last release; without those that no window reaches any more.
  private var openings: [(at: Date, incident: IncidentID)] = []

  /// A window of the breaker, seconds.
  private static let window: TimeInterval = 600

  init(journal: Journal, configuration: Configuration) {
    self.journal = journal
    self.configuration = configuration
  }

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

  func isHeld() throws -> Bool { try current() != nil }

  /// The storm that is held; nil when none is.
  func current() throws -> Held? {
    try follow()
    guard var held = storm else { return nil }
    let start = held.since.addingTimeInterval(-Self.window)
    held.incidents = openings.count { $0.at > start }
    return held
  }

  private func follow() throws {
    try follower.follow(journal, kinds: [.incidentOpened, .decision]) { event in
      if event.kind == .incidentOpened, let incident = event.incident {
        openings.append((event.at, incident))
      } else if event.body["what"]?.string == Storm.began {
        storm = Held(
          id: "storm-\(event.sequence)", reason: event.body["reason"]?.string ?? "", since: event.at,
          incidents: 0)
      } else if event.body["what"]?.string == Storm.released {
        storm = nil
        openings = []
      }
    }
  }

  /// Trips the breaker when the load is too high; once: while it is held nothing more is said.
  ///
  /// - Parameters:
  ///   - new: distinct new incidents of the delivery at hand.
  ///   - waiting: incidents that wait for their start, by provider.
  func check(new: Int, waiting: [String: Int], now: Date) throws {
    guard try !isHeld() else { return }
    openings.removeAll { $0.at <= now.addingTimeInterval(-Self.window) }
    let load = StormBreaker.Load(
      newInDelivery: new, newInTenMinutes: openings.count, rotationsByProvider: waiting)
    guard case .hold(let because) = configuration.policy.storm.decide(load) else { return }
    if let earliest = openings.first?.incident { try notify(earliest, because: because, now: now) }
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
            + "`staunch incidents`, then `staunch work --release-storm 'why'`.",
          severity: .sev1, isDrill: false, at: now),
        to: tracker)
    }
  }
}
