import Foundation
import GitObjects
import Secrets
import Synchronization

/// Runs the object engine alone: `history-engine scan|plan|rewrite GIT-DIRECTORY REPLACE-TEXT-FILE [--raw]`.
///
/// `--raw` searches literals as they are and leaves paths and people alone, as filter-repo does; otherwise every form in
/// every place. The time at which each phase starts goes to standard output.
@main
struct HistoryEngine {
  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count >= 4, let file = FileManager.default.contents(atPath: arguments[3]) else {
      print("usage: history-engine scan|plan|rewrite GIT-DIRECTORY REPLACE-TEXT-FILE [--raw]")
      exit(2)
    }
    do throws(GitObjectsError) {
      let clock = ContinuousClock()
      let start = clock.now
      let expressions = try SecretPatterns.expressions(
        replaceText: Array(file), searchesEveryForm: !arguments.contains("--raw"))
      let patterns = try SecretPatterns(expressions)
      let objects = try RepositoryObjects(gitDirectory: arguments[2])
      print("open \(clock.now - start)")
      if arguments[1] == "scan" {
        let outcome = try ObjectScan(objects: objects, patterns: patterns).run()
        print("objects \(outcome.objectCount) hits \(outcome.hits.count)")
      } else {
        try rewrite(objects, patterns, arguments, plans: arguments[1] == "plan")
      }
      print("total \(clock.now - start)")
    } catch {
      print("error: \(error)")
      exit(1)
    }
  }

  private static func rewrite(
    _ objects: RepositoryObjects, _ patterns: SecretPatterns, _ arguments: [String], plans: Bool
  ) throws(GitObjectsError) {
    let repository = try GitRepository(path: arguments[2])
    var tips: [ObjectID] = []
    for reference in try repository.references() {
      if case .object(let id) = reference.target { tips.append(id) }
    }
    var options = RewriteOptions()
    if arguments.contains("--raw") {
      options.rewritesPaths = false
      options.rewritesHeaders = false
    }
    let phases = Phases()
    let progress = EngineProgress(report: { phases.note($0.phase) })
    let rewrite = ObjectRewrite(objects: objects, patterns: patterns, tips: tips, options: options)
    let outcome = plans ? try rewrite.plan(progress: progress) : try rewrite.run(progress: progress)
    phases.end()
    print(
      "blobs \(outcome.blobs.count) trees \(outcome.trees.count) commits \(outcome.commits.count)",
      "tags \(outcome.tags.count) dropped \(outcome.dropped.count) hits \(outcome.hits.count)")
    guard let pack = outcome.pack else { return }
    print("pack \(pack.byteCount) bytes")
    install(pack, outcome, repository)
  }

  /// The shortest way to a consistent repository, for measuring only: no journal, no undo, no worktrees.
  private static func install(_ pack: NewPack, _ outcome: RewriteOutcome, _ repository: GitRepository) {
    let files = FileManager.default
    let packs = repository.commonDirectory + "/objects/pack"
    do {
      var lines = ""
      for reference in try repository.references() {
        guard case .object(let id) = reference.target else { continue }
        switch outcome.fate(of: id) {
        case .unchanged: lines += "\(id) \(reference.name)\n"
        case .rewritten(let new): lines += "\(new) \(reference.name)\n"
        case .dropped: break
        }
      }
      for ending in [".pack", ".idx"] {
        try files.moveItem(
          atPath: "\(pack.directory)/\(pack.name)\(ending)", toPath: "\(packs)/\(pack.name)\(ending)")
      }
      try files.removeItem(atPath: pack.directory)
      try lines.write(
        toFile: repository.commonDirectory + "/packed-refs", atomically: true, encoding: .utf8)
      for old in outcome.supersededPacks where !old.hasSuffix("/\(pack.name).pack") {
        for ending in ["pack", "idx", "rev"] where files.fileExists(atPath: old.dropLast(4) + ending) {
          try files.removeItem(atPath: old.dropLast(4) + ending)
        }
      }
      for loose in outcome.supersededLooseObjects { try files.removeItem(atPath: loose) }
    } catch {
      print("error: \(error)")
      exit(1)
    }
  }
}

/// Prints when each phase starts.
final class Phases: Sendable {
  private let start = ContinuousClock().now
  private let last = Mutex<EngineProgress.Phase?>(nil)

  func note(_ phase: EngineProgress.Phase) {
    let isNew = last.withLock { last in
      defer { last = phase }
      return last != phase
    }
    if isNew {
      print("  \(phase) from \(ContinuousClock().now - start), processor time \(Phases.processorTime)")
    }
  }

  func end() { print("  end \(ContinuousClock().now - start), processor time \(Phases.processorTime)") }

  private static var processorTime: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }
}
