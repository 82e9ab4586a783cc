import Capabilities
import StaunchConfiguration
import Foundation
import GitHistory
import GitObjects
import Incidents
import JSON
import Journal

/// Finds out, before history is rewritten, which commit brought the secret in, and keeps that in the journal: afterwards
/// the commit is gone. Reads only.
struct LeakIntroduction {
  let installation: Installation

  /// Looks in every repository of the plan's inputs. A repository that cannot be read is named in the plan itself; here
  /// it only stays without an introduction.
  func record(_ incident: IncidentID, leaked: [SecretRef], repositories: [RepositoryName]) async throws {
    let known = try installation.journal.events(incident: incident, kinds: [.incidentUpdated])
      .compactMap { $0.body["introduction"]?["repository"]?.string }
    for name in repositories where !known.contains(name.rawValue) {
      guard let path = installation.configuration.repositories[name]?.path,
        let found = await introduction(in: path, leaked: leaked)
      else { continue }
      try installation.journal.append(
        .incidentUpdated, incident: incident,
        [
          "introduction": [
            "repository": .string(name.rawValue), "commit": .string(found.commit),
            "authored": .string(Timestamp.text(found.authored)),
            "refs": .array(found.refs.map { .string($0) }),
          ]
        ])
    }
  }

  private func introduction(in path: String, leaked: [SecretRef]) async -> RepositoryEvidence.Introduction? {
    do {
      let secrets = try leaked.map { try installation.journal.open($0) }
      let report = try await installation.assembly.historyRewriter().scanReport(
        repository: path, patterns: try SecretPatterns(secrets: secrets), progress: installation.progress)
      installation.assembly.console.endTransient()
      guard !report.isCutOff else {
        installation.assembly.console.say(
          "the first commit with the secret may lie behind the boundary of the shallow clone \(harmless(path)); "
            + "the plan goes on without it")
        return nil
      }
      var earliest: RepositoryEvidence.Introduction?
      let refs = Set(report.places.flatMap(\.refs)).sorted()
      for commit in Set(report.findings.compactMap(\.firstCommit)).sorted().prefix(256) {
        guard let authored = try await authorDate(of: commit, in: path) else { continue }
        if earliest.map({ authored < $0.authored }) ?? true {
          earliest = RepositoryEvidence.Introduction(commit: commit, authored: authored, refs: refs)
        }
      }
      return earliest
    } catch {
      installation.assembly.console.say(
        "the first commit with the secret could not be found in \(harmless(path)); the plan goes on without it"
      )
      return nil
    }
  }

  private func authorDate(of commit: String, in path: String) async throws -> Date? {
    let outcome = try await installation.processes.inspect(
      ProcessCall(["git", "-C", path, "show", "-s", "--no-show-signature", "--format=%aI", commit]),
      readOnlyBecause: "git show prints a commit")
    return Timestamp.date(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}
