import Foundation
import Incidents
import Secrets

@testable import ScannerReports

/// Reads any bytes as a report: recognised, or as the format that a first byte of 0x80 and more names; whole and in pieces,
/// stopping at the first record that cannot be read and going on. Every report is read or refused, in pieces as whole.
///
/// Shared by `Benchmarks/fuzz/run` and by the test that replays its corpus.
struct FuzzTarget: Sendable {
  struct Fault: Error, CustomStringConvertible { let description: String }

  init(directory: String) throws {}

  func exercise(_ bytes: [UInt8]) throws {
    if let first = bytes.first, Registry.formats.indices.contains(Int(first) - 0x80) {
      let format = Registry.formats[Int(first) - 0x80]
      try exercise(format, Array(bytes.dropFirst()))
    } else {
      try exerciseDetection(bytes)
    }
  }

  private static let observedAt = Date(timeIntervalSince1970: 1_790_000_000)

  private func options(keepGoing: Bool, format: String? = nil) -> ReportOptions {
    ReportOptions(
      sourceName: "fuzz", format: format, keepGoing: keepGoing, observedAt: Self.observedAt,
      scannedDirectory: "/src/app")
  }

  /// What was read: one line an item, or the refusal.
  private struct Outcome: Equatable {
    var items: [String] = []
    var refusal: String?
    var findings: [Finding] = []
    static func == (one: Outcome, other: Outcome) -> Bool {
      one.items == other.items && one.refusal == other.refusal
    }

    mutating func add(_ new: [ReportItem]) {
      for item in new {
        switch item {
        case .finding(let finding):
          findings.append(finding)
          items.append(
            "finding \(finding.kind) \(finding.location?.text ?? "-") \(finding.handle ?? "-") "
              + Hex.text(finding.secret?.exposeAsBytes() ?? []))
        case .malformed(let record): items.append("malformed \(record)")
        case .setAside(let record): items.append("set aside \(record)")
        }
      }
    }
  }

  private func exerciseDetection(_ bytes: [UInt8]) throws {
    func read(_ options: ReportOptions, by size: Int) -> Outcome {
      var outcome = Outcome()
      var reading = ReportReading(options)
      do throws(ReportError) {
        for start in stride(from: 0, to: bytes.count, by: size) {
          outcome.add(try reading.feed(bytes[start..<min(bytes.count, start + size)]))
        }
        outcome.add(try reading.finish())
      } catch {
        outcome.refusal = "\(error)"
      }
      return outcome
    }
    let whole = read(options(keepGoing: true), by: max(1, bytes.count))
    guard read(options(keepGoing: true), by: 1 + bytes.count % 61) == whole else {
      throw Fault(description: "pieces of a report read otherwise than the whole")
    }
    _ = read(options(keepGoing: false), by: max(1, bytes.count))
    try recover(whole.findings, bytes)
  }

  /// The reader itself, which meets pieces only when a report is longer than its opening.
  private func exercise(_ format: any ReportFormat.Type, _ bytes: [UInt8]) throws {
    func read(by size: Int) -> Outcome {
      var outcome = Outcome()
      var reader = format.reader(ReportContext(options(keepGoing: true)))
      do throws(ReportError) {
        for start in stride(from: 0, to: bytes.count, by: size) {
          outcome.add(try reader.feed(bytes[start..<min(bytes.count, start + size)]))
        }
        outcome.add(try reader.finish())
      } catch {
        outcome.refusal = "\(error)"
      }
      return outcome
    }
    let whole = read(by: max(1, bytes.count))
    guard read(by: 1 + bytes.count % 61) == whole else {
      throw Fault(description: "pieces of a \(format.name) report read otherwise than the whole")
    }
    try recover(whole.findings, bytes)
  }

  /// Reads values again from a file that whoever made the report has made, too.
  private func recover(_ findings: [Finding], _ file: [UInt8]) throws {
    for finding in findings.prefix(20) {
      if let location = finding.location, location.isContained, let path = location.path {
        let parts = path.split(separator: "/")
        guard !path.hasPrefix("/"), !parts.contains("..") else {
          throw Fault(description: "a path that leads out counts as contained")
        }
      }
      if finding.needsSource { _ = SecretRecovery.recover(finding, from: Secret(SecretBytes(copying: file))) }
    }
  }
}
