import ArgumentParser
import Capabilities
import Chronicle
import Foundation
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

/// A second report of what is known: it brings no place and no value, and says that it was seen.
@Suite struct SightingTests {
  private static let key = FingerprintKey(SecretBytes(copying: Array(repeating: 9, count: 32)))
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)

  private static func report(
    _ kind: CredentialKind = "postgres_uri", handle: String? = "svc@db1/app", value: String = "old-password",
    path: String = "a.env", validity: Validity = .notChecked, source: FindingSource = .gitleaks
  ) -> [Incident] {
    var finding = Finding(source: source, kind: kind, detector: Detector(rule: "uri"), observedAt: now)
    finding.handle = handle
    finding.secret = Secret(value)
    finding.validity = validity
    finding.location = Location(
      .file, repository: RepositoryRef(name: "acme/app"), path: path, startLine: 1)
    return IncidentGrouping.group([finding], key: key, now: now)
  }

  private struct Desk {
    let rig: WorkerRig
    var journal: Journal { rig.installation.journal }
    init() throws { rig = try WorkerRig() }

    func record(
      _ incidents: [Incident], delivery: String? = nil, tried: [Fingerprint: JoiningValues.Trial] = [:]
    ) throws -> IncidentDesk.Entry {
      var desk = IncidentDesk(journal: journal)
      desk.tried = tried
      if let delivery { desk.delivery = ["route": "/reports", "id": .string(delivery)] }
      if delivery == nil { desk.report = "report-\(UUID().uuidString.prefix(8))" }
      return try #require(try desk.record(incidents).first)
    }

    func status() throws -> IncidentStatus {
      let all = IncidentStatus.derive(events: try journal.events(), now: SightingTests.now)
      return try #require(all.first)
    }

    func sightings() throws -> [Sighting] {
      try journal.events(kinds: [.incidentUpdated]).compactMap(\.sighting)
    }

    func prove(_ entry: IncidentDesk.Entry) throws {
      try journal.append([
        NewEvent(
          .stepVerified, incident: entry.id,
          [
            "step": "prove_dead", "action": "credential.verify", "expect": "dead", "result": "held",
            "proof": [
              "credential": "db", "values": .array(entry.leaked.map { .string($0.rawValue) }), "refusals": 3,
            ],
          ]),
        NewEvent(.incidentState, incident: entry.id, ["state": "contained", "reason": "proven dead"]),
      ])
    }
  }

  // MARK: one incident, one codename, one kind

  @Test(arguments: [true, false])
  func `one incident has two codenames and two kinds, because two scanners name the secret differently`(
    isGenericFirst: Bool
  ) throws {
    let desk = try Desk()
    let reports = [
      Self.report("generic_password", handle: nil, source: .detectSecrets), Self.report(),
    ]
    let first = try desk.record(isGenericFirst ? reports[0] : reports[1])
    let second = try desk.record(isGenericFirst ? reports[1] : reports[0])
    #expect(first.id == second.id)
    #expect(second.incident.codename == first.incident.codename)
    #expect(second.incident.kind == "postgres_uri")
    #expect(second.incident.handle == "svc@db1/app")
    let status = try desk.status()
    #expect(status.codename == first.incident.codename)
    #expect(status.kind == "postgres_uri")
    let bodies = try desk.journal.events(kinds: [.incidentOpened, .incidentUpdated]).map(\.body)
    let journalled = try #require(Incident(id: first.id, journalled: bodies))
    #expect(journalled.codename == status.codename && journalled.kind == status.kind)
    #expect(journalled.occurrences.count == 1, "the same place under another kind is no second one")
    let facts = try desk.rig.installation.facts(about: ["incident": .incident(first.id)])
    #expect(facts.attribute("codename", of: .incident(first.id)) == .string(status.codename))
    #expect(facts.attribute("kind", of: .incident(first.id)) == .string("postgres_uri"))
    // What the second report taught stays: another password of the account is the same incident.
    let third = try desk.record(Self.report(value: "new-password", path: "b.env"))
    #expect(third.id == first.id && third.incident.codename == status.codename)
  }

  @Test func `a scanner that checks nothing makes what works less severe`() throws {
    let desk = try Desk()
    let first = try desk.record(Self.report(validity: .active))
    let second = try desk.record(Self.report(path: "b.env"))
    #expect(second.incident.severity == first.incident.severity)
    #expect(try desk.status().severity == first.incident.severity)
  }

  // MARK: seen again

  @Test func `the same report again leaves no trace of when it was seen`() throws {
    let desk = try Desk()
    _ = try desk.record(Self.report())
    let again = try desk.record(Self.report())
    #expect(again.state == .known)
    let sighting = try #require(try desk.sightings().first)
    #expect(sighting.places == 1 && sighting.repositories == ["acme/app"])
    #expect(try desk.journal.events(kinds: [.incidentUpdated]).last?.body["locations"] == nil)
  }

  @Test func `a delivery that is taken in twice was seen twice`() throws {
    let desk = try Desk()
    _ = try desk.record(Self.report(), delivery: "1")
    _ = try desk.record(Self.report(), delivery: "1")
    #expect(try desk.sightings().isEmpty)
    _ = try desk.record(Self.report(), delivery: "2")
    _ = try desk.record(Self.report(), delivery: "2")
    #expect(try desk.sightings().count == 1)
  }

  @Test func `that a known place's value works is lost, because the place is known`() throws {
    let desk = try Desk()
    _ = try desk.record(Self.report())
    _ = try desk.record(Self.report(validity: .active))
    #expect(
      try desk.journal.events(kinds: [.incidentUpdated]).last.flatMap { IncidentReport($0.body).validity }
        == .active)
    #expect(try desk.sightings().isEmpty, "it was news")
  }

  @Test(arguments: [CredentialState.alive, .unknown, nil] as [CredentialState?])
  func `contained, although a later report says that the value works and nobody has seen it refused since`(
    state: CredentialState?
  ) throws {
    let desk = try Desk()
    let first = try desk.record(Self.report(validity: .active))
    try desk.prove(first)
    #expect(try desk.status().isContained)
    let report = Self.report(validity: .active)
    let value = try #require(report.first?.values.first)
    let tried = state.map {
      [value.fingerprint: JoiningValues.Trial(credential: "db", probe: CredentialProbe($0, code: "x"))]
    }
    let again = try desk.record(report, tried: tried ?? [:])
    #expect(again.state == .reopened)
    let status = try desk.status()
    #expect(status.state == .open && !status.isContained)
  }

  @Test func `a report that says a dead value works takes the proof away, although it is still refused`()
    throws
  {
    let desk = try Desk()
    let first = try desk.record(Self.report(validity: .active))
    try desk.prove(first)
    let report = Self.report(validity: .active)
    let value = try #require(report.first?.values.first)
    let trial = JoiningValues.Trial(credential: "db", probe: CredentialProbe(.dead, code: "28P01"))
    let again = try desk.record(report, tried: [value.fingerprint: trial])
    #expect(again.state == .known)
    #expect(try desk.sightings().count == 1)
    #expect(try desk.status().isContained)
  }

  // MARK: close

  /// A clone whose remote never held the value.
  private static func clone(in directory: TemporaryDirectory) throws -> (path: String, remote: String) {
    let (path, remote) = (directory.path("clone"), directory.path("remote.git"))
    let person = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    for arguments in [
      ["init", "-q", "-b", "main", path],
      ["-C", path] + person + ["commit", "-q", "--allow-empty", "-m", "a"],
      ["init", "-q", "--bare", remote], ["-C", path, "remote", "add", "origin", remote],
      ["-C", path, "push", "-q", "origin", "main"],
    ] {
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = ["git"] + arguments
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(arguments)")
    }
    return (path, remote)
  }

  /// `close` of what was contained and cleaned, after `second` has been reported.
  private func close(after second: [Incident]) async throws -> CommandFailure? {
    let desk = try Desk()
    // It is looked at once more.
    let clone = try Self.clone(in: desk.rig.directory)
    let first = try desk.record(Self.report())
    try desk.prove(first)
    try desk.journal.append([
      NewEvent(
        .planSaved, incident: first.id,
        [
          "plan": "plan-1", "digest": "d", "run": "run-1", "repositories": ["app"], "unlisted": [],
          "secrets": .array(first.leaked.map { .string($0.rawValue) }),
        ]),
      NewEvent(
        .stepOutcome, run: "run-1", incident: first.id,
        [
          "step": "fresh_clone", "item": 0, "action": "history.verify", "phase": "read", "answer": "clean",
          "outputs": [
            "places": 0, "objects": 9, "remote": .string(clone.remote), "clone": .string(clone.path),
            "remote_name": "origin",
          ],
        ]),
    ])
    #expect(try desk.status().stillAtTheForge.isEmpty)
    let dead = second.flatMap(\.values).map {
      ($0.fingerprint, JoiningValues.Trial(credential: "db", probe: CredentialProbe(.dead, code: "28P01")))
    }
    _ = try desk.record(second, tried: Dictionary(dead) { one, _ in one })
    let close = try CloseCommand.parse([first.id.rawValue, "--reason", "over", "--unproven"])
    do {
      try await close.run(in: desk.rig.assembly)
      return nil
    } catch let failure as CommandFailure { return failure }
  }

  private static let seconds: [String: (report: [Incident], why: String)] = [
    "another value": (report(value: "new-password"), "was never scanned for in a fresh clone"),
    "another place": (report(path: "b.env"), "reported again at"),
    "the same place again": (report(), "reported again at"),
  ]

  @Test(arguments: seconds.keys.sorted())
  func `close goes through, although a second report came after the clone was scanned`(_ second: String)
    async throws
  {
    let (report, why) = try #require(Self.seconds[second])
    let failure = try await close(after: report)
    #expect(failure?.status == .declined)
    #expect(failure?.because.contains("still at the forge") == true)
    #expect(failure?.because.contains(why) == true, "\(failure?.because ?? "")")
  }
}
