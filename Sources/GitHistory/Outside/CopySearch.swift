public import Capabilities
import Foundation
public import GitObjects

/// Looks for leaked values outside of Git: in the files of directories, in what archives, image layers, databases and states of
/// Terraform hold. Same table of forms as for history (docs/FORMS.md). Read only, and nothing is unpacked to a file.
public struct CopySearch: Sendable {
  private let patterns: SecretPatterns
  private let limits: ContentLimits

  public init(_ patterns: SecretPatterns) { self.init(patterns, limits: ContentLimits()) }

  package init(_ patterns: SecretPatterns, limits: ContentLimits) {
    self.patterns = patterns
    self.limits = limits
  }

  /// - Parameters:
  ///   - paths: absolute, of files and directories.
  ///   - documents: what lies elsewhere, read one after the other. One that cannot be read is named as not searched.
  ///   - sources: where documents lie elsewhere. What they cannot list is named, too.
  /// - Throws: `.notFound` for a path that is not there; `.unsupported` when an expression cannot be matched; `.cancelled`.
  public func run(
    in paths: [String], documents: [any RemoteDocument] = [], sources: [any RemoteSource] = [],
    progress: any ProgressSink
  ) async throws(CapabilityError) -> CopyReport {
    var report = try await BlockingWork.run(progress: progress) { progress in
      try self.report(on: try DirectoryWalk(paths), progress)
    }
    let elsewhere = RemoteSearch(patterns, limits)
    for document in documents {
      report = report.joined(with: try await elsewhere.report(on: document, progress))
    }
    for source in sources { report = report.joined(with: try await elsewhere.report(on: source, progress)) }
    return report
  }

  private func report(on walk: DirectoryWalk, _ progress: EngineProgress) throws(GitObjectsError)
    -> CopyReport
  {
    let course = Course(progress)
    try walk.forEach { (_, entry) throws(GitObjectsError) in
      if case .file(let size) = entry { course.total += size }
      if progress.isCancelled() { throw course.cancelled }
    }
    let found = CopyCollector(patterns) { course.passed($0) }
    try walk.forEach { (path, entry) throws(GitObjectsError) in
      if progress.isCancelled() { throw course.cancelled }
      switch entry {
      case .left(let why): found.leave(path, why)
      case .repository: found.repository(path)
      case .link(let target):
        try found.look(at: path.last, of: path, "name")
        try found.look(at: target, of: path, "link")
      case .file(let size):
        try found.look(at: path.last, of: path, "name")
        course.begin(size)
        try search(path, found, progress)
        course.end()
      }
    }
    return CopyReport(
      roots: walk.roots.map { PathCleaning(patterns: patterns).shown($0.bytes) }, places: found.places,
      notSearched: found.notSearched, repositories: found.repositories, files: found.files,
      bytes: found.bytes)
  }

  private func search(_ path: PathBytes, _ found: CopyCollector, _ progress: EngineProgress)
    throws(GitObjectsError)
  {
    let file: FileRegion
    do throws(CapabilityError) { file = try Self.open(path) } catch {
      // Removed while we looked: nothing is there any more.
      if error.class != .notFound { found.leave(path, error.because) }
      return
    }
    found.begin(path)
    let search = ContentSearch(
      patterns: patterns, limits: limits, listener: found, isCancelled: progress.isCancelled)
    try search.search(file) {
      // Without it the database alone is looked at; the log is a file of its own, too.
      do throws(CapabilityError) {
        return try Self.open(PathBytes(bytes: path.bytes + Array("-wal".utf8)))
      } catch {
        return nil
      }
    }
  }

  /// A regular file that no link leads to.
  private static func open(_ path: PathBytes) throws(CapabilityError) -> FileRegion {
    let descriptor = path.withCString { Foundation.open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW) }
    guard descriptor >= 0 else { throw DurableFiles.failure("open", path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw CapabilityError(.refused, "open \(path.text)", because: "it is no file any more")
    }
    return FileRegion(descriptor: descriptor, count: Int(status.st_size))
  }

  /// How far the search is, in bytes of files: what comes out of an archive does not count beyond its size.
  private final class Course {
    var total = 0
    private var done = 0
    private var size = 0
    private var inside = 0
    private let progress: EngineProgress

    init(_ progress: EngineProgress) { self.progress = progress }

    func begin(_ size: Int) {
      self.size = size
      inside = 0
    }

    func passed(_ count: Int) {
      inside = min(size, inside + count)
      progress.report(.init(phase: .files, done: done + inside, total: total))
    }

    func end() { done += size }

    var cancelled: GitObjectsError {
      GitObjectsError(.cancelled, what: "the search", why: "it was asked to stop", fix: "run it again")
    }
  }
}
