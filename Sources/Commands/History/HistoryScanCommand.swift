import ArgumentParser
import Capabilities
import GitHistory
import JSON

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
      assembly.console.data(HistoryDocuments.sarif(report).canonicalText)
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
    discussion: "Exit 0: clean. Exit 10: found.")

  @OptionGroup var target: HistoryTarget
  @Option(name: .long, help: "Clone this remote; without it, the repository itself.") var remote: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let patterns = try target.patterns(in: assembly)
    let path = target.path(in: assembly)
    let scan = try await assembly.historyRewriter().scanFreshClone(
      repository: path, remote: remote, patterns: patterns, progress: ProgressLine(console: assembly.console))
    assembly.console.endTransient()
    if global.json {
      assembly.console.data(
        HistoryDocuments.noting(
          patterns, HistoryDocuments.freshClone(scan, repository: path, remote: remote)
        ).canonicalText)
    } else if scan.isClean {
      HistoryScreen(console: assembly.console).showNotSearched(patterns)
      assembly.console.data("clean: \(scan.objects) objects of a fresh clone, 0 places")
    } else {
      for place in scan.places { assembly.console.data(HistoryScreen.line(place)) }
    }
    if !scan.isClean { throw ExitCode(ExitStatus.secretFound.rawValue) }
  }
}
