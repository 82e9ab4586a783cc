import Capabilities
import Chronicle
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import Secrets
import ResponseSupport
import TestSupport
import Testing

@testable import Commands
@testable import Response
@testable import Worker

/// What a platform says became of its alert: a note, never the end of an incident.
@Suite struct PlatformWordTests {
  private static func rig() throws -> WorkerRig {
    try WorkerRig(
      """
      trackers:
        security: {kind: standard-webhooks, url: "http://127.0.0.1:9/hook", secret: "env:NONE"}
      routes:
        - {playbook: generic-secret, tracker: security}
      """)
  }

  /// - Parameter path: the place, as a `_location` event names it.
  private static func gitHub(
    _ action: String, _ number: Int = 7, at path: String? = nil, more: [String: JSONValue] = [:]
  ) -> JSONValue {
    let alert: [String: JSONValue] = ["number": .integer(number), "secret_type": "openai_api_key"]
    var event: [String: JSONValue] = [
      "action": .string(action), "alert": .object(alert.merging(more) { _, new in new }),
      "repository": ["id": 42, "full_name": "acme/app"],
    ]
    if let path {
      event["location"] = [
        "type": "commit",
        "details": [
          "path": .string(path), "start_line": 1, "commit_sha": .string(String(repeating: "a", count: 40)),
        ],
      ]
    }
    return .object(event)
  }

  private static func gitGuardian(_ action: String, more: [String: JSONValue] = [:]) -> JSONValue {
    let incident: [String: JSONValue] = ["id": 5, "gitguardian_url": "https://gg.example/5"]
    return [
      "source": "GitGuardian", "action": .string(action),
      "incident": .object(incident.merging(more) { _, new in new }),
    ]
  }

  private static func deliver(_ body: JSONValue, id: String, to rig: WorkerRig, source: String = "github")
    async throws
  {
    _ = try await rig.deliver(body, id: id, source: source, route: "/hooks/\(source)")
    try await rig.work()
  }

  private static func status(_ rig: WorkerRig) throws -> [IncidentStatus] {
    IncidentStatus.derive(events: try rig.installation.journal.events(), now: rig.clock.now)
  }

  @Test(
    arguments: [
      (gitHub("resolved", more: ["resolution": "revoked"]), "GitHub says: resolved as revoked"),
      (gitHub("resolved", more: ["resolution": "Fixed @all <b>"]), "GitHub says: resolved"),
      (gitHub("revoked"), "GitHub says: resolved as revoked"),
    ])
  func `that GitHub has resolved an alert is noted once for each event and closes nothing`(
    event: JSONValue, text: String
  ) async throws {
    let rig = try Self.rig()
    try await Self.deliver(Self.gitHub("created"), id: "d1", to: rig)
    try await Self.deliver(event, id: "d2", to: rig)
    // As after a crash: taken in again.
    let ledger = IncidentLedger(journal: rig.installation.journal)
    try ledger.refresh()
    let state = try StateDirectory(rig.installation.statePath)
    let words = try DeliveryReading(key: try state.fingerprintKey())
      .read(.init(event.canonicalText), name: "n", source: "github", id: "d2", at: rig.clock.now).words
    _ = try PlatformWords(journal: rig.installation.journal, ledger: ledger).take(
      words, of: "github d2", into: IncidentDesk(journal: rig.installation.journal, ledger: ledger))
    let status = try Self.status(rig)
    #expect(status.map(\.state) == [.open])
    #expect(status.first?.said.map(\.text) == [text])
    let record = try #require(IncidentRecord.all(in: try rig.installation.journal.events()).first)
    #expect(Timeline(of: record, repositories: []).rows.map(\.text).filter { $0 == text }.count == 1)
    let screen = StatusScreen(console: rig.assembly.console)
    #expect(screen.details(try #require(status.first)).contains { $0.hasSuffix(text) })
    // Another event of the same word is another note.
    try await Self.deliver(event, id: "d3", to: rig)
    #expect(try Self.status(rig).first?.said.count == 2)
  }

  @Test func `GitGuardian's words are noted too`() async throws {
    let rig = try Self.rig()
    try await Self.deliver(Self.gitGuardian("incident_triggered"), id: "1", to: rig, source: "gitguardian")
    let events = [
      Self.gitGuardian("incident_resolved", more: ["secret_revoked": true]),
      Self.gitGuardian("incident_ignored", more: ["ignore_reason": "test_credential"]),
    ]
    for (number, event) in events.enumerated() {
      try await Self.deliver(event, id: "e\(number)", to: rig, source: "gitguardian")
    }
    #expect(
      try Self.status(rig).first?.said.map(\.text) == [
        "GitGuardian says: resolved as revoked", "GitGuardian says: ignored as test_credential",
      ])
    #expect(try Self.status(rig).map(\.state) == [.open])
  }

  @Test(
    arguments: [
      ("github", gitHub("created"), gitHub("resolved"), gitHub("reopened")),
      // The end names another place than the one that is known, and its date is not known.
      ("github", gitHub("created", at: "src/a.py"), gitHub("resolved"), gitHub("reopened")),
      (
        "gitguardian", gitGuardian("incident_triggered"), gitGuardian("incident_resolved"),
        gitGuardian("incident_regression")
      ),
      (
        "gitguardian", gitGuardian("incident_triggered"), gitGuardian("incident_ignored"),
        gitGuardian("incident_reopened")
      ),
    ])
  func `a closed incident is opened again by the platform's reopening, and by no other word`(
    source: String, first: JSONValue, end: JSONValue, again: JSONValue
  ) async throws {
    let rig = try Self.rig()
    try await Self.deliver(first, id: "1", to: rig, source: source)
    let incident = try #require(try rig.incidents().first)
    try rig.installation.journal.append(
      .incidentState, incident: incident, ["state": "closed", "reason": "done"])
    try await Self.deliver(end, id: "2", to: rig, source: source)
    #expect(try Self.status(rig).map(\.state) == [.closed])
    try await Self.deliver(again, id: "3", to: rig, source: source)
    #expect(try Self.status(rig).map(\.state) == [.open])
    #expect(try rig.incidents() == [incident])
    let reason = try rig.events([.incidentState]).last?.body["reason"]?.string
    #expect(reason == (try Self.status(rig).first?.said.last?.text))
    let pages = try rig.installation.journal.outbox().filter { $0.message.id.hasPrefix("reopened-") }
    #expect(pages.count == 1)
  }

  @Test func `an alert that is resolved before anybody heard of it is an incident all the same`() async throws
  {
    let rig = try Self.rig()
    try await Self.deliver(Self.gitHub("resolved"), id: "1", to: rig)
    try await Self.deliver(Self.gitHub("created"), id: "2", to: rig)
    #expect(try Self.status(rig).map(\.state) == [.open])
    #expect(try Self.status(rig).first?.said.count == 1)
  }

  @Test(arguments: [gitHub("dissolved", 9), gitGuardian("incident_note_created")])
  func `an action that asks for nothing is taken and ignored`(event: JSONValue) async throws {
    let rig = try Self.rig()
    let source = event["source"] == nil ? "github" : "gitguardian"
    try await Self.deliver(event, id: "1", to: rig, source: source)
    #expect(try rig.incidents().isEmpty)
    #expect(try rig.inbox.counts().done == 1)
    #expect(try rig.inbox.counts().pending == 0)
  }
}
