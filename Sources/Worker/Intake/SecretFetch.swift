import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Platforms
import Response

/// Fetches what GitHub's messages leave out: the secret of an alert and all its places. Then the incident, which only the
/// alert's number named, is known by its secret, and may turn out to be one that is known already.
final class SecretFetch {
  private struct Failure {
    var tries = 0
    var next = Date.distantPast
  }

  private let sources: PlatformSources
  private let reading: DeliveryReading
  private let joining: JoiningValues
  private let now: @Sendable () -> Date
  private let say: (String) -> Void
  private var failures: [IncidentID: Failure] = [:]
  /// A platform asked us to wait.
  private var pausedUntil = Date.distantPast

  /// So many in a round, so that a long list keeps nobody waiting.
  private static let batch = 32

  init(
    sources: PlatformSources, reading: DeliveryReading, joining: JoiningValues,
    now: @escaping @Sendable () -> Date, say: @escaping (String) -> Void
  ) {
    self.sources = sources
    self.reading = reading
    self.joining = joining
    self.now = now
    self.say = say
  }

  /// - Returns: when time alone makes a further try due; nil: never. `more`: there are others to fetch at once.
  func fetch(for waiting: [StartDesk.Waiting], into desk: IncidentDesk) async throws -> (
    due: Date?, more: Bool
  ) {
    var due: Date?
    var count = 0
    for entry in waiting where entry.leaked.isEmpty {
      guard let key = Self.key(of: entry.incident) else { continue }
      let id = entry.incident.id
      let next = max(pausedUntil, failures[id]?.next ?? .distantPast)
      if next > now() {
        due = min(due ?? next, next)
        continue
      }
      guard count < Self.batch else { return (due, true) }
      count += 1
      do throws(CapabilityError) {
        guard try await take(key, of: id, into: desk) else {
          failures[id] = Failure(tries: 1, next: .distantFuture)
          continue
        }
        failures[id] = nil
      } catch {
        let next = postpone(id, after: error)
        due = min(due ?? next, next)
      }
    }
    return (due, false)
  }

  /// - Returns: false when no source has the alert's repository.
  private func take(_ key: String, of id: IncidentID, into desk: IncidentDesk) async throws(CapabilityError)
    -> Bool
  {
    guard let alert = try await sources.alert(key) else {
      say(
        "\(id): its secret is not fetched: no source of staunch.yaml names the repository of \(harmless(key))"
      )
      return false
    }
    let body = try await alert.api.alert(alert.number, of: alert.repository)
    do {
      let result = try reading.read(
        body, name: "\(alert.repository.name) alert \(alert.number)", source: "github", id: nil, at: now())
      var desk = desk
      desk.delivery = ["fetched": .string(key), "received": .string(Timestamp.text(now()))]
      desk.tried = try await joining.tried(result.incidents)
      let entries = try desk.record(result.incidents)
      for entry in entries where entry.state == .merged {
        say("\(id): its secret is that of \(entry.id), which it is now part of")
      }
      say(
        "\(id): fetched the secret and \(result.findings) places of \(alert.repository.name)#\(alert.number)")
    } catch {
      throw CapabilityError(
        .invalid, "take in \(alert.repository.name)#\(alert.number)", because: "\(error)")
    }
    return true
  }

  private func postpone(_ id: IncidentID, after error: CapabilityError) -> Date {
    var failure = failures[id] ?? Failure()
    failure.tries += 1
    let seconds: Double
    switch error.class {
    case .network, .timeout, .serverError, .rateLimit, .cancelled, .unknownOutcome:
      seconds = min(3600, 60 * Double(1 << min(failure.tries - 1, 6)))
    case .refused, .notFound, .invalid, .conflict, .configuration, .unsafe, .unsupported, .awaitsPerson:
      seconds = 3600
    }
    let asked = error.retryAfter.map { Double($0.components.seconds) } ?? 0
    failure.next = now().addingTimeInterval(max(seconds, asked))
    if error.class == .rateLimit { pausedUntil = now().addingTimeInterval(max(60, asked)) }
    failures[id] = failure
    say("\(id): its secret could not be fetched: \(error.operation): \(error.because)")
    if let fix = error.fix { say("  fix: \(fix)") }
    return failure.next
  }

  private static func key(of incident: Incident) -> String? {
    ([incident.key] + incident.aliases.sorted()).lazy.map(\.rawValue)
      .first { $0.hasPrefix("p:github:") }.map { String($0.dropFirst(2)) }
  }
}
