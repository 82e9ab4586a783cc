import Foundation
import Incidents
import ScannerReports
import Secrets

/// Reads a report from a file or standard input, in constant memory, and groups its findings into incidents.
struct ReportIntake {
  /// What a report brought.
  struct Result {
    let format: String
    let incidents: [Incident]
    let findings: Int
    /// Records that could not be read (`--keep-going`), and those that the report itself sets aside.
    let skipped: [UnreadRecord]
    let setAside: [UnreadRecord]
  }

  /// Findings that wait for the report's end; beyond, a report is too long for memory and what it said so far must do.
  private static let heldFindings = 20_000

  let assembly: Assembly
  let key: FingerprintKey

  /// - Parameter path: a file, or `-`.
  /// - Parameter checkout: the directory that was scanned: values that a report hides are read again from their lines.
  func read(
    _ path: String, format: String?, keepGoing: Bool, repository: String?, checkout: String? = nil
  ) async throws -> Result {
    let name = path == "-" ? "standard input" : path
    let now = assembly.now()
    var options = ReportOptions(sourceName: name, format: format, keepGoing: keepGoing, observedAt: now)
    if let repository { options.repository = RepositoryRef(name: repository) }
    var reading = ReportReading(options)
    var grouping = IncidentGrouping(key: key)
    var pending: [Finding] = []
    var skipped: [UnreadRecord] = []
    var setAside: [UnreadRecord] = []
    var findings = 0
    func take(_ items: [ReportItem]) {
      for item in items {
        switch item {
        case .finding(var finding):
          findings += 1
          if pending.count < Self.heldFindings {
            pending.append(finding)
          } else {
            finding.location = finding.location.map(reading.settled)
            grouping.add(finding)
          }
        case .malformed(let record): skipped.append(record)
        case .setAside(let record): setAside.append(record)
        }
      }
    }
    do {
      let handle = try open(path)
      while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
        take(try reading.feed(ArraySlice(piece)))
      }
      take(try reading.finish())
    } catch let error as ReportError {
      throw CommandFailure(
        .invalidInput, "cannot read the report", because: "\(error.place): \(error.because)", fix: error.fix)
    }
    if let checkout {
      let root = assembly.absolute(checkout)
      let completed = await SecretRecovery.complete(pending) { location in
        guard let name = location.path, let bytes = FileManager.default.contents(atPath: root + "/" + name)
        else {
          return nil
        }
        return Secret(SecretBytes(copying: bytes))
      }
      pending = completed.findings
      skipped += completed.unresolved
    }
    for var finding in pending {
      // Some reports say only at their end which directory was scanned.
      finding.location = finding.location.map(reading.settled)
      grouping.add(finding)
    }
    return Result(
      format: reading.format ?? "", incidents: grouping.incidents(now: now), findings: pending.count,
      skipped: skipped,
      setAside: setAside)
  }

  private func open(_ path: String) throws -> FileHandle {
    if path == "-" { return .standardInput }
    guard let handle = FileHandle(forReadingAtPath: assembly.absolute(path)) else {
      _ = try assembly.readInput(path)  // says why
      throw CommandFailure(.invalidInput, "cannot read \(harmless(path))", because: "it cannot be opened")
    }
    return handle
  }
}
