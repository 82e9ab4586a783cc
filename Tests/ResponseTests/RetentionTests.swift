import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Secrets
import TestSupport
import Testing

@testable import Response

/// What is left of a leaked value after its incident was closed.
@Suite struct RetentionTests {
  private static let day: TimeInterval = 86400

  private struct Site {
    let directory: TemporaryDirectory
    let state: StateDirectory
    let journal: Journal
    let value = FakeSecrets.value("openai_api_key")
    let now = Date(timeIntervalSince1970: 1_790_000_000)

    /// - Parameter hasOther: another incident is open from the beginning.
    init(hasOther: Bool = true) throws {
      directory = try TemporaryDirectory()
      state = try StateDirectory(directory.path("state"))
      let now = now
      journal = try Journal.open(
        path: state.journalPath, keys: try state.keys(), settings: JournalSettings(now: { now }))
      try journal.append(.incidentOpened, incident: "inc-1", ["kind": "openai_api_key"])
      try journal.append(.runStarted, run: "run-1", incident: "inc-1", [:])
      try journal.seal(["leaked": Secret(value)], under: .incident("inc-1"), purpose: "leaked")
      try journal.seal(["new": Secret(value + "2")], under: .run("run-1"), purpose: "issued")
      if hasOther { try openOther() }
    }

    func openOther() throws {
      try journal.append(.incidentOpened, incident: "inc-2", ["kind": "openai_api_key"])
      try journal.seal(["open": Secret(value + "3")], under: .incident("inc-2"), purpose: "leaked")
    }

    func close(keeping days: Double) throws {
      try journal.append(
        .incidentState, incident: "inc-1",
        [
          "state": "closed",
          "values_until": .string(Timestamp.text(now.addingTimeInterval(days * RetentionTests.day))),
        ])
    }
  }

  @Test func `after the retention the keys of the incident and its runs are gone, an open one's stay`() throws
  {
    let site = try Site()
    try site.close(keeping: 10)
    let retention = LeakedValueRetention(journal: site.journal)
    #expect(try retention.destroyDue(now: site.now.addingTimeInterval(9 * Self.day)).isEmpty)
    #expect(try site.journal.open("leaked").exposeAsText() == site.value)
    #expect(try retention.destroyDue(now: site.now.addingTimeInterval(11 * Self.day)) == ["inc-1"])
    for ref: SecretRef in ["leaked", "new"] {
      #expect { try site.journal.open(ref) } throws: {
        [.shredded, .notFound].contains(($0 as? JournalError)?.code)
      }
    }
    #expect(try site.journal.open("open").exposeAsText() == site.value + "3")
    #expect(try retention.destroyDue(now: site.now.addingTimeInterval(12 * Self.day)).isEmpty)
  }

  @Test func `an incident that was opened again keeps its value, and one that was shredded takes a new one`()
    throws
  {
    let site = try Site()
    try site.close(keeping: 0)
    try site.journal.append(.incidentState, incident: "inc-1", ["state": "open"])
    let retention = LeakedValueRetention(journal: site.journal)
    #expect(try retention.destroyDue(now: site.now.addingTimeInterval(Self.day)).isEmpty)
    try site.close(keeping: 0)
    #expect(try retention.destroyDue(now: site.now.addingTimeInterval(Self.day)) == ["inc-1"])
    try site.journal.seal(["again": Secret(site.value)], under: .incident("inc-1"), purpose: "leaked")
    #expect(try site.journal.open("again").exposeAsText() == site.value)
  }

  @Test func `with a closed incident go the keys of all that became part of it, through every merge`() throws
  {
    let site = try Site()
    try site.journal.append(.incidentOpened, incident: "inc-3", ["kind": "openai_api_key"])
    try site.journal.append(.runStarted, run: "run-3", incident: "inc-3", [:])
    try site.journal.seal(["third": Secret(site.value + "4")], under: .incident("inc-3"), purpose: "leaked")
    try site.journal.seal(["newest": Secret(site.value + "5")], under: .run("run-3"), purpose: "issued")
    try site.journal.append(.incidentUpdated, incident: "inc-2", ["merged": ["inc-3"]])
    try site.journal.append(.incidentUpdated, incident: "inc-1", ["merged": ["inc-2"]])
    try site.close(keeping: 0)
    let retention = LeakedValueRetention(journal: site.journal)
    #expect(try retention.destroyDue(now: site.now.addingTimeInterval(Self.day)) == ["inc-1"])
    #expect(try site.journal.liveSealingScopes().isEmpty)
  }

  @Test func `what was closed and became part of an open incident keeps its value as long as that one`()
    throws
  {
    let site = try Site()
    try site.close(keeping: 0)
    try site.journal.append(.incidentUpdated, incident: "inc-2", ["merged": ["inc-1"]])
    let retention = LeakedValueRetention(journal: site.journal)
    #expect(try retention.destroyDue(now: site.now.addingTimeInterval(Self.day)).isEmpty)
    #expect(try site.journal.open("leaked").exposeAsText() == site.value)
    #expect(try site.journal.open("new").exposeAsText() == site.value + "2")
  }

  @Test func `what is part of another incident keeps its key, whoever else claims it`() throws {
    let site = try Site()
    try site.journal.append(.incidentOpened, incident: "inc-3", ["kind": "openai_api_key"])
    try site.journal.append(.incidentUpdated, incident: "inc-3", ["merged": ["inc-2"]])
    try site.journal.append(.incidentUpdated, incident: "inc-1", ["merged": ["inc-2"]])
    try site.close(keeping: 0)
    let retention = LeakedValueRetention(journal: site.journal)
    #expect(try retention.destroyDue(now: site.now.addingTimeInterval(Self.day)) == ["inc-1"])
    #expect(try site.journal.liveSealingScopes() == ["inc-2"])
    #expect(try site.journal.open("open").exposeAsText() == site.value + "3")
  }

  @Test func `prune removes boxes and keys of what it removes, from the file and its log`() throws {
    // An open incident keeps everything from its first event on: the other one is over before.
    let site = try Site(hasOther: false)
    try site.journal.append(.runEnded, run: "run-1", incident: "inc-1", ["state": "done"])
    try site.close(keeping: 1000)
    try site.openOther()
    let removed = try site.journal.prune(before: site.now.addingTimeInterval(1))
    #expect(removed > 0)
    #expect(try site.journal.liveSealingScopes() == ["inc-2"])
    #expect { try site.journal.open("leaked") } throws: { ($0 as? JournalError)?.code == .notFound }
    #expect(try site.journal.verify().problem == nil)
  }
}
