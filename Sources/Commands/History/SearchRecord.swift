import Chronicle
import Foundation
import GitHistory
import GitObjects
import Incidents
import JSON
import Journal
import Response
import Secrets

/// What a search by hand showed, as evidence of the incidents that have the repository and whose values were looked for: a
/// value that is found where an incident says "clean" takes that back.
struct SearchRecord {
  let assembly: Assembly
  let target: HistoryTarget
  let path: String

  /// - Parameter values: those of `--incident`.
  func note(_ report: ScanReport, _ patterns: SecretPatterns, _ values: [SecretRef]) throws {
    let isOfIncident = target.incident.count == 1 && target.secrets == nil
    guard isOfIncident || !report.isClean, let reading = try reading(isNeeded: isOfIncident) else { return }
    let name = try assembly.repositoryName(at: path) ?? RepositoryName(target.name(in: assembly))
    if isOfIncident, let named = target.incident.first {
      let record = try reading.record(of: IncidentID(named))
      guard let known = record.published.first(where: { $0.isOf(name, at: path) }) else { return }
      return try append(report, known.repository, values, to: record.id, in: try assembly.journal())
    }
    let found = found(report, patterns)
    let open = try assembly.statuses(in: reading).filter { status in
      status.state != .closed && status.published.contains { $0.isOf(name, at: path) }
    }
    guard !found.isEmpty, !open.isEmpty else { return }
    let journal = try assembly.journal()
    for status in open {
      let held = try journal.record(of: status.id).leakedValues.refs.filter { ref in
        let value = try journal.open(ref)
        return found.contains { $0.isSame(as: value) }
      }
      guard !held.isEmpty, let known = status.published.first(where: { $0.isOf(name, at: path) }) else {
        continue
      }
      try append(report, known.repository, held, to: status.id, in: journal)
    }
  }

  /// The journal, if there is one. A search that names no incident answers without it, too.
  private func reading(isNeeded: Bool) throws -> Journal? {
    do {
      guard try StateDirectory.existing(assembly.statePath) != nil else { return nil }
      return try assembly.journalForReading()
    } catch  where !isNeeded {
      assembly.console.say(
        "warning: whether an incident has this value was not looked at: \(CommandFailure(after: error).because)"
      )
      return nil
    }
  }

  /// The literal values that were found. Outside of objects nobody says which it was: of several, each may be it.
  private func found(_ report: ScanReport, _ patterns: SecretPatterns) -> [Secret] {
    let isUnsaid = report.findings.contains { $0.pattern == nil }
    let numbers = Set(report.findings.compactMap(\.pattern))
    return patterns.expressions.enumerated().compactMap { number, expression in
      guard isUnsaid || numbers.contains(number) else { return nil }
      switch expression.matcher {
      case .secret(let secret), .literal(let secret): return secret
      case .regex: return nil
      }
    }
  }

  private func append(
    _ report: ScanReport, _ name: RepositoryName, _ values: [SecretRef], to incident: IncidentID,
    in journal: Journal
  ) throws {
    let search = RepositoryNotes.Search(
      places: report.findings.count, objects: report.objects, commits: report.commits,
      isClean: report.isClean)
    try RepositoryNotes(name, in: journal).searched(search, for: values, of: incident)
  }
}
