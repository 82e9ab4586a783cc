import Capabilities
import Chronicle
import Foundation
import GitHistory
import GitObjects
import Incidents
import Response
import Secrets

/// Where a leak began, as a repository's own history shows. Reads only.
struct RepositoryIntroductions: LeakIntroductions {
  let rewriter: GitHistoryRewriter
  let processes: any ProcessRunner
  let progress: any ProgressSink
  let console: Console

  func introduction(in path: String, of values: () throws -> [Secret]) async
    -> RepositoryEvidence.Introduction?
  {
    do {
      let secrets = try values()
      let report = try await rewriter.scanReport(
        repository: path, patterns: try SecretPatterns(secrets: secrets), progress: progress)
      console.endTransient()
      guard !report.isCutOff else {
        console.say(
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
      console.say(
        "the first commit with the secret could not be found in \(harmless(path)); the plan goes on without it"
      )
      return nil
    }
  }

  private func authorDate(of commit: String, in path: String) async throws -> Date? {
    let outcome = try await processes.inspect(
      ProcessCall(["git", "-C", path, "show", "-s", "--no-show-signature", "--format=%aI", commit]),
      readOnlyBecause: "git show prints a commit")
    return Timestamp.date(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}
