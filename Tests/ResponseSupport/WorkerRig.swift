import Capabilities
import Chronicle
import Execution
package import Foundation
package import Inbox
package import Incidents
package import JSON
import Journal
package import Response
import StaunchConfiguration
import Synchronization
package import TestSupport
package import Worker

/// A worker in this process, with one clock for it and its journal that the test moves and an exchange file that the test fills.
package struct WorkerRig {
  /// Stands until it is moved.
  package final class Clock: Sendable {
    private let date: Mutex<Date>
    package init(_ date: Date) { self.date = Mutex(date) }
    package var now: Date { date.withLock { $0 } }
    package func advance(_ seconds: TimeInterval) { date.withLock { $0 += seconds } }
  }

  package let directory: TemporaryDirectory
  package let installation: Installation
  package let inbox: Inbox
  package let worker: Worker
  package let clock: Clock

  /// - Parameters:
  ///   - configuration: what follows `staunch: 1`; `DIR` stands for the directory.
  ///   - playbooks: a directory of playbooks of one's own.
  ///   - start: what the clock shows; nil: the time of day.
  ///   - voice: hears what the worker says.
  ///   - fault: what makes the worker's calls fail.
  ///   - carryOn: goes on with a run; nil: with the engine.
  package init(
    _ configuration: String = "", in directory: TemporaryDirectory? = nil, playbooks: String? = nil,
    at start: Date? = nil, voice: QuietVoice = QuietVoice(), fault: @escaping Worker.Fault = { _, _ in },
    carryOn: Worker.RunCarrier? = nil
  ) throws {
    let directory = try directory ?? TemporaryDirectory()
    self.directory = directory
    // Whole seconds: the outbox keeps milliseconds.
    let clock = Clock(start ?? Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded()))
    self.clock = clock
    let text = "staunch: 1\n" + configuration.replacing("DIR", with: directory.path)
    let parsed = try ConfigurationReader.read(
      text, file: "staunch.yaml", directory: directory.path, catalogue: .real)
    let state = directory.path("state")
    let installation = try Installation(
      parsed, playbooks: playbooks, state: state, voice: voice, now: { clock.now })
    self.installation = installation
    try FileManager.default.createDirectory(
      atPath: state + "/exchange", withIntermediateDirectories: true)
    inbox = try Inbox.open(
      path: state + "/exchange/exchange.sqlite",
      key: InboxPrivateKey(secret: StateDirectory(state).inboxKey()))
    worker = try Worker(
      installation: installation, inbox: inbox, now: { clock.now }, fault: fault,
      carryOn: carryOn ?? WorkerRig.engine)
  }

  private static let engine: Worker.RunCarrier = { installation, plan, holdsHistory in
    var conduct = RunConduct(
      installation: installation, attendant: NoAttendant(), toolVersion: "test", observer: { _ in })
    conduct.holdsHistory = holdsHistory
    conduct.sendsTheRest = false  // the round does
    _ = try await conduct.resume(plan, mode: .live)
  }

  /// Rounds until there is nothing more to do now.
  package func work() async throws {
    while try await worker.round() {}
  }

  package func deliver(_ body: JSONValue, id: String, source: String = "report", route: String = "/reports")
    async throws -> Acceptance
  {
    try await inbox.append(
      NewDelivery(
        route: route, source: source, id: id, isIDSigned: true, bodyDigest: id, receivedAt: clock.now,
        body: body.canonicalBytes))
  }

  /// A report in our own format.
  package static func report(_ findings: [(value: String, path: String)], repository: String = "acme/app")
    -> JSONValue
  {
    [
      "schema": "staunch.findings/1",
      "findings": .array(
        findings.map {
          [
            "kind": "openai_api_key", "value": .string($0.value), "repository": .string(repository),
            "path": .string($0.path), "line": 1,
          ]
        }),
    ]
  }

  package func events(_ kinds: Set<EventKind>) throws -> [JournalEvent] {
    try installation.journal.events(kinds: kinds)
  }

  /// Incidents that are not part of another.
  package func incidents() throws -> [IncidentID] {
    IncidentRecord.all(in: try installation.journal.events()).map(\.id)
  }

  package func plans() throws -> Int { try installation.journal.plans().count }
}
