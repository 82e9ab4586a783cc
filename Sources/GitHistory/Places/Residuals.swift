import Capabilities
import GitObjects

/// What to do about places that a rewrite leaves as they are.
enum Residuals {
  static func residual(of place: HistoryPlace, in layout: RepositoryLayout) -> HistoryRewrite.Residual? {
    let git = "git -C '\((layout.workTrees.first?.root ?? layout.common).text)'"
    let line = place.line.map { ":\($0)" } ?? ""
    switch place.place {
    case "config":
      return .init(
        place: "config\(line)",
        why: "a setting (often a remote's URL) holds the secret; changing it could cut off the remote",
        fix:
          "\(git) config --show-origin --list, then for a remote: \(git) remote set-url NAME URL-WITHOUT-SECRET"
      )
    case "hook":
      return .init(
        place: "\(place.object)\(line)", why: "a hook is a program of yours; it is not changed",
        fix: "edit '\(layout.common.text)/\(place.object)'")
    case "LFS object":
      return .init(
        place: place.object, why: "the content of a Git LFS file holds the secret; the server has it, too",
        fix:
          "remove the file from history (--remove-path), then: git lfs prune, and ask the forge to delete the LFS object"
      )
    case "work tree":
      return .init(
        place: "work tree: \(place.path ?? place.object)\(line)",
        why: "a file that a rewrite leaves as it is (untracked, ignored or kept) holds the secret",
        fix: "edit or delete it")
    case "reflog", "ref name", "index", "git file":
      return .init(
        place: "\(place.place): \(place.object)\(line)", why: "it still holds the secret",
        fix: "run the rewrite again; when it stays: rm '\(layout.common.text)/\(place.object)'")
    default:
      return .init(
        place: "\(place.place) \(place.object)", why: "an object still holds the secret",
        fix: "run the rewrite again, and report this with: staunch history scan --json")
    }
  }

  /// What could not be searched may hold it.
  static func notSearched(_ list: [HistoryUnsearched]) -> [HistoryRewrite.Residual] {
    list.map {
      .init(place: $0.place, why: "not searched: \($0.why)", fix: "look into it by hand, or as its owner")
    }
  }

  /// Filters of the repository's own settings: the new files of its work trees are written without them.
  static func filters(_ layout: RepositoryLayout, git: GitProgram) async throws(CapabilityError)
    -> [HistoryRewrite.Residual]
  {
    guard !git.trust.covers(layout), layout.workTrees.contains(where: { $0.root != nil }) else { return [] }
    let settings = try await RepositorySettings.read(layout, git: git)
    let keys = Set(settings.ignored.filter { $0.hasPrefix("filter.") }).sorted()
    guard !keys.isEmpty else { return [] }
    return [
      .init(
        place: "settings \(keys.joined(separator: ", "))",
        why:
          "files that the rewrite changes are written without these filters: a repository's settings start no program",
        fix: "when they are yours: the same command with --trust-repository-config; "
          + "or check the changed files out again afterwards"
      )
    ]
  }

  /// Objects that the engine could not look into.
  static func notSearched(_ list: [ObjectScan.Unsearched]) -> [HistoryUnsearched] {
    list.map { HistoryUnsearched(place: "object \($0.object.hex)", why: $0.why) }
  }

  /// Repositories inside this one are rewritten on their own.
  static func submodules(_ layout: RepositoryLayout) throws(CapabilityError) -> [HistoryRewrite.Residual] {
    try layout.submoduleRepositories().map { path in
      .init(
        place: path, why: "the repository of a submodule is not searched with this one",
        fix: "scan it, too: the same expressions or incident with --repository '\(path)'")
    }
  }

  /// The vault holds every old object until it is shredded.
  static func vault(_ backup: String, _ layout: RepositoryLayout) -> HistoryRewrite.Residual {
    .init(
      place: "undo vault \(layout.ownHistory.text)/\(backup)/vault",
      why: "it keeps the history as it was, for restore",
      fix:
        "when nothing is missing: staunch history shred --repository '\((layout.workTrees.first?.root ?? layout.common).text)' --backup \(backup) --live --confirm \(layout.name)"
    )
  }
}
