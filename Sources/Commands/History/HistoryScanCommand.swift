import GitObjects
import ArgumentParser
import Capabilities
import Foundation
import GitHistory
import Incidents
import JSON
import Journal
import StaunchConfiguration

/// `staunch history scan`: exit 0 clean, 10 found.
struct HistoryScanCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan", abstract: "Look in every object, ref, reflog, index, work tree and configuration.",
    discussion: "Exit 0: clean. Exit 10: found.")

  @OptionGroup var target: HistoryTarget
  @Flag(name: .long, help: "SARIF 2.1.0 on standard output.") var sarif = false
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let patterns = try target.patterns(in: assembly)
    let path = target.path(in: assembly)
    let report = try await assembly.historyRewriter().scanReport(
      repository: path, patterns: patterns, progress: ProgressLine(console: assembly.console))
    assembly.console.endTransient()
    if global.json {
      assembly.console.data(
        HistoryDocuments.noting(patterns, HistoryDocuments.scan(report, repository: path)).canonicalText)
    } else if sarif {
      assembly.console.data(
        report.sarif(version: toolVersion, formsNotSearched: patterns.notSearched).canonicalText)
    } else {
      HistoryScreen(console: assembly.console).showNotSearched(patterns)
      HistoryScreen(console: assembly.console).show(report)
    }
    if !report.isClean { throw ExitCode(ExitStatus.secretFound.rawValue) }
  }
}

/// `staunch history verify`: scans a fresh clone made by git itself.
struct HistoryVerifyCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Scan a fresh clone, made by git itself.",
    discussion: """
      Exit 0: clean. Exit 10: found. With --remote and one --incident the answer stands in the incident: only that makes its
      history count as clean.
      """)

  @OptionGroup var target: HistoryTarget
  @Option(name: .long, help: "Clone this remote; without it, the repository itself.") var remote: String?
  @OptionGroup var own: RepositoryTrustOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    // Before the patterns: what is reported in between is then looked for, and not claimed.
    let values = try target.leakedValues(in: assembly)
    let patterns = try target.patterns(in: assembly)
    let path = target.path(in: assembly)
    let scan = try await assembly.historyRewriter(trust: own.trust).scanFreshClone(
      repository: path, remote: remote, patterns: patterns, progress: ProgressLine(console: assembly.console))
    assembly.console.endTransient()
    if global.json {
      assembly.console.data(
        HistoryDocuments.noting(
          patterns, HistoryDocuments.freshClone(scan, repository: path, remote: remote)
        ).canonicalText)
    } else if scan.isClean {
      HistoryScreen(console: assembly.console).showNotSearched(patterns)
      let of =
        scan.remote.map { " of \(harmless($0))" }
        ?? " of this machine's repository: it says nothing about a forge"
      assembly.console.data("clean: \(scan.objects) objects of a fresh clone, 0 places\(of)")
    } else {
      for place in scan.places { assembly.console.data(HistoryScreen.line(place)) }
    }
    for left in scan.notSearched where !global.json {
      assembly.console.data("not searched: \(harmless(left.place)): \(harmless(left.why))")
    }
    try record(scan, for: values, path: path, in: assembly)
    if !scan.isClean { throw ExitCode(ExitStatus.secretFound.rawValue) }
  }

  /// What a fresh clone of the remote showed is evidence of the incident. With further expressions nobody could tell whose
  /// value was found.
  private func record(
    _ scan: HistoryScan, for values: [SecretRef], path: String, in assembly: Assembly
  ) throws {
    guard let address = scan.remote, target.incident.count == 1, target.secrets == nil,
      let named = target.incident.first
    else { return }
    let name = try assembly.repositoryName(at: path) ?? RepositoryName(target.name(in: assembly))
    try assembly.journal().append([
      NewEvent(
        .stepOutcome, incident: IncidentID(named),
        [
          "step": "history.verify", "attempt": 1, "action": "history.verify", "phase": "read",
          "answer": scan.isClean ? "clean" : "found",
          "values": .array(values.map { .string($0.rawValue) }),
          "outputs": [
            "repository": ["$repository": .string(name.rawValue)], "remote": .string(address),
            "places": .integer(scan.places.count), "objects": .integer(scan.objects),
            "commits": .integer(scan.commits),
          ],
        ])
    ])
  }
}

extension Assembly {
  /// What staunch.yaml calls the repository at `path`; nil without an entry, or without a file.
  fileprivate func repositoryName(at path: String) throws -> RepositoryName? {
    guard configurationPath != nil else { return nil }
    return try configuration().repositories.first { _, entry in
      [entry.path, entry.path + "/.git"].contains { URL(filePath: $0).standardizedFileURL.path == path }
    }?.key
  }
}
