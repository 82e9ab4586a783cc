import Capabilities
import Foundation
import PostgresClient
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import Drills

/// A drill looks all the time, not at the end.
@Suite struct SandboxWatchTests {
  private static let start = Date(timeIntervalSince1970: 1_800_000_000)

  /// Virtual seconds since ``start``: every sleep moves them on. `end` comes when they have passed `limit`.
  private final class Clock: Sendable {
    private let seconds = Mutex(0.0)
    private let limit: Double
    let end: AsyncStream<Void>
    private let ending: AsyncStream<Void>.Continuation

    init(limit: Double) {
      self.limit = limit
      (end, ending) = AsyncStream.makeStream()
    }
    var now: Date { start.addingTimeInterval(seconds.withLock { $0 }) }
    var elapsed: Double { seconds.withLock { $0 } }
    func advance(_ by: Double) {
      let now = seconds.withLock { seconds in
        seconds += by
        return seconds
      }
      if now >= limit { ending.finish() }
    }
  }

  private func watched(from: Double, for length: Double, probeTakes: Double = 0) async throws -> WatchRecord {
    let clock = Clock(limit: 20)
    let watch = SandboxWatch(
      [
        (
          .leak("k"),
          {
            let now = clock.elapsed
            clock.advance(probeTakes)
            return now >= from && now < from + length
          }
        )
      ], now: { clock.now },
      sleep: { duration in
        clock.advance(Double(duration.milliseconds) / 1000)
        await Task.yield()
        if clock.elapsed >= 20 { throw CancellationError() }
      })
    try await watch.during { for await _ in clock.end {} }
    return watch.record
  }

  @Test(arguments: [10.0, 10.05, 10.1, 10.15, 10.19])
  func `a lapse of half a second is seen, whenever it begins`(from: Double) async throws {
    let record = try await watched(from: from, for: 0.5)
    let lapse = try #require(record.first(.leak("k"), after: Self.start.addingTimeInterval(5)))
    #expect(lapse.from >= Self.start.addingTimeInterval(from))
    #expect(lapse.until.timeIntervalSince(lapse.from) >= 0.1, "more than one probe")
    #expect(record.longestGap <= 0.25)
  }

  @Test func `what was so before the claim is no lapse, and what ends after it is one from then on`()
    async throws
  {
    let record = try await watched(from: 0, for: 10)
    #expect(record.first(.leak("k"), after: Self.start.addingTimeInterval(10)) == nil)
    let late = try #require(record.first(.leak("k"), after: Self.start.addingTimeInterval(4.1)))
    #expect(late.from == Self.start.addingTimeInterval(4.1))
  }

  @Test func `probes that take long leave a gap, and the record says so`() async throws {
    #expect(try await watched(from: 0, for: 1, probeTakes: 0.9).longestGap > 1)
  }

  @Test func `an old password that works again for a moment is seen at a real server`() async throws {
    let directory = try TemporaryDirectory()
    let sandbox = try await DrillSandbox.start(
      try ScenarioReader.read(
        "drill: 1\nid: x\ntitle: t\ntrigger: r\ncomplication: c\nobjectives: [{reach: contain}]",
        file: "x.yaml"),
      in: directory.path("drill"), postgres: PostgresConnector(), now: { Date() })
    guard let database = sandbox.training?.database, case .postgres(let server, let connector) = database,
      let leaked = sandbox.world.leaks.first(where: { $0.kind == "postgres_uri" })?.value
    else {
      await sandbox.stop()
      Issue.record("this machine has no PostgreSQL: \(sandbox.notice ?? "")")
      return
    }
    let admin = try await connector.connect(server.login(server.adminUser, server.adminPassword))
    // One probe in each of three states.
    let states = ["'another-" + "value-1'", "'\(leaked)'", "'another-" + "value-2'"]
    let step = Mutex(0)
    let (end, ending) = AsyncStream<Void>.makeStream()
    let watch = SandboxWatch(
      [
        (
          .leak("postgres_uri"),
          {
            let number = step.withLock { $0 }
            do {
              _ = try await admin.execute(
                "ALTER ROLE trainer PASSWORD \(states[number])", [], under: .forTests())
            } catch { Issue.record("\(error)") }
            return await database.accepts(leaked)
          }
        )
      ], now: { Self.start.addingTimeInterval(Double(step.withLock { $0 })) },
      sleep: { _ in
        let number = step.withLock { step in
          step += 1
          return step
        }
        if number == states.count {
          ending.finish()
          throw CancellationError()
        }
      })
    try await watch.during { for await _ in end {} }
    #expect(watch.record.probes == 3)
    #expect(
      watch.record.stretches[.leak("postgres_uri")]
        == [.init(from: Self.start.addingTimeInterval(1), until: Self.start.addingTimeInterval(1))])
    await admin.close()
    await sandbox.stop()
  }
}
