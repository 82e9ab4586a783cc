package import Capabilities
package import Foundation
package import Incidents
package import JSON
package import Journal
import Synchronization

/// Compares the journal with the heads that its messages have carried into tickets.
///
/// A whole state directory that was replaced by an older copy agrees with itself; only what stands elsewhere can tell. A
/// process asks each tracker, and each ticket, once: nothing changes there behind its back.
package final class TicketComparison: Sendable {
  /// What one tracker said.
  package struct Answer: Sendable {
    package enum Word: Sendable {
      case compared(TicketHeads)
      /// What was sent there cannot be read back.
      case unreadable
      case silent(because: String)
    }
    package let tracker: TrackerName
    package let word: Word
  }

  private struct Place: Hashable {
    let tracker: TrackerName
    /// Nil: the newest messages of all tickets.
    let ticket: TicketRef?
  }

  private let trackers: [TrackerName: any TicketSystem]
  private let now: @Sendable () -> Date
  /// Until when a place is not asked again.
  private let asked = Mutex<[Place: Date]>([:])
  /// While the secret works, for all trackers together.
  package static let patience = Duration.seconds(2)
  /// Of so many messages, the newest, the tickets are read whole.
  private static let tickets = 20
  /// One that did not answer is asked again after so many seconds.
  private static let pause = 60.0

  package init(_ trackers: [TrackerName: any TicketSystem], now: @escaping @Sendable () -> Date) {
    self.trackers = trackers.filter { $0.value.isElsewhere }
    self.now = now
  }

  /// Before a run: what the tickets show and the journal does not hold stops it, and everything else, until a person
  /// decides. A tracker that does not answer in time stops nothing, and nobody may think that it agreed.
  package func check(_ incident: IncidentID?, in journal: Journal, say: (String) -> Void) async throws {
    if let difference = try journal.difference() { throw refusal(difference, journal) }
    var places = trackers.keys.map { Place(tracker: $0, ticket: nil) }
    if let incident {
      for tracker in trackers.keys {
        guard let ticket = try journal.ticket(of: incident, at: tracker) else { continue }
        places.append(Place(tracker: tracker, ticket: ticket))
      }
    }
    let due = asked.withLock { asked in places.filter { (asked[$0] ?? .distantPast) <= now() } }
    for (place, answer) in try await ask(due, within: Self.patience) {
      switch answer {
      case .success(let posted):
        asked.withLock { $0[place] = .distantFuture }
        guard let posted else { continue }
        let found = try journal.compare(posted, isDisputed: true)
        if let missing = found.missing { throw refusal(missing, journal) }
      case .failure(let error):
        asked.withLock { $0[place] = now().addingTimeInterval(Self.pause) }
        say(
          "the journal was not compared with the tickets at \(place.tracker): \(error.because). "
            + "When it answers: staunch journal verify --tickets")
      }
    }
  }

  /// Asks every tracker, for people who want to know.
  ///
  /// - Parameters:
  ///   - publicKey: the installation's, for a journal that is open for reading.
  ///   - isDisputed: as in ``Journal/compare(_:publicKey:isDisputed:)``.
  package func answers(
    _ journal: Journal, publicKey: Data, isDisputed: Bool, within limit: Duration = .seconds(20)
  ) async throws -> [Answer] {
    let newest = try journal.outbox(last: Self.tickets)
    let tickets = newest.compactMap { entry in
      entry.remote.map { Place(tracker: entry.tracker, ticket: $0) }
    }
    let places = Set(tickets).filter { trackers[$0.tracker] != nil }
      .union(trackers.keys.map { Place(tracker: $0, ticket: nil) })
    let asked = try await ask(Array(places), within: limit)
    return try trackers.keys.sorted().map { tracker in
      let own = asked.filter { $0.key.tracker == tracker }.map(\.value)
      var posted: [PostedHead] = []
      for answer in own {
        switch answer {
        case .success(let heads?): posted += heads
        case .success(nil): return Answer(tracker: tracker, word: .unreadable)
        case .failure(let error): return Answer(tracker: tracker, word: .silent(because: error.because))
        }
      }
      return Answer(
        tracker: tracker,
        word: .compared(try journal.compare(posted, publicKey: publicKey, isDisputed: isDisputed)))
    }
  }

  private typealias Reading = Result<[PostedHead]?, CapabilityError>

  /// What stands at each place; what did not answer within `limit` is a failure.
  private func ask(_ places: [Place], within limit: Duration) async throws -> [Place: Reading] {
    guard !places.isEmpty else { return [:] }
    let trackers = trackers
    var found: [Place: Reading] = [:]
    try await withThrowingTaskGroup(of: (Place, Reading)?.self) { group in
      for place in places {
        group.addTask {
          guard let tracker = trackers[place.tracker] else { return nil }
          do throws(CapabilityError) {
            return (place, .success(try await tracker.heads(in: place.ticket)))
          } catch { return (place, .failure(error)) }
        }
      }
      group.addTask {
        // Cancelled when everybody has answered.
        do { try await Task.sleep(for: limit) } catch { return nil }
        return nil
      }
      while found.count < places.count, let next = try await group.next() {
        guard let (place, reading) = next else { break }
        found[place] = reading
      }
      group.cancelAll()
    }
    try Task.checkCancellation()
    for place in places where found[place] == nil {
      found[place] = .failure(
        CapabilityError(.timeout, "read tickets", because: "it did not answer within \(limit)"))
    }
    return found
  }

  private func refusal(_ difference: JournalDifference, _ journal: Journal) -> JournalError {
    difference.refusal("begin the run", path: journal.path)
  }
}

extension TicketComparison.Answer {
  /// For people.
  package var line: String {
    switch word {
    case .compared(let found):
      "tickets at \(tracker): "
        + (found.missing.map { "\($0)" } ?? "\(found.held) heads compared, all in the journal")
        + (found.older == 0
          ? "" : "; \(found.older) older than what is compared (journal accept, or removed by retention)")
        + (found.foreign == 0 ? "" : "; \(found.foreign) of another installation, or forged: left out")
    case .unreadable: "tickets at \(tracker): not compared, this kind of tracker cannot be read back"
    case .silent(let because): "tickets at \(tracker): NOT compared: \(because)"
    }
  }

  /// It can be read, and did not answer.
  package var isSilent: Bool { if case .silent = word { true } else { false } }

  package var json: JSONValue {
    switch word {
    case .compared(let found):
      [
        "tracker": .string(tracker.rawValue), "compared": .integer(found.held),
        "older": .integer(found.older),
        "foreign": .integer(found.foreign), "missing": found.missing.map { .string("\($0)") } ?? .null,
        "reason": .null,
      ]
    case .unreadable:
      [
        "tracker": .string(tracker.rawValue), "compared": .null, "older": .null, "foreign": .null,
        "missing": .null,
        "reason": "it cannot be read back",
      ]
    case .silent(let because):
      [
        "tracker": .string(tracker.rawValue), "compared": .null, "older": .null, "foreign": .null,
        "missing": .null,
        "reason": .string(because),
      ]
    }
  }

  package var readiness: Readiness {
    let what = "journal heads in its tickets"
    return switch word {
    case .compared(let found) where found.missing == nil:
      Readiness(what, .ready("\(found.held) compared, all in the journal"))
    case .compared(let found):
      Readiness(
        what,
        .missing(
          because: found.missing.map { "\($0)" } ?? "",
          fix: "put the right state directory back, or: staunch journal accept --reason 'why'"))
    case .unreadable: Readiness(what, .unknown(because: "this kind of tracker cannot be read back"))
    case .silent(let because): Readiness(what, .unknown(because: because))
    }
  }
}
