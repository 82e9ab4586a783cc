import Capabilities
import Cryptography
import Foundation
import Inbox
import Incidents
import JSON
import Platforms
import Response
import Secrets

/// Asks the platforms what they reported, because their messages get lost: GitHub and GitGuardian send each only once. What
/// is missing is put into the exchange file as if it had been delivered, under the sender's own id, so that a redelivery
/// later is a duplicate.
final class Reconciliation {
  /// Where what no message brought is filed.
  static let route = "/reconciliation"

  private let sources: PlatformSources
  private let inbox: Inbox
  private let ledger: IncidentLedger
  /// The endpoint's routes for GitHub: a delivery that any of them got is not lost.
  private let routes: [String]
  private let now: @Sendable () -> Date
  private let say: (String) -> Void
  private var next: [String: Date] = [:]

  init(
    sources: PlatformSources, inbox: Inbox, ledger: IncidentLedger, receiver: JSONValue?,
    now: @escaping @Sendable () -> Date, say: @escaping (String) -> Void
  ) {
    self.sources = sources
    self.inbox = inbox
    self.ledger = ledger
    self.now = now
    self.say = say
    routes = (receiver?["routes"]?.array ?? []).filter { $0["kind"]?.string == "github" }
      .compactMap { $0["path"]?.string }
  }

  /// Asks every source whose time has come.
  ///
  /// - Returns: when the next one is due; nil without sources.
  func run() async throws -> Date? {
    for source in sources.github {
      try await ask(source.position, every: source.every) {
        var found = 0
        for name in source.names { found += try await self.github(name, source) }
        return found
      }
    }
    for source in sources.gitguardian {
      try await ask(source.position, every: source.every) { try await self.gitguardian(source) }
    }
    return next.values.min()
  }

  /// Trouble with a platform is said; it is asked again at the usual time.
  private func ask(_ position: String, every: Duration, _ work: () async throws -> Int) async throws {
    guard next[position, default: .distantPast] <= now() else { return }
    var pause = Double(every.components.seconds)
    do {
      let found = try await work()
      if found > 0 { say("\(position): \(found) messages were lost; they are taken in now") }
    } catch let error as CapabilityError {
      say("\(position): cannot ask for lost messages: \(error.operation): \(error.because)")
      if let fix = error.fix { say("  fix: \(fix)") }
      pause = max(pause, error.retryAfter.map { Double($0.components.seconds) } ?? 0)
    }
    next[position] = now().addingTimeInterval(pause)
  }

  private func github(_ name: String, _ source: PlatformSources.GitHub) async throws -> Int {
    let repository = try await sources.repository(name, of: source)
    var found = 0
    do throws(CapabilityError) {
      let isKnown = { @Sendable [inbox, routes] (id: String) async throws(CapabilityError) -> Bool in
        try Self.isKnown(id, by: routes + [Self.route], in: inbox)
      }
      for lost in try await source.api.lostDeliveries(of: repository, isKnown: isKnown) {
        let body = lost.payload.canonicalBytes
        found += try await take(
          body, route: routes.first ?? Self.route, source: "github", id: lost.guid, event: lost.event)
      }
    } catch {
      // Often the token may not see webhooks; the list of alerts finds the same secrets.
      guard [.notFound, .refused].contains(error.class) else { throw error }
      say("\(source.position): cannot see the webhooks of \(name), so only its alerts are compared")
    }
    try ledger.refresh()
    for alert in try await source.api.openAlerts(of: repository) {
      guard let number = alert["number"]?.integer,
        !isReported("github:\(repository.id):\(number)"), !isReported("github:\(name):\(number)")
      else { continue }
      let event = GitHubSecretScanning.event(alert, of: repository)
      found += try await take(
        event.canonicalBytes, route: Self.route, source: "github",
        id: "github:\(repository.id):\(number):\(alert["created_at"]?.string ?? "")",
        event: "secret_scanning_alert")
    }
    return found
  }

  private func gitguardian(_ source: PlatformSources.GitGuardian) async throws -> Int {
    var found = 0
    try ledger.refresh()
    for incident in try await source.api.open() {
      guard let number = incident["id"]?.integer, !isReported("gg:\(number)") else { continue }
      found += try await take(
        GitGuardianIncidents.event(incident).canonicalBytes, route: Self.route, source: "gitguardian",
        id: "gg:\(number):\(incident["date"]?.string ?? "")", event: "incident_triggered")
    }
    return found
  }

  private func isReported(_ key: String) -> Bool {
    ledger.keys.isKnown(IncidentKey(rawValue: "p:" + key))
  }

  private static func isKnown(_ id: String, by routes: [String], in inbox: Inbox) throws(CapabilityError)
    -> Bool
  {
    do throws(InboxError) {
      for route in routes where try inbox.knows(id, of: route) { return true }
      return false
    } catch {
      throw CapabilityError(.serverError, error.operation, because: error.because, fix: error.fix)
    }
  }

  /// - Returns: 1 when it was new.
  private func take(_ body: [UInt8], route: String, source: String, id: String, event: String)
    async throws(CapabilityError) -> Int
  {
    do throws(InboxError) {
      let acceptance = try await inbox.append(
        NewDelivery(
          route: route, source: source, id: id, isIDSigned: false,
          bodyDigest: Hex.text(SHA256.hash(data: body)), event: event, contentType: "application/json",
          receivedAt: now(), body: body))
      return acceptance == .duplicate ? 0 : 1
    } catch {
      throw CapabilityError(.serverError, error.operation, because: error.because, fix: error.fix)
    }
  }
}
