import Foundation
import Incidents
import ScannerReports
import Testing

/// A report of any length is read in the memory of its largest record.
@Suite(.serialized) struct ConstantMemoryTests {
  /// Bytes that this process holds now. Source: proc(5), /proc/self/statm, second field, pages of 4 KiB.
  private func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
  }

  /// Reads `count` records and returns the most memory above the start that was ever held.
  private func peak(_ count: Int) throws -> Int {
    let record = Array(
      #"{"RuleID":"openai-api-key","File":"src/a.py","StartLine":7,"Secret":"a value that is always the same","Match":"\#(String(repeating: "x", count: 400))"}"#
        .utf8)
    var reading = ReportReading(
      ReportOptions(sourceName: "report", format: "gitleaks", observedAt: Fixture.observedAt))
    var grouping = IncidentGrouping(key: Fixture.key)
    var findings = 0
    let start = try residentBytes()
    var most = 0
    func take(_ items: [ReportItem]) {
      for case .finding(let finding) in items {
        findings += 1
        grouping.add(finding)
      }
    }
    take(try reading.feed([0x5B]))
    var piece: [UInt8] = []
    for number in 0..<count {
      if number > 0 { piece.append(0x2C) }
      piece += record
      guard piece.count >= 64 << 10 else { continue }
      take(try reading.feed(piece[...]))
      piece.removeAll(keepingCapacity: true)
      most = max(most, try residentBytes() - start)
    }
    take(try reading.feed((piece + [0x5D])[...]))
    take(try reading.finish())
    #expect(findings == count)
    return most
  }

  @Test func tenTimesTheReportNeedsNoMoreMemory() throws {
    _ = try peak(2_000)  // warms up allocator and tables
    let small = try peak(4_000)
    let large = try peak(40_000)
    // 20 MiB of report more; other tests run beside this one, so a quarter of that is allowed for them.
    #expect(large - small < 5 << 20, "\(small) then \(large) bytes")
  }
}
