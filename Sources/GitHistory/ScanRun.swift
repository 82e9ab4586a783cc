import Capabilities
import GitObjects
import Secrets

/// Searches a repository: every object, reachable or not, and every other place. Read only.
struct ScanRun: Sendable {
  let path: String
  let patterns: SecretPatterns
  let git: GitProgram
  /// How history that is not here comes here; nil: as for a clone of the user's own.
  var completing: String?
  /// `git` has just made it, and made sure that nothing is missing.
  var isFresh = false

  func run(progress: any ProgressSink) async throws(CapabilityError) -> HistoryScan {
    let report = try await report(progress: progress)
    return HistoryScan(
      places: report.places, objects: report.objects, commits: report.commits,
      notSearched: report.notSearched
        + report.submodules.map {
          HistoryUnsearched(place: $0, why: "the repository of a submodule is searched on its own")
        })
  }

  /// The same with what the port's answer cannot hold.
  func report(progress: any ProgressSink) async throws(CapabilityError) -> ScanReport {
    let repository = try await OpenRepository(path: path, for: .scan, git: git)
    let patterns = patterns
    let (scan, located) = try await BlockingWork.run(progress: progress) { progress in
      let survey = try ObjectSurvey(objects: repository.objects, patterns: patterns).run(progress: progress)
      let locator = ObjectLocator(repository.objects, survey)
      return (survey.scan, try locator.locate(from: repository.snapshot.targets, progress: progress))
    }
    let shown = ShownLocations(located, repository.snapshot, PathCleaning(patterns: patterns))
    let findings = scan.hits.map { hit in
      let location = shown[hit.object]
      return ScanReport.Finding(place: place(hit, location), location: location, pattern: hit.pattern)
    }
    let others = try await BlockingWork.run(progress: progress) { _ in
      try Places(repository.layout, patterns: patterns).find(repository.snapshot)
    }
    if findings.isEmpty, let left = scan.notSearched.first {
      // "Nothing was found" would read as "clean".
      throw CapabilityError(
        .unsupported, "search object \(left.object.hex)", because: left.why,
        fix: "git -C '\(path)' repack -a -d -f --depth=10, then run the command again")
    }
    let gaps = try HistoryBoundary(repository.layout, repository.objects, path: path).gaps
    if findings.isEmpty, others.places.isEmpty, let gap = gaps.first {
      throw CapabilityError(
        .unsupported, "search the history of \(path)", because: gap.why, fix: completing ?? gap.fix)
    }
    if findings.isEmpty, others.places.isEmpty, !isFresh {
      try await checkWhole(repository, progress: progress)
    }
    return ScanReport(
      findings: findings + others.places.map { ScanReport.Finding(place: $0, location: nil, pattern: nil) },
      objects: scan.objectCount, commits: scan.commitCount, backups: try repository.layout.vaults(),
      submodules: try repository.layout.submoduleRepositories(),
      notSearched: gaps.map { HistoryUnsearched(place: $0.place, why: $0.why) }
        + Residuals.notSearched(scan.notSearched) + others.notSearched,
      isCutOff: !gaps.isEmpty)
  }

  /// "Nothing was found" is not said of a repository that has lost something.
  private func checkWhole(_ repository: OpenRepository, progress: any ProgressSink)
    async throws(CapabilityError)
  {
    let holes = try await RepositoryHoles(repository: repository, git: git).find(progress: progress)
    guard let hole = holes.first else { return }
    let count = holes.count == 1 ? "1 object that it names is" : "\(holes.count) objects that it names are"
    throw CapabilityError(
      .unsupported, "search the history of \(path)",
      because: "the repository is damaged: \(count) not here (\(hole.hex)\(holes.count > 1 ? " …" : ""))",
      fix:
        "git -C '\(path)' fsck --connectivity-only names what is missing; run the command on a full clone, made with "
        + "git clone --mirror from its remote")
  }

  private func place(_ hit: ObjectHit, _ location: ShownLocations.Location?) -> HistoryPlace {
    let word: String
    switch (hit.place, hit.kind) {
    case (.blob, _): word = "blob"
    case (.message, .tag): word = "tag message"
    case (.message, _): word = "commit message"
    case (.person, .tag): word = "tagger"
    case (.person, _): word = "author"
    case (.header, .tag): word = "tag header"
    case (.header, _): word = "commit header"
    case (.path, _): word = "path"
    }
    return HistoryPlace(
      place: word, object: hit.object.hex, path: location?.path, line: hit.place == .path ? nil : hit.line,
      refs: location?.references ?? [], form: hit.form.rawValue)
  }
}

extension RepositoryLayout {
  /// Names of undo vaults that still hold old objects.
  func vaults() throws(CapabilityError) -> [String] {
    try RewriteDirectory.all(in: self).filter { DurableFiles.exists($0.vault) }.map(\.id)
  }

  /// Repositories of submodules inside this one: they are searched on their own. A submodule at `vendor/lib` lies in
  /// `modules/vendor/lib`, and may have submodules itself.
  func submoduleRepositories() throws(CapabilityError) -> [String] {
    try RepositoryLayout.repositories(below: common / "modules").map(\.text)
  }

  private static func repositories(below directory: PathBytes) throws(CapabilityError) -> [PathBytes] {
    var found: [PathBytes] = []
    for name in try DurableFiles.entries(of: directory) {
      let path = directory / name
      guard DurableFiles.kind(of: path) == .directory else { continue }
      if DurableFiles.exists(path / "HEAD"), DurableFiles.kind(of: path / "objects") == .directory {
        found.append(path)
        found += try repositories(below: path / "modules")
      } else {
        found += try repositories(below: path)
      }
    }
    return found
  }
}
