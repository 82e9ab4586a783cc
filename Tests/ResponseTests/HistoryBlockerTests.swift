import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Secrets
import TestSupport
import Testing

@testable import Response

/// Two incidents of one report, and a run of the first that answers both.
@Suite struct HistoryBlockerTests {
  private static let first: IncidentID = "inc-00000001"
  private static let second: IncidentID = "inc-00000002"
  private static let now = Date(timeIntervalSince1970: 1_790_000_000)

  private struct Site {
    let directory: TemporaryDirectory
    let journal: Journal

    init() throws {
      directory = try TemporaryDirectory()
      let state = try StateDirectory(directory.path("state"))
      journal = try Journal.open(
        path: state.journalPath, keys: try state.keys(),
        settings: JournalSettings(now: { HistoryBlockerTests.now }))
      for incident in [HistoryBlockerTests.first, HistoryBlockerTests.second] {
        try journal.append(
          .incidentOpened, incident: incident,
          [
            "key": .string("k-\(incident)"), "kind": "generic_password", "codename": "x", "report": "r-1",
            "findings": [],
          ])
        try journal.seal(
          [.leaked(of: incident): Secret("made-up value of \(incident)")], under: .incident(incident),
          purpose: "leaked", incident: incident)
      }
    }

    /// What the run of the first incident saw of `values`.
    func saw(_ state: String, _ values: [SecretRef]) throws {
      for value in values {
        try journal.append(
          .credentialProbed, run: "run-1", incident: HistoryBlockerTests.first,
          [
            "credential": "c", "ref": .string(value.rawValue), "subject": "leaked", "state": .string(state),
            "code": "401",
          ])
      }
      guard state == "dead" else { return }
      try journal.append(
        .stepVerified, run: "run-1", incident: HistoryBlockerTests.first,
        [
          "step": "prove", "action": "credential.verify", "expect": "dead", "result": "held",
          "proof": ["refusals": 3, "values": .array(values.map { .string($0.rawValue) })],
        ])
    }

    func blockers() throws -> [IncidentID] {
      try HistoryOrder(journal: journal, now: HistoryBlockerTests.now).blockers(of: HistoryBlockerTests.first)
        .map(\.incident)
    }
  }

  @Test func `an incident whose values the same run has proven dead holds its history up no more`() throws {
    let site = try Site()
    #expect(try site.blockers() == [Self.second])
    try site.saw("dead", [.leaked(of: Self.first)])
    #expect(try site.blockers() == [Self.second], "the proof of its own value says nothing of the other")
    try site.saw("dead", [.leaked(of: Self.second)])
    #expect(try site.blockers() == [])
    try site.saw("alive", [.leaked(of: Self.second)])
    #expect(try site.blockers() == [Self.second], "it was accepted again")
  }

  @Test func `a value of the other incident that the run did not have still holds it up`() throws {
    let site = try Site()
    let further = SecretRef.leaked(of: Self.second, further: Fingerprint(rawValue: "s1:00:2222"))
    try site.journal.seal(
      [further: Secret("another value")], under: .incident(Self.second), purpose: "leaked",
      incident: Self.second)
    try site.saw("dead", [.leaked(of: Self.second)])
    #expect(try site.blockers() == [Self.second])
  }
}
