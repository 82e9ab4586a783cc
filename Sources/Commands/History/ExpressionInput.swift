import Capabilities
import Foundation
import GitObjects
import Incidents
import JSON
import ScannerReports
import Secrets

/// What `--secrets` gives: expressions a line, or a scanner's report whose values are meant. Neither the argument nor a
/// line of the file ever stands in a message: both may be the secret.
struct ExpressionInput {
  let assembly: Assembly

  func expressions(_ argument: String) throws -> [SecretPatterns.Expression] {
    let bytes = try read(argument)
    if let values = try report(bytes) { return values }
    if isJSON(bytes) {
      throw CommandFailure(
        .invalidInput, "cannot use the expressions",
        because: "this is JSON, not one expression a line: its brackets would be replaced everywhere",
        fix:
          "put the values alone into the file, one a line; where JSON is the value, write literal: before it")
    }
    return try SecretPatterns.expressions(replaceText: bytes)
  }

  /// - Throws: without the argument. A name that is no file is often the secret itself.
  private func read(_ argument: String) throws -> [UInt8] {
    if argument == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
    let path = assembly.absolute(argument)
    do {
      // Not only files: a shell's `<(…)` is a pipe.
      guard let file = FileHandle(forReadingAtPath: path) else { throw CocoaError(.fileReadNoSuchFile) }
      return Array(try file.readToEnd() ?? Data())
    } catch {
      var status = stat()
      let reason =
        stat(path, &status) != 0
        ? String(cString: strerror(errno)).lowercased()
        : status.st_mode & S_IFMT == S_IFDIR
          ? "it is a directory"
          : access(path, R_OK) != 0 ? String(cString: strerror(errno)).lowercased() : "reading it failed"
      throw CommandFailure(
        .invalidInput, "cannot read the file that --secrets names",
        because: "\(reason) (its name is not shown here)",
        fix:
          "name a file with one expression a line, or pipe it in: --secrets -; if the secret itself was given: "
          + "it stands in your shell's history now, take it out there")
    }
  }

  /// The values of a scanner's report; nil when it is none.
  private func report(_ bytes: [UInt8]) throws -> [SecretPatterns.Expression]? {
    var reading = ReportReading(ReportOptions(sourceName: "the report", observedAt: assembly.now()))
    var items: [ReportItem] = []
    do throws(ReportError) {
      items = try reading.feed(bytes[...])
      items += try reading.finish()
    } catch {
      if error.code == .unknownFormat || error.code == .empty { return nil }
      throw CommandFailure(
        .invalidInput, "cannot use the report", because: "\(error.place): \(error.because)",
        fix:
          "give it to staunch respond, and then the incident's id with --incident; or give the values alone, one a line"
      )
    }
    var values: [SecretPatterns.Expression] = []
    var seen: Set<[UInt8]> = []
    var hidden = 0
    for item in items {
      guard case .finding(let finding) = item else { continue }
      guard let secret = finding.secret, !secret.isEmpty else {
        hidden += 1
        continue
      }
      if seen.insert(secret.exposeAsBytes()).inserted { values.append(.init(.secret(secret))) }
    }
    guard !values.isEmpty else {
      throw CommandFailure(
        .invalidInput, "cannot use the report",
        because: hidden > 0
          ? "it hides the values of its \(hidden) findings" : "it holds no finding",
        fix:
          "give it to staunch respond with --checkout, which reads them again, and then the incident's id with --incident"
      )
    }
    assembly.console.say(
      "a report of \(reading.format ?? "a scanner"): \(values.count) values are looked for"
        + (hidden > 0 ? "; \(hidden) findings hide theirs and are NOT looked for" : ""))
    return values
  }

  /// A whole JSON document, or one a line.
  private func isJSON(_ bytes: [UInt8]) -> Bool {
    let text = bytes.drop {
      $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D || $0 == 0xEF || $0 == 0xBB || $0 == 0xBF
    }
    guard text.first == 0x7B || text.first == 0x5B else { return false }
    let line = Array(text.prefix { $0 != 0x0A })
    return [Array(text), line].contains { bytes in
      // A question and no verdict: what is no JSON is read as expressions.
      (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil
    }
  }
}
