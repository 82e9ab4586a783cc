import Capabilities
package import Chronicle
package import Foundation
import Incidents
import JSON
package import Journal
package import StaunchConfiguration

/// So much at once that a person must look before anything starts. What holds and what was released stands in the journal.
package final class Storm {
  package let journal: Journal
  package let configuration: Configuration
  private let chronicle: FollowedChronicle
  /// The storm of which people were reminded.
  private var reminded: String?

  /// After so many seconds people are reminded of a storm that nobody has released.
  package static let patience: TimeInterval = 3600

  /// - Parameter chronicle: the caller's own; nil: one that reads what a storm is about.
  package init(journal: Journal, configuration: Configuration, chronicle: FollowedChronicle? = nil) {
    self.journal = journal
    self.configuration = configuration
    self.chronicle = chronicle ?? FollowedChronicle(journal, kinds: [.incidentOpened, .decision])
  }

  package func isHeld() throws -> Bool {
    try chronicle.refresh()
    return chronicle.last.storm.isHeld
  }

  /// The storm that is held; nil when none is.
  package func current() throws -> StormCourse.Held? { try chronicle.current().storm.held }

  /// Trips the breaker when the load is too high; once: while it is held nothing more is said.
  ///
  /// - Parameters:
  ///   - new: distinct new incidents of the delivery at hand.
  ///   - waiting: incidents that wait for their start, by provider.
  package func check(new: Int, waiting: [String: Int], now: Date) throws {
    guard try !isHeld() else { return }
    chronicle.forgetOpenings(at: now)
    let openings = chronicle.last.storm.openings
    let load = StormBreaker.Load(
      newInDelivery: new, newInTenMinutes: openings.count, rotationsByProvider: waiting)
    guard case .hold(let because) = configuration.policy.storm.decide(load) else { return }
    if let earliest = openings.first?.incident { try notify(earliest, because: because, now: now) }
    try journal.append(.decision, DecisionMade(DecisionMade.storm, because: because, role: "policy").body)
  }

  /// The event of the last release: what was opened before it was looked at, and is not held by its number again. 0: none.
  package func lastRelease() throws -> Int { try chronicle.current().storm.released?.sequence ?? 0 }

  /// A second word to the same people, when nobody has released the storm for an hour.
  ///
  /// - Returns: when it becomes due; nil: no storm is held, or it was said.
  package func remind(now: Date) throws -> Date? {
    guard let held = try current(), reminded != held.id else { return nil }
    let due = held.since.addingTimeInterval(Self.patience)
    guard due <= now else { return due }
    if let first = held.first {
      let hours = max(1, Int(now.timeIntervalSince(held.since) / 3600))
      try tell(
        "\(OutboxEntry.lasting)storm-\(held.id)", .updated, about: first,
        title: "\(held.incidents) incidents still wait for a person",
        body: "For \(hours) h nobody has released what was held: \(held.reason). ", now: now)
    }
    reminded = held.id
    return nil
  }

  /// A person has looked: what waits may start.
  package func release(because reason: String, role: String) throws {
    guard try isHeld() else { return }
    try journal.append(
      .decision,
      DecisionMade(DecisionMade.stormReleased, because: reason, role: RoleName(role)).body)
  }

  /// Its id is the first incident's, so a crash before the journal's note sends no second one.
  private func notify(_ first: IncidentID, because: String, now: Date) throws {
    try tell(
      "storm-\(first)", .opened, about: first,
      title: "Many secrets reported at once: a person must look", body: "\(because). ", now: now)
  }

  /// One message to each tracker that routes name.
  private func tell(
    _ id: String, _ event: TicketMessage.Event, about first: IncidentID, title: String, body: String,
    now: Date
  ) throws {
    for tracker in Set(configuration.routes.compactMap(\.tracker)).sorted(by: { $0.rawValue < $1.rawValue }) {
      _ = try journal.enqueue(
        TicketMessage(
          id: "\(id)-\(tracker)", incident: first, event: event, sequence: 1, title: title,
          body: body + "Nothing starts by itself until somebody has looked: "
            + "`staunch incidents`, then `staunch work --release-storm 'why'`.",
          severity: .sev1, isDrill: false, at: now),
        to: tracker)
    }
  }
}
