public import Capabilities
import Foundation
public import GitObjects
import Secrets

/// Finds and removes secrets in Git repositories on this machine: the port's implementation and the command line's.
///
/// Objects go through the room GitObjects; this room knows where else a repository keeps things, moves files so that a
/// crash never leaves a mix, keeps an undo vault, pushes, and proves the result.
public struct GitHistoryRewriter: HistoryRewriter {
  let git: GitProgram
  private let temporaryDirectory: String
  private let options: HistoryOptions
  private let observe: @Sendable (ProtocolStep) -> Void

  /// - Parameters:
  ///   - environment: the process environment; only what Git and its transports need reaches them.
  ///   - temporaryDirectory: for clones that are searched and removed.
  ///   - beforeEachStep: called before each step of the write protocol: where a test of the program ends it.
  public init(
    environment: [String: String], temporaryDirectory: String, options: HistoryOptions = HistoryOptions(),
    beforeEachStep: @escaping @Sendable () -> Void = {}
  ) {
    self.init(
      environment: environment, temporaryDirectory: temporaryDirectory, options: options,
      observe: { _ in beforeEachStep() })
  }

  /// - Parameter observe: hears each step of the write protocol before it is done: tests end the process there.
  init(
    environment: [String: String], temporaryDirectory: String, options: HistoryOptions = HistoryOptions(),
    observe: @escaping @Sendable (ProtocolStep) -> Void
  ) {
    git = GitProgram(environment: environment)
    self.temporaryDirectory = temporaryDirectory
    self.options = options
    self.observe = observe
  }

  // MARK: The port

  public func scan(repository: String, for removal: HistoryRemoval, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryScan
  {
    try await ScanRun(path: repository, patterns: try patterns(removal)).run(progress: progress)
  }

  public func plan(repository: String, removing removal: HistoryRemoval, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryRewrite
  {
    try await plan(repository: repository, patterns: try patterns(removal), progress: progress)
  }

  public func rewrite(
    repository: String, removing removal: HistoryRemoval, marker: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryRewrite {
    try await rewrite(
      repository: repository, patterns: try patterns(removal), marker: marker, progress: progress,
      under: authority)
  }

  public func finished(repository: String, marker: String) async throws(CapabilityError) -> HistoryRewrite? {
    let directory = RewriteDirectory(
      id: RewriteDirectory.id(marker: marker), in: try RepositoryLayout(path: repository))
    guard try directory.state == .finished else { return nil }
    return try StoredRewrite.read(directory)
  }

  public func holds(backup: String, repository: String) async throws(CapabilityError) -> Bool {
    try DurableFiles.exists(
      RewriteDirectory(id: backup, in: RepositoryLayout(path: repository)).vault)
  }

  public func restore(repository: String, backup: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    try RestoreRun(path: repository, backup: backup, observe: observe).run(under: authority)
  }

  public func push(
    repository: String, remote: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryPush {
    try await pushReport(repository: repository, remote: remote, progress: progress, under: authority).push
  }

  public func verifyFreshClone(
    repository: String, remote: String?, for removal: HistoryRemoval, progress: any ProgressSink
  ) async throws(CapabilityError) -> HistoryScan {
    try await scanFreshClone(
      repository: repository, remote: remote, patterns: try patterns(removal), progress: progress)
  }

  // MARK: The command line: expressions instead of secrets, reports instead of answers

  /// A scan with commits, unreachable copies, vaults and submodules.
  public func scanReport(repository: String, patterns: SecretPatterns, progress: any ProgressSink)
    async throws(CapabilityError) -> ScanReport
  {
    try await ScanRun(path: repository, patterns: patterns).report(progress: progress)
  }

  /// A scan of a fresh clone, for expressions.
  public func scanFreshClone(
    repository: String, remote: String?, patterns: SecretPatterns, progress: any ProgressSink
  ) async throws(CapabilityError) -> HistoryScan {
    try await FreshClone(
      path: repository, remote: remote, patterns: patterns, git: git,
      temporaryDirectory: PathBytes(temporaryDirectory)
    ).scan(progress: progress)
  }

  /// What a rewrite would do. Read only.
  public func plan(repository: String, patterns: SecretPatterns, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryRewrite
  {
    try await run(repository, patterns, id: "plan").plan(progress: progress)
  }

  /// Rewrites. The same `marker` goes on after an interruption, or gives back what was done.
  public func rewrite(
    repository: String, patterns: SecretPatterns, marker: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryRewrite {
    try await run(repository, patterns, id: RewriteDirectory.id(marker: marker)).run(
      progress: progress, under: authority)
  }

  /// Goes on with a rewrite that was interrupted after its point of no return.
  /// - Throws: `.notFound` when there is none (one interrupted before that point has changed nothing).
  public func resume(
    repository: String, patterns: SecretPatterns, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryRewrite {
    let layout = try RepositoryLayout(path: repository)
    for directory in try RewriteDirectory.all(in: layout) {
      switch try directory.state {
      case .committed, .applied:
        return try await run(repository, patterns, id: directory.id).run(progress: progress, under: authority)
      case .preparing, .finished, .restoring, nil: continue
      }
    }
    throw CapabilityError(
      .notFound, "resume", because: "no interrupted rewrite was found in this repository",
      fix: "start one: staunch history rewrite --repository '\(repository)' --replace-text FILE")
  }

  /// As ``restore(repository:backup:under:)``, giving up commits made since the rewrite.
  public func restoreDiscardingLaterWork(
    repository: String, backup: String, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    try RestoreRun(path: repository, backup: backup, discardsLaterWork: true, observe: observe).run(
      under: authority)
  }

  /// Destroys an undo vault, so that the old objects are gone from this repository.
  /// - Returns: number of files that a clone on the same disk still shares; 0 is what you want.
  public func shred(repository: String, backup: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> Int
  {
    try VaultShredder(path: repository, backup: backup).run(under: authority).sharedFiles
  }

  /// Pushes, and says what of the remote could not be cleaned by a push.
  public func pushReport(
    repository: String, remote: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> PushReport {
    try await HistoryPushRun(path: repository, remote: remote, git: git).run(
      progress: progress, under: authority)
  }

  private func run(_ repository: String, _ patterns: SecretPatterns, id: String) -> RewriteRun {
    RewriteRun(
      path: repository, id: id, patterns: patterns, options: options, git: git, observe: observe)
  }

  private func patterns(_ removal: HistoryRemoval) throws(CapabilityError) -> SecretPatterns {
    try engine { () throws(GitObjectsError) in
      try SecretPatterns(secrets: removal.secrets, replacement: removal.replacement)
    }
  }
}
