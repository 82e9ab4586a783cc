import Capabilities
import Execution
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import StaunchConfiguration
import Synchronization
import TestSupport

@testable import Commands
@testable import Response
@testable import Worker

/// A worker in this process, with one clock for it and its journal that the test moves and an exchange file that the test fills.
struct WorkerRig {
  /// Stands until it is moved.
  final class Clock: Sendable {
    private let date: Mutex<Date>
    init(_ date: Date) { self.date = Mutex(date) }
    var now: Date { date.withLock { $0 } }
    func advance(_ seconds: TimeInterval) { date.withLock { $0 += seconds } }
  }

  let directory: TemporaryDirectory
  let assembly: Assembly
  let installation: Installation
  let inbox: Inbox
  let worker: Worker
  let clock: Clock

  /// - Parameters:
  ///   - configuration: what follows `staunch: 1`; `DIR` stands for the directory.
  ///   - playbooks: a directory of playbooks of one's own.
  ///   - start: what the clock shows; nil: the time of day.
  init(
    _ configuration: String = "", in directory: TemporaryDirectory? = nil, playbooks: String? = nil,
    at start: Date? = nil
  ) throws {
    let directory = try directory ?? TemporaryDirectory()
    self.directory = directory
    var assembly = Assembly(options: Assembly.Options(quiet: true, noInput: true))
    assembly.statePath = directory.path("state")
    // Whole seconds: the outbox keeps milliseconds.
    let clock = Clock(start ?? Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded()))
    self.clock = clock
    assembly.clock = { clock.now }
    self.assembly = assembly
    let text = "staunch: 1\n" + configuration.replacing("DIR", with: directory.path)
    let parsed = try ConfigurationReader.read(
      text, file: "staunch.yaml", directory: directory.path, catalogue: Assembly.catalogue)
    installation = try Installation(
      assembly, configuration: parsed, playbooks: playbooks, state: assembly.statePath)
    inbox = try Exchange.inbox(in: assembly)
    worker = try Worker(
      installation: installation, inbox: inbox, now: { clock.now },
      carryOn: RunSession.carrier(in: installation, assembly.console))
  }

  /// Rounds until there is nothing more to do now.
  func work() async throws {
    while try await worker.round() {}
  }

  func deliver(_ body: JSONValue, id: String, source: String = "report", route: String = "/reports")
    async throws -> Acceptance
  {
    try await inbox.append(
      NewDelivery(
        route: route, source: source, id: id, isIDSigned: true, bodyDigest: id, receivedAt: clock.now,
        body: body.canonicalBytes))
  }

  /// A report in our own format.
  static func report(_ findings: [(value: String, path: String)], repository: String = "acme/app")
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

  func events(_ kinds: Set<EventKind>) throws -> [JournalEvent] {
    try installation.journal.events(kinds: kinds)
  }

  /// Incidents that are not part of another.
  func incidents() throws -> [IncidentID] {
    IncidentRecord.all(in: try installation.journal.events()).map(\.id)
  }

  func plans() throws -> Int { try installation.journal.plans().count }
}
