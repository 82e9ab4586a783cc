import Capabilities
import Foundation

/// Destroys an undo vault: the old objects are gone from this repository afterwards.
struct VaultShredder: Sendable {
  let path: String
  let backup: String

  /// What could not be overwritten, because another name of the same file exists outside the repository.
  struct Outcome: Sendable, Equatable {
    public let files: Int
    public let sharedFiles: Int
  }

  func run(under authority: borrowing ExecutionAuthority) throws(CapabilityError) -> Outcome {
    let layout = try RepositoryLayout(path: path)
    let exclusive = try ExclusiveRun(layout)
    defer { withExtendedLifetime(exclusive) {} }
    let directory = RewriteDirectory(id: backup, in: layout)
    guard try directory.state == .finished else {
      throw CapabilityError(
        .conflict, "shred the undo vault", because: "the rewrite \(backup) is not finished or does not exist",
        fix:
          "finish it: staunch history rewrite with the same expressions, --resume and --live; or see the backups: ls '\(layout.ownHistory.text)'"
      )
    }
    var shared = 0
    let files = try RepositoryLayout.files(below: directory.vault)
    for file in files {
      // `git clone` on the same disk makes hard links: overwriting would destroy the other repository's pack.
      if let status = DurableFiles.status(of: file), status.st_nlink > 1 {
        shared += 1
      } else {
        try overwrite(file)
      }
      try DurableFiles.remove(file)
    }
    try DurableFiles.removeTree(directory.vault)
    try DurableFiles.removeTree(directory.staged)
    try DurableFiles.remove(directory.plan)
    let stored = try StoredRewrite.read(directory)
    let residual = stored.residual.filter { !$0.place.hasPrefix("undo vault ") } + sharedResidual(shared)
    try StoredRewrite.write(
      HistoryRewrite(
        commits: stored.commits, trees: stored.trees, blobs: stored.blobs, tags: stored.tags,
        refs: stored.refs,
        signaturesDropped: stored.signaturesDropped, residual: residual, backup: nil, maps: stored.maps),
      to: directory)
    return Outcome(files: files.count, sharedFiles: shared)
  }

  private func sharedResidual(_ count: Int) -> [HistoryRewrite.Residual] {
    guard count > 0 else { return [] }
    return [
      .init(
        place: "\(count) old \(count == 1 ? "file" : "files") outside this repository",
        why: "a clone on the same disk shares them by hard links",
        fix: "find that clone; staunch history check-clone looks into it")
    ]
  }

  private func overwrite(_ file: PathBytes) throws(CapabilityError) {
    file.withCString { _ = chmod($0, 0o600) }
    let descriptor = file.withCString { open($0, O_WRONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw DurableFiles.failure("open", file) }
    defer { close(descriptor) }
    guard let status = DurableFiles.status(of: file) else { throw DurableFiles.failure("lstat", file) }
    var left = Int(status.st_size)
    let zeros = [UInt8](repeating: 0, count: 1 << 16)
    while left > 0 {
      let count = write(descriptor, zeros, min(left, zeros.count))
      guard count > 0 else { throw DurableFiles.failure("write", file) }
      left -= count
    }
    guard fsync(descriptor) == 0 else { throw DurableFiles.failure("fsync", file) }
  }
}
