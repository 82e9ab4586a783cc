import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import ResponseSupport
import TestSupport
import Testing

@testable import Response

/// What is done by hand takes the road of a plan: lock, intent, and settled when nobody knows how it ended.
@Suite struct DirectRunTests {
  private struct Site {
    let directory: TemporaryDirectory
    let state: StateDirectory

    init() throws {
      directory = try TemporaryDirectory()
      state = try StateDirectory(directory.path("state"))
    }

    /// Opened anew by each command.
    func journal() throws -> Journal { try Journal.open(path: state.journalPath, keys: try state.keys()) }

    /// - Parameter settle: how what an earlier one left ended.
    @discardableResult
    func carryOut(
      _ action: String = "credential.disable",
      settle: @escaping @Sendable (String) async throws -> Settlement = { _ in
        .unknown(reason: "nobody can tell")
      }, perform: @escaping @Sendable (_ marker: String) async throws -> Int = { _ in 1 }
    ) async throws -> Int {
      try await DirectRun.carryOut(
        action, target: "db", lock: "postgres/db", document: ["credential": "db"],
        by: try DirectRun.Hand(
          state: state, policy: nil, now: Date(), toolVersion: "test", voice: QuietVoice(),
          journal: { try journal() }, compareTickets: { _ in }), settle: settle
      ) { _, marker in
        try await perform(marker)
      } outputs: {
        .integer($0)
      }
    }

    /// An effect whose reply was lost.
    func losing() async throws {
      await #expect(throws: CapabilityError.self) {
        try await carryOut(perform: { _ in
          throw CapabilityError(.unknownOutcome, "DELETE", because: "the reply was lost")
        })
      }
    }

    func events(_ kind: EventKind) throws -> [JournalEvent] { try journal().events(kinds: [kind]) }
  }

  @Test func `An effect by hand excludes another one on the same target`() async throws {
    let site = try Site()
    try await site.carryOut(perform: { _ in
      let refused = await #expect(throws: JournalError.self) { try await site.carryOut() }
      #expect(refused?.code == .locked)
      return 1
    })
    #expect(try await site.carryOut() == 1)
  }

  @Test func `An effect by hand is a plan of one step: approved, locked, intended, done`() async throws {
    let site = try Site()
    try await site.carryOut()
    let events = try site.journal().events()
    let steps: [EventKind] = [
      .planApproved, .runStarted, .stepIntent, .stepOutcome, .stepDone, .runEnded,
    ]
    #expect(events.map(\.kind).filter { steps.contains($0) } == steps)
    let digests = events.compactMap { $0.body["digest"]?.string }
    #expect(Set(digests).count == 1 && digests.count == 2, "the approval is of what ran")
    #expect(try site.events(.stepOutcome).first?.body["outputs"]?["result"] == 1)
    #expect(try site.journal().locks().isEmpty)
  }

  @Test func `A lost reply keeps the lock until the same command has found out how it ended`() async throws {
    let site = try Site()
    try await site.losing()
    await #expect(throws: Refusal.self) { try await site.carryOut() }
    #expect(try site.journal().locks().contains { $0.name == "postgres/db" && $0.run.isByHand })
    try await site.carryOut(settle: { _ in .done(ActionResult(), evidence: "it is refused") })
    #expect(try site.events(.stepSettled).last?.body["settlement"]?.string == "done")
    #expect(try site.journal().locks().isEmpty)
    #expect(try site.events(.stepIntent).count == 2, "what was asked for again is done again")
  }

  @Test func `What a lost call did not do, the same command does under the same name`() async throws {
    let site = try Site()
    try await site.losing()
    let left = try #require(try site.events(.stepIntent).first?.body["marker"]?.string)
    try await site.carryOut(
      settle: { _ in .notDone(evidence: "it is still accepted") },
      perform: { marker in
        #expect(marker == left)
        return 1
      })
    #expect(try site.events(.stepIntent).map { $0.body["marker"]?.string } == [left, left])
    #expect(try site.events(.runStarted).count == 1)
    #expect(try site.journal().locks().isEmpty)
  }

  @Test func `A call that certainly failed leaves its target free`() async throws {
    let site = try Site()
    let failure = await #expect(throws: CapabilityError.self) {
      try await site.carryOut(perform: { _ in
        throw CapabilityError(.refused, "DELETE", because: "not yours")
      })
    }
    #expect(failure?.because == "not yours")
    #expect(try site.journal().locks().isEmpty)
    #expect(try site.events(.runEnded).last?.body["state"] == "failed")
  }

  @Test func `Another command on a target that was left half-way is refused`() async throws {
    let site = try Site()
    try await site.losing()
    let refused = await #expect(throws: Refusal.self) {
      try await site.carryOut("credential.end-sessions", settle: { _ in .notDone(evidence: "safe") })
    }
    #expect(refused?.fix?.contains("repeat that command first") == true)
  }
}
