@testable import Drills
import Foundation
import Incidents
import JSON
import TestSupport
import Testing

/// SIGKILL between any two events, then `staunch resume`: the same final state, nothing twice, nothing lost.
@Suite(.serialized) struct CrashTests {
  /// Kills the real process at its N-th crash point (before and after every journal commit and every outside call) for
  /// N = 1, 2, 3 … until a run gets through, and checks the world after each resume. `make test` takes every fifth point
  /// (the simulation takes them all, on the same engine in one thread), `make test-heavy` every one.
  @Test(arguments: ["openai_api_key", "postgres_uri"])
  func `a run killed at any event ends as if nothing had happened`(kind: String) async throws {
    let width = 4
    let step = Int(ProcessInfo.processInfo.environment["STAUNCH_CRASH_STEP"] ?? "") ?? 5
    var next = kind == "postgres_uri" ? 1 : min(2, step)
    var isThrough = false
    while !isThrough {
      // Several worlds at once: most of the time is spent waiting for PostgreSQL to start.
      isThrough = try await withThrowingTaskGroup(of: Bool.self) { group in
        for moment in stride(from: next, to: next + step * width, by: step) {
          group.addTask { try await killAndResume(kind, at: moment) }
        }
        var through = false
        for try await result in group { through = result || through }
        return through
      }
      next += step * width
      #expect(next < 400, "the run never gets through")
      if next >= 400 { return }
    }
    // A run has at least an intent, a call and an outcome for each of ten effects.
    #expect(next > 50, "only \(next) crash points were reached: the hook is not called")
  }

  /// - Returns: true when the run got through without reaching the moment.
  private func killAndResume(_ kind: String, at moment: Int) async throws -> Bool {
    let world = try await LiveWorld()
    let (responded, plans) = try await world.respond()
    #expect(responded.status == 0, "\(responded.errors)")
    let plan = try #require(plans.first { $0.kind == kind })
    let killed = try await world.run(plan, environment: ["STAUNCH_CRASH_AT": "\(moment)"])
    let isThrough = killed.status == 0
    var outputs = [killed.output, killed.errors]
    if !isThrough {
      #expect(killed.status == -9, "moment \(moment): \(killed.status) \(killed.errors)")
      let resumed = try await world.run(plan)
      outputs += [resumed.output, resumed.errors]
      #expect(resumed.status == 0, "moment \(moment): \(resumed.errors) \(resumed.output.suffix(1500))")
    }
    let seen = try await world.sandbox.observe()
    let place = "killed at crash point \(moment)"
    #expect(!seen.acceptedLeaks.contains(kind), "\(place)")
    #expect(seen.isConsumerHealthy, "\(place)")
    #expect(seen.isUnrelatedKeyAccepted, "\(place)")
    #expect(seen.replacementKeys == (kind == "openai_api_key" ? 1 : 0), "\(place): a second key")
    #expect(
      seen.tickets[plan.incident] == ["incident.opened", "incident.contained", "incident.closed"],
      "\(place): \(seen.tickets)")
    if kind == "postgres_uri" { #expect(seen.isOldSessionOpen == false, "\(place)") }
    try await checkHistory(world, place: place)
    let verified = try await world.binary.run(["journal", "verify"])
    #expect(verified.status == 0, "\(place): \(verified.errors)")
    #expect(try world.leaks(outputs: outputs) == [], "\(place)")
    await world.stop()
    return isThrough
  }

  /// One rewrite, not two: the clone has exactly one undo vault, the remote has what the clone has.
  private func checkHistory(_ world: LiveWorld, place: String) async throws {
    let vaults = world.sandbox.repository + "/.git/staunch/history"
    // No directory: nothing was rewritten, which the count shows.
    let found = (try? FileManager.default.contentsOfDirectory(atPath: vaults)) ?? []
    let names = found.filter { !$0.hasPrefix(".") }
    #expect(names.count == 1, "\(place): \(names)")
    let refs = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"]
    let here = try await Program.run(["git"] + refs, in: world.sandbox.repository)
    let there = try await Program.run(["git"] + refs, in: world.sandbox.remote)
    #expect(here == there, "\(place): clone and remote differ")
  }
}
