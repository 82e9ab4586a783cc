import Foundation
import Logging
import Synchronization
import Testing

@testable import Server

@Suite struct RefusalLogTests {
  /// Keeps the metadata of each line.
  private struct Lines: LogHandler {
    final class Kept: Sendable { let all = Mutex<[Logger.Metadata]>([]) }
    let kept: Kept
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) { kept.all.withLock { $0.append(event.metadata ?? [:]) } }
  }

  @Test func `a flood of refusals writes a hundred lines, then ten a second, and says how many it left out`()
  {
    let kept = Lines.Kept()
    let log = RefusalLog(Logger(label: "test") { _ in Lines(kept: kept) })
    let start = Date(timeIntervalSince1970: 0)
    for _ in 0..<1000 { log.write(.malformed("no JSON"), route: "/github", now: start) }
    #expect(kept.all.withLock { $0.count } == 100)
    for _ in 0..<100 { log.write(.malformed("no JSON"), route: "/github", now: start.addingTimeInterval(1)) }
    let lines = kept.all.withLock { $0 }
    #expect(lines.count == 110)
    #expect(lines[100]["left_out"] == "900")
    #expect(lines[101]["left_out"] == nil)
    #expect(lines[0]["because"] == "no JSON")
  }
}
