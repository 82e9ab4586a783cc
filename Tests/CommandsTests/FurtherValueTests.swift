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

/// Another value of a credential whose incident is known: a leak of its own, never one more place of the old value.
@Suite struct FurtherValueTests {
  private static let key = FingerprintKey(SecretBytes(copying: Array(repeating: 9, count: 32)))
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)

  /// One report of a password of `svc@db1/app`.
  private static func report(_ passwords: String..., path: String = "a.env", committed: Date? = nil)
    -> [Incident]
  {
    let findings = passwords.map { password -> Finding in
      var finding = Finding(
        source: .gitleaks, kind: "postgres_uri", detector: Detector(rule: "uri"), observedAt: now)
      finding.handle = "svc@db1/app"
      finding.secret = Secret(password)
      finding.location = Location(
        .file, repository: RepositoryRef(name: "acme/app"), path: path, startLine: 1)
      finding.committedAt = committed
      return finding
    }
    return IncidentGrouping.group(findings, key: key, now: now)
  }

  private static func tried(_ incidents: [Incident], _ state: CredentialState) -> [Fingerprint: JoiningValues
    .Trial]
  {
    let values = incidents.flatMap(\.values)
    return Dictionary(
      values.map {
        ($0.fingerprint, JoiningValues.Trial(credential: "db", probe: CredentialProbe(state, code: "x")))
      }
    ) { first, _ in first }
  }

  private struct Desk {
    let rig: WorkerRig
    var journal: Journal { rig.installation.journal }
    init() throws { rig = try WorkerRig() }

    func record(_ incidents: [Incident], tried: [Fingerprint: JoiningValues.Trial] = [:]) throws
      -> IncidentDesk.Entry
    {
      var desk = IncidentDesk(journal: journal)
      desk.tried = tried
      return try #require(try desk.record(incidents).first)
    }

    func state(_ state: String, of id: IncidentID) throws {
      try journal.append(.incidentState, incident: id, ["state": .string(state), "reason": "test"])
    }

    func states() throws -> [String] {
      try journal.events(kinds: [.incidentState]).compactMap { $0.body["state"]?.string }
    }

    func values(of id: IncidentID) throws -> [String] {
      try journal.record(of: id).leakedValues.refs.map { try journal.open($0).exposeAsText() }
    }
  }

  @Test func `two passwords of one account in one report are both sealed`() throws {
    let desk = try Desk()
    let entry = try desk.record(Self.report("one", "two"))
    #expect(entry.leaked.count == 2)
    #expect(try desk.values(of: entry.id) == ["one", "two"])
    let again = try desk.record(Self.report("two", "one"))
    #expect(again.state == .known && again.furtherValues == 0)
    #expect(try desk.values(of: entry.id) == ["one", "two"])
  }

  @Test func `the password of after a rotation, reported as leaked, is a value and not one more place`()
    throws
  {
    let desk = try Desk()
    let first = try desk.record(Self.report("old"))
    let entry = try desk.record(Self.report("new"))
    #expect(entry.id == first.id && entry.furtherValues == 1)
    #expect(entry.leaked.count == 2 && entry.leaked.first == first.leaked.first)
    #expect(try desk.values(of: first.id) == ["old", "new"])
  }

  @Test(arguments: [CredentialState.alive, .unknown])
  func `a closed incident is opened again by another value that is not refused`(state: CredentialState) throws
  {
    let desk = try Desk()
    let first = try desk.record(Self.report("old"))
    try desk.state("closed", of: first.id)
    // An old place: the same value there would be history.
    let report = Self.report("new", path: "b.env", committed: Date(timeIntervalSince1970: 1))
    let entry = try desk.record(report, tried: Self.tried(report, state))
    #expect(entry.state == .reopened)
    #expect(try desk.states() == ["closed", "open"])
    let probed = try #require(try desk.journal.events(kinds: [.credentialProbed]).first)
    #expect(probed.body["ref"]?.string == entry.leaked.last?.rawValue)
    #expect(probed.body["state"]?.string == state.rawValue)
  }

  @Test func `another value that nobody could try opens a closed incident again`() throws {
    let desk = try Desk()
    let first = try desk.record(Self.report("old"))
    try desk.state("closed", of: first.id)
    let report = Self.report("new", path: "b.env", committed: Date(timeIntervalSince1970: 1))
    #expect(try desk.record(report).state == .reopened)
    #expect(try desk.states() == ["closed", "open"])
  }

  @Test func `a refused value leaves the incident closed, and is kept for every later scan`() throws {
    let desk = try Desk()
    let first = try desk.record(Self.report("old"))
    try desk.state("closed", of: first.id)
    let report = Self.report("older", path: "b.env", committed: Date(timeIntervalSince1970: 1))
    let entry = try desk.record(report, tried: Self.tried(report, .dead))
    #expect(entry.state == .known)
    #expect(try desk.states() == ["closed"])
    #expect(try desk.values(of: first.id) == ["old", "older"])
  }

  @Test func `a contained incident is open again: the proof says nothing of another value`() throws {
    let desk = try Desk()
    let first = try desk.record(Self.report("old"))
    try desk.state("contained", of: first.id)
    let report = Self.report("new")
    let entry = try desk.record(report, tried: Self.tried(report, .dead))
    #expect(entry.state == .reopened)
    #expect(try desk.states() == ["contained", "open"])
    #expect(try desk.record(Self.report("new")).state == .known, "it is opened again once")
  }

  @Test func `an open value that turns out to be of a closed incident's account opens it again`() throws {
    let desk = try Desk()
    let closed = try desk.record(Self.report("old"))
    try desk.state("closed", of: closed.id)
    // A password alone: nothing says yet whose it is.
    var finding = Finding(
      source: .gitleaks, kind: "postgres_uri", detector: Detector(rule: "bare"), observedAt: Self.now)
    finding.secret = Secret("new")
    let alone = try desk.record(IncidentGrouping.group([finding], key: Self.key, now: Self.now))
    #expect(alone.isNew)
    let joined = try desk.record(Self.report("new", committed: Date(timeIntervalSince1970: 1)))
    #expect(joined.id == closed.id && joined.state == .merged)
    #expect(try desk.states() == ["closed", "open"])
    #expect(try Set(desk.values(of: closed.id)) == ["old", "new"])
  }

  @Test func `an open incident of which a closed one turns out to be a part stays open`() throws {
    let desk = try Desk()
    let open = try desk.record(Self.report("old"))
    var finding = Finding(
      source: .gitleaks, kind: "postgres_uri", detector: Detector(rule: "bare"), observedAt: Self.now)
    finding.secret = Secret("new")
    let alone = try desk.record(IncidentGrouping.group([finding], key: Self.key, now: Self.now))
    try desk.state("closed", of: alone.id)
    let joined = try desk.record(Self.report("new", committed: Date(timeIntervalSince1970: 1)))
    #expect(joined.id == open.id && joined.state == .merged)
    let statuses = IncidentStatus.derive(events: try desk.journal.events(), now: Self.now)
    #expect(statuses.map(\.id) == [open.id] && statuses.map(\.state) == [.open])
    #expect(try desk.journal.overview(first: 5)?.open == 1)
  }

  @Test
  func `a value whose key was destroyed is still known, and sealed under another handle when it is back`()
    throws
  {
    let desk = try Desk()
    let first = try desk.record(Self.report("old"))
    try desk.state("closed", of: first.id)
    try desk.journal.destroyKey(of: .incident(first.id), incident: first.id)
    #expect(try desk.values(of: first.id) == [])
    #expect(try desk.record(Self.report("old")).state == .ignored, "a known place is history")
    let again = try desk.record(Self.report("old", path: "new.env"))
    #expect(again.state == .reopened && again.furtherValues == 0)
    // What was proven of the first handle must not be said of what is sealed now.
    #expect(again.leaked.count == 1 && again.leaked != first.leaked)
    #expect(try desk.values(of: first.id) == ["old"])
  }

  @Test func `a journal of before fingerprints were kept does not take the same value for another one`()
    throws
  {
    let desk = try Desk()
    let incident = try #require(Self.report("old").first)
    try desk.journal.append(
      [NewEvent(.incidentOpened, incident: incident.id, incident.openedBody)],
      sealing: Sealing(
        [SecretRef.leaked(of: incident.id): Secret("old")], under: .incident(incident.id), purpose: "leaked"))
    let same = try desk.record(Self.report("old"))
    #expect(same.state == .known && same.furtherValues == 0 && same.leaked.count == 1)
    let other = try desk.record(Self.report("new"))
    #expect(other.furtherValues == 1 && other.leaked.count == 2)
  }

  @Test func `close is refused after a refusal by hand, and not after the proof`() async throws {
    let desk = try Desk()
    let entry = try desk.record(Self.report("old"))
    let ref = try #require(entry.leaked.first)
    let probe = JoiningValues.Trial(credential: "db", probe: CredentialProbe(.dead, code: "401"))
    try desk.journal.append([probe.event(of: ref, in: entry.id)])
    let close = try CloseCommand.parse([entry.id.rawValue, "--reason", "over"])
    let failure = await #expect(throws: CommandFailure.self) {
      try await close.run(in: desk.rig.assembly)
    }
    #expect(failure?.status == .stillAlive)
    #expect(failure?.because.contains("not proven dead") == true)
    #expect(try desk.states() == [])
    try desk.journal.append(
      .stepVerified, incident: entry.id,
      [
        "step": "prove_dead", "action": "credential.verify", "expect": "dead", "result": "held",
        "proof": ["credential": "db", "values": [.string(ref.rawValue)], "refusals": 3],
      ])
    // The report names a repository: that nobody has looked there is another refusal, about the place and not the value.
    let proven = try CloseCommand.parse([entry.id.rawValue, "--reason", "over", "--uncleaned"])
    try await proven.run(in: desk.rig.assembly)
    #expect(try desk.states() == ["closed"])
  }
}
