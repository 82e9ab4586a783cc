import Capabilities
import Foundation
import Incidents
import LocalSystem
import Response
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
    /// Findings of further secrets than one report may bring.
    let leftOut: Int
  }

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
    var findings = ReportFindings(key: key)
    do {
      let handle = try open(path)
      while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
        findings.take(try reading.feed(ArraySlice(piece)))
        if findings.isFull { try await group(&findings, in: reading, checkout: checkout) }
      }
      findings.take(try reading.finish())
    } catch let error as ReportError {
      throw CommandFailure(
        .invalidInput, "cannot read the report", because: "\(error.place): \(error.because)", fix: error.fix)
    }
    try await group(&findings, in: reading, checkout: checkout)
    return Result(
      format: reading.format ?? "", incidents: findings.incidents(now: now), findings: findings.count,
      skipped: findings.skipped, setAside: findings.setAside, leftOut: findings.leftOut)
  }

  /// Groups a batch, its hidden values read again where there is a checkout.
  private func group(_ findings: inout ReportFindings, in reading: ReportReading, checkout: String?)
    async throws
  {
    guard let checkout else { return findings.group(in: reading) }
    let root: CheckoutDirectory
    do throws(CapabilityError) { root = try CheckoutDirectory(assembly.absolute(checkout)) } catch {
      throw CommandFailure(
        .invalidInput, "cannot read --checkout \(harmless(checkout))", because: error.because,
        fix: "name the directory that was scanned: --checkout DIRECTORY")
    }
    let console = assembly.console
    let completed = await SecretRecovery.complete(findings.waiting) { location in
      guard let name = location.path else { return nil }
      do throws(CapabilityError) { return try root.contents(of: name) } catch {
        console.say("\(harmless(name)) was not read: \(harmless(error.because))")
        return nil
      }
    }
    findings.skipped += completed.unresolved
    findings.group(completed.findings, in: reading)
  }

  private func open(_ path: String) throws -> FileHandle {
    if path == "-" { return .standardInput }
    var isDirectory: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: assembly.absolute(path), isDirectory: &isDirectory)
    guard !isDirectory.boolValue, let handle = FileHandle(forReadingAtPath: assembly.absolute(path)) else {
      _ = try assembly.readInput(path)  // says why
      throw CommandFailure(.invalidInput, "cannot read \(harmless(path))", because: "it cannot be opened")
    }
    return handle
  }
}
