import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import TestSupport
import Testing

@testable import Commands
@testable import Response
@testable import Worker

/// What is done by hand takes the road of a plan: lock, intent, and settled when nobody knows how it ended.
@Suite struct DirectRunTests {
  private struct Site {
    let directory: TemporaryDirectory
    let assembly: Assembly

    init() throws {
      directory = try TemporaryDirectory()
      var assembly = Assembly(options: Assembly.Options(quiet: true, noInput: true))
      assembly.statePath = directory.path("state")
      self.assembly = assembly
    }

    func begin(_ settle: (String) async throws -> Settlement = { _ in .unknown(reason: "nobody can tell") })
      async throws -> DirectRun
    {
      try await DirectRun.begin(
        "credential.disable", target: "db", lock: "postgres/db", name: "db", document: ["credential": "db"],
        confirmation: "db", in: assembly, settle: settle)
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

    func kinds() throws -> [EventKind] { try assembly.journal().events().map(\.kind) }
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
    #expect(try site.assembly.journal().locks().contains { $0.name == "postgres/db" && $0.run.isByHand })
    let again = try await site.begin { _ in .done(ActionResult(), evidence: "it is refused") }
    let settled = try site.assembly.journal().events(kinds: [.stepSettled])
    #expect(settled.map { $0.body["settlement"]?.string } == ["done"])
    _ = try await again.perform { _ in
      1
    } outputs: {
      .integer($0)
    }
    #expect(try site.assembly.journal().locks().isEmpty)
    #expect(try site.kinds().filter { $0 == .stepIntent }.count == 2)
  }

  @Test func `Another command on a target that was left half-way is refused`() async throws {
    let site = try Site()
    try await site.losing()
    let refused = await #expect(throws: Refusal.self) {
      try await DirectRun.begin(
        "credential.end-sessions", target: "db", lock: "postgres/db", name: "db", document: [:],
        confirmation: "db", in: site.assembly
      ) { _ in .notDone(evidence: "safe") }
    }
    #expect(refused?.fix?.contains("repeat that command first") == true)
  }
}
