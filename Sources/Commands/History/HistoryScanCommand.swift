import ArgumentParser
import Capabilities
import Chronicle
import Foundation
import GitHistory
import GitObjects
import Incidents
import JSON
import Journal
import Response
import StaunchConfiguration

/// `staunch history scan`: exit 0 clean, 10 found.
struct HistoryScanCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan", abstract: "Look in every object, ref, reflog, index, work tree and configuration.",
    discussion: """
      Exit 0: clean. Exit 10: found. Found in a repository of an incident whose value it is, the answer stands in the incident:
      its history no longer counts as clean.
      """)

  @OptionGroup var target: HistoryTarget
  @Flag(name: .long, help: "SARIF 2.1.0 on standard output.") var sarif = false
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    // Before the patterns: what is reported in between is then looked for, and not claimed.
    let values = try target.leakedValues(in: assembly)
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
      HistoryScreen(console: assembly.console).show(report, of: path, next: next(path))
    }
    try SearchRecord(assembly: assembly, target: target, path: path).note(report, patterns, values)
    if !report.isClean { throw ExitCode(ExitStatus.secretFound.rawValue) }
  }

  /// What `--secrets` names is never shown again: it may be the secret itself.
  private func next(_ path: String) -> String {
    guard target.secrets == nil else { return "the same command with rewrite instead of scan" }
    let incidents = target.incident.map { " --incident \($0)" }.joined()
    return "staunch history rewrite --repository \(ShellWord.quoted(path))\(incidents)"
  }
}

/// `staunch history verify`: scans a fresh clone made by git itself.
struct HistoryVerifyCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Scan a fresh clone, made by git itself.",
    discussion: """
      Exit 0: clean. Exit 10: found. With --remote the other remotes are looked at, too. With one --incident the answer stands
      in the incident: only that makes its history count as clean.
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
    for line in scan.elsewhere.compactMap({ $0.line(repository: path) }) where !global.json {
      assembly.console.data("left: \(harmless(line))")
    }
    // With further expressions nobody could tell whose value was found.
    if let remote, let address = scan.remote, target.incident.count == 1, target.secrets == nil,
      let named = target.incident.first
    {
      let journal = try assembly.journal()
      let name = try assembly.repositoryName(
        at: path, remote: address, in: try journal.record(of: IncidentID(named)),
        otherwise: target.name(in: assembly))
      try RepositoryNotes(name, in: journal).verified(
        scan, of: PublishedHistory.Clone(path: path, remote: remote), for: values, of: IncidentID(named))
    }
    let isFoundElsewhere = scan.elsewhere.contains { if case .found = $0.state { true } else { false } }
    if !scan.isClean || isFoundElsewhere { throw ExitCode(ExitStatus.secretFound.rawValue) }
  }
}
