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

    func begin(
      _ action: String = "credential.disable",
      _ settle: (String) async throws -> Settlement = { _ in .unknown(reason: "nobody can tell") }
    )
      async throws -> DirectRun
    {
      try await DirectRun.begin(
        action, target: "db", lock: "postgres/db", document: ["credential": "db"],
        by: DirectRun.Hand(
          identity: try state.identity(), policy: nil, now: Date(), toolVersion: "test", voice: QuietVoice(),
          journal: { try journal() }, compareTickets: { _ in }), settle: settle)
    }

    /// An effect whose reply was lost.
    func losing() async throws {
      let run = try await begin()
      await #expect(throws: CapabilityError.self) {
        try await run.perform { (_) async throws -> Int in
          throw CapabilityError(.unknownOutcome, "DELETE", because: "the reply was lost")
        } outputs: {
          .integer($0)
        }
      }
    }

    func kinds() throws -> [EventKind] { try journal().events().map(\.kind) }
  }

  @Test func `An effect by hand excludes another one on the same target`() async throws {
    let site = try Site()
    let first = try await site.begin()
    let refused = await #expect(throws: JournalError.self) { try await site.begin() }
    #expect(refused?.code == .locked)
    _ = try await first.perform { _ in
      1
    } outputs: {
      .integer($0)
    }
    _ = try await site.begin().perform { _ in
      2
    } outputs: {
      .integer($0)
    }
  }

  @Test func `A lost reply keeps the lock until the same command has found out how it ended`() async throws {
    let site = try Site()
    try await site.losing()
    await #expect(throws: Refusal.self) { try await site.begin() }
    #expect(try site.journal().locks().contains { $0.name == "postgres/db" && $0.run.isByHand })
    let again = try await site.begin { _ in .done(ActionResult(), evidence: "it is refused") }
    let settled = try site.journal().events(kinds: [.stepSettled])
    #expect(settled.map { $0.body["settlement"]?.string } == ["done"])
    _ = try await again.perform { _ in
      1
    } outputs: {
      .integer($0)
    }
    #expect(try site.journal().locks().isEmpty)
    #expect(try site.kinds().filter { $0 == .stepIntent }.count == 2)
  }

  @Test func `Another command on a target that was left half-way is refused`() async throws {
    let site = try Site()
    try await site.losing()
    let refused = await #expect(throws: Refusal.self) {
      try await site.begin("credential.end-sessions") { _ in .notDone(evidence: "safe") }
    }
    #expect(refused?.fix?.contains("repeat that command first") == true)
  }
}
