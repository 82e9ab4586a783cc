import Capabilities
import Chronicle
import GitHistory
import GitObjects
import Incidents

/// What a person reads of the history commands.
struct HistoryScreen {
  let console: Console

  /// What no search for these patterns covers.
  func showNotSearched(_ patterns: SecretPatterns) {
    for form in patterns.notSearched { console.say("not searched: \(form)") }
  }

  /// - Parameters:
  ///   - repository: its path.
  ///   - next: what removes what was found.
  func show(_ report: ScanReport, of repository: String, next: String) {
    for finding in report.findings {
      var line = Self.line(finding.place)
      if finding.isUnreachable { line += "  (in no ref's history)" }
      if let first = finding.firstCommit, let last = finding.lastCommit {
        line +=
          first == last
          ? "  commit \(first.prefix(12))" : "  commits \(first.prefix(12)) to \(last.prefix(12))"
      }
      console.data(line)
    }
    for backup in report.backups {
      console.say(
        "undo vault \(backup) holds what was removed: staunch history shred --repository "
          + "\(ShellWord.quoted(repository)) --backup \(backup) --live")
    }
    for submodule in report.submodules {
      console.data("not searched: submodule \(harmless(submodule)): scan it with --repository")
    }
    for left in report.notSearched {
      console.data("not searched: \(harmless(left.place)): \(harmless(left.why))")
    }
    if report.isClean {
      console.data("clean: \(report.objects) objects, \(report.commits) commits, 0 places")
    } else {
      console.say("\(Count.text(report.findings.count, "place")) in \(Count.text(report.objects, "object"))")
      console.say("next: \(next)")
    }
  }

  func show(_ rewrite: HistoryRewrite, isPlan: Bool, name: String, of repository: String) {
    console.data(isPlan ? "plan for \(harmless(name)): nothing was changed" : "rewritten: \(harmless(name))")
    console.data(
      "  \(rewrite.commits) commits, \(rewrite.trees) trees, \(rewrite.blobs) blobs, \(rewrite.tags) tags;"
        + " \(rewrite.refs.count) refs move; \(rewrite.signaturesDropped) signatures \(isPlan ? "would be" : "were") dropped"
    )
    for move in rewrite.refs {
      console.data("  \(harmless(move.ref))  \(move.from.prefix(12)) → \(move.to.prefix(12))")
    }
    if let matches = rewrite.matches { console.data("  \(harmless(matches.text))") }
    for residual in rewrite.left {
      console.data("  left: \(harmless(residual.place)): \(harmless(residual.why))")
      console.data("    fix: \(harmless(residual.fix))")
    }
    if let maps = rewrite.maps { console.data("  maps: \(maps)") }
    if let backup = rewrite.backup {
      console.data(
        "  undo: staunch history restore --repository \(ShellWord.quoted(repository)) --backup \(backup) --live"
      )
    }
  }

  static func line(_ place: HistoryPlace) -> String {
    var line = "\(place.place)  \(harmless(String(place.object.prefix(40))))"
    if let path = place.path { line += "  \(harmless(path))" }
    if let number = place.line { line += ":\(number)" }
    line += "  (\(place.form))"
    if !place.refs.isEmpty {
      line += "  in " + place.refs.prefix(4).map { harmless($0) }.joined(separator: ", ")
      if place.refs.count > 4 { line += " and \(place.refs.count - 4) more" }
    }
    return line
  }
}
