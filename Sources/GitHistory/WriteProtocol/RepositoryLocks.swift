import Capabilities
import Foundation

/// Keeps Git itself out while files move: the same `.lock` files that Git takes before it changes an index, a
/// reference, `packed-refs` or `config`, and `gc.pid`, which `git gc` respects.
///
/// Each lock file says whose it is, so that a later run can tell its own, left by a crash, from another program's.
struct RepositoryLocks: Sendable {
  private let paths: [PathBytes]
  private let content: [UInt8]
  private let collector: PathBytes
  private let references: PathBytes

  init(_ paths: [PathBytes], id: String, layout: RepositoryLayout) {
    self.paths = paths
    content = Array("staunch \(id)\n".utf8)
    collector = layout.common / "gc.pid"
    references = layout.common / "refs"
  }

  /// Takes every lock, or none. Locks left by an earlier run of the same rewrite count as taken.
  /// - Throws: `.conflict` naming the lock that another program holds.
  func take() throws(CapabilityError) {
    try refuseRunningCollector()
    var taken: [PathBytes] = []
    var made: Set<PathBytes> = []
    var source: PathBytes?
    for path in paths {
      do throws(CapabilityError) {
        if made.insert(path.parent).inserted { try DurableFiles.makeDirectory(path.parent, mode: 0o755) }
        if try create(path, &source) {
          taken.append(path)
        } else if try DurableFiles.read(path) != content {
          throw CapabilityError(
            .conflict, "lock the repository",
            because: "another Git command holds \(path.text), or one crashed and left it",
            fix:
              "wait for it to end (or remove that file if no git process runs), then run the same command again"
          )
        }
      } catch {
        for path in taken { try DurableFiles.remove(path) }
        throw error
      }
    }
  }

  /// - Parameter source: a lock that was made before: the others are further names of it.
  private func create(_ path: PathBytes, _ source: inout PathBytes?) throws(CapabilityError) -> Bool {
    if let source {
      switch try DurableFiles.addName(path, to: source) {
      case .made: return true
      case .taken: return false
      case .impossible: break
      }
    }
    guard try DurableFiles.createExclusively(path, with: content) else { return false }
    source = path
    return true
  }

  /// Gives back what is ours. Safe to repeat.
  func release() throws(CapabilityError) {
    for path in paths where try DurableFiles.readIfPresent(path) == content {
      try DurableFiles.remove(path)
    }
    if try DurableFiles.readIfPresent(collector) == collectorContent { try DurableFiles.remove(collector) }
    // Directories made only to hold the lock of a packed reference: below `refs/<kind>/`, and empty again.
    for parent in Set(paths.map(\.parent)) {
      var directory = parent
      while let inside = directory.relative(to: references), inside.bytes.contains(0x2F),
        DurableFiles.removeEmptyDirectory(directory)
      {
        directory = directory.parent
      }
    }
  }

  private var collectorContent: [UInt8] { Array("\(getpid()) \(ProcessInfo.processInfo.hostName)".utf8) }

  private func refuseRunningCollector() throws(CapabilityError) {
    if let bytes = try DurableFiles.readIfPresent(collector) {
      let number = String(decoding: bytes.prefix { $0 != 0x20 }, as: UTF8.self)
      if let process = Int32(number), process != getpid(), kill(process, 0) == 0 || errno == EPERM {
        throw CapabilityError(
          .conflict, "lock the repository", because: "git gc is running (process \(process))",
          fix: "wait until it ends, then run the same command again")
      }
      try DurableFiles.remove(collector)  // left by a process that is gone: Git ignores such a file, too
    }
    _ = try DurableFiles.createExclusively(collector, with: collectorContent, mode: 0o644)
  }
}

/// One run of ours at a time in a repository; the system releases it when the process ends, however it ends.
final class ExclusiveRun: Sendable {
  private let descriptor: Int32

  /// - Throws: `.conflict` when another run holds it.
  init(_ layout: RepositoryLayout) throws(CapabilityError) {
    try OwnFiles(layout: layout).check()
    try DurableFiles.makeDirectory(layout.ownHistory)
    let path = layout.own / "lock"
    descriptor = path.withCString { open($0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
    guard descriptor >= 0 else { throw DurableFiles.failure("open", path) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw CapabilityError(
        .conflict, "rewrite history", because: "another run of staunch works on this repository",
        fix: "wait until it ends; see: staunch status")
    }
  }

  /// Removes the lock file and, when nothing else is in them, our directories.
  static func removeTraces(_ layout: RepositoryLayout) throws(CapabilityError) {
    guard try DurableFiles.entries(of: layout.ownHistory).isEmpty else { return }
    try DurableFiles.remove(layout.own / "lock")
    DurableFiles.removeEmptyDirectory(layout.ownHistory)
    DurableFiles.removeEmptyDirectory(layout.own)
  }

  deinit {
    // Closing alone would leave it to a child that was forked meanwhile and has not yet become another program.
    _ = flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}
