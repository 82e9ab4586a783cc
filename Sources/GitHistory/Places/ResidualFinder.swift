import Capabilities
import GitObjects

/// The proof after a rewrite: every object and every other place is searched again.
struct ResidualFinder: Sendable {
  let path: String
  let patterns: SecretPatterns
  /// The rewrite whose vault is still there.
  let backup: String
  let git: GitProgram

  func find(progress: any ProgressSink) async throws(CapabilityError) -> [HistoryRewrite.Residual] {
    let repository = try await OpenRepository(path: path, for: .scan, git: git)
    let scan = try await BlockingWork.run(progress: progress) { [patterns] in
      try ObjectScan(objects: repository.objects, patterns: patterns).run(progress: $0)
    }
    var residual = Set(scan.hits.map(\.object)).sorted().map { id in
      HistoryRewrite.Residual(
        place: "object \(id.hex)", why: "it still holds the secret",
        fix: "run the rewrite again; its type: git cat-file -t \(id.hex)")
    }
    residual += Residuals.notSearched(Residuals.notSearched(scan.notSearched))
    let others = try Places(repository.layout, patterns: patterns).find(repository.snapshot)
    for place in others.places {
      if let found = Residuals.residual(of: place, in: repository.layout), !residual.contains(found) {
        residual.append(found)
      }
    }
    residual += Residuals.notSearched(others.notSearched)
    residual += try Residuals.submodules(repository.layout)
    if DurableFiles.exists(RewriteDirectory(id: backup, in: repository.layout).vault) {
      residual.append(Residuals.vault(backup, repository.layout))
    }
    return residual
  }
}
