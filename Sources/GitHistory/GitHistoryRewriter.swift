public import Capabilities
import Cryptography
import Foundation
public import GitObjects
public import Secrets

/// Finds and removes secrets in Git repositories on this machine: the port's implementation and the command line's.
///
/// Objects go through the room GitObjects; this room knows where else a repository keeps things, moves files so that a
/// crash never leaves a mix, keeps an undo vault, pushes, and proves the result.
public struct GitHistoryRewriter: HistoryRewriter {
  let git: GitProgram
  let seal: RewriteSeal
  private let temporaryDirectory: String
  private let options: HistoryOptions
  private let observe: @Sendable (ProtocolStep) -> Void

  /// - Parameters:
  ///   - environment: the process environment; only what Git and its transports need reaches them.
  ///   - temporaryDirectory: for clones that are searched and removed.
  ///   - leash: ends what `git` starts when this process is killed.
  ///   - trust: of which repositories the own settings count although they may name programs.
  ///   - planKey: seals plans and maps (``RewriteSeal``); asked for only where one is written or carried out.
  ///   - beforeEachStep: called before each step of the write protocol: where a test of the program ends it.
  public init(
    environment: [String: String], temporaryDirectory: String, options: HistoryOptions = HistoryOptions(),
    leash: (any ChildLeash)? = nil, trust: RepositoryTrust = .none,
    planKey: (@Sendable () throws(CapabilityError) -> Secret)? = nil,
    beforeEachStep: @escaping @Sendable () -> Void = {}
  ) {
    self.init(
      environment: environment, temporaryDirectory: temporaryDirectory, options: options, leash: leash,
      trust: trust, planKey: planKey, observe: { _ in beforeEachStep() })
  }

  /// - Parameter observe: hears each step of the write protocol before it is done: tests end the process there.
  init(
    environment: [String: String], temporaryDirectory: String, options: HistoryOptions = HistoryOptions(),
    leash: (any ChildLeash)? = nil, trust: RepositoryTrust = .none,
    planKey: (@Sendable () throws(CapabilityError) -> Secret)? = nil,
    observe: @escaping @Sendable (ProtocolStep) -> Void
  ) {
    git = GitProgram(environment: environment, leash: leash, trust: trust)
    seal = RewriteSeal(key: planKey)
    self.temporaryDirectory = temporaryDirectory
    self.options = options
    self.observe = observe
  }

  // MARK: The port

  public func scan(repository: String, for removal: HistoryRemoval, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryScan
  {
    try await ScanRun(path: repository, patterns: try patterns(removal), git: git).run(progress: progress)
  }

  public func tips(repository: String) async throws(CapabilityError) -> String? {
    let layout = try RepositoryLayout(path: repository)
    try await RepositoryOwner(layout: layout, git: git).check()
    let references = try engine { () throws(GitObjectsError) in
      try GitRepository(path: layout.common.text, ownerIsChecked: true).references()
    }
    var hash = SHA256()
    for reference in references { hash.update(data: Data("\(reference.name) \(reference.target)\n".utf8)) }
    return hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
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
    let layout = try RepositoryLayout(path: repository)
    try OwnFiles(layout: layout).check()
    let directory = RewriteDirectory(id: RewriteDirectory.id(marker: marker), in: layout)
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
    try RestoreRun(path: repository, backup: backup, seal: seal, observe: observe).run(under: authority)
  }

  public func push(
    repository: String, remote: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryPush {
    try await HistoryPushRun(path: repository, remote: remote, git: git, seal: seal).run(
      progress: progress, under: authority)
  }

  public func published(repository: String, remote: String, within deadline: Duration)
    async throws(CapabilityError) -> HistoryRemote
  {
    let layout = try RepositoryLayout(path: repository)
    let target = try await RemoteTarget(remote, layout: layout, git: git)
    do throws(CapabilityError) {
      let there = try await RemoteReferences(target, layout: layout, git: git, deadline: deadline)
      let objects = try engine { () throws(GitObjectsError) in
        try RepositoryObjects(gitDirectory: layout.common.text)
      }
      let unfetched = there.ids.filter { !objects.contains($0.value) }.keys.sorted().map(\.description)
      return HistoryRemote(
        address: target.shown, refs: there.ids.keys.sorted().map(\.description), unfetched: unfetched)
    } catch {
      return HistoryRemote(address: target.shown, refs: nil, silence: error.because)
    }
  }

  public func others(repository: String, besides remote: String, within deadline: Duration)
    async throws(CapabilityError) -> [HistoryRemote]
  {
    let layout = try RepositoryLayout(path: repository)
    let own = try await RemoteTarget(remote, layout: layout, git: git)
    let others = try await OtherRemotes(
      besides: [own.fetchAddress, own.pushAddress], layout: layout, git: git)
    let program = git
    var asked = await withTaskGroup(of: (Int, HistoryRemote).self) { group in
      for (number, place) in others.places.enumerated() {
        group.addTask {
          let address = place.target.shown
          do throws(CapabilityError) {
            let there = try await RemoteReferences(
              place.target, layout: layout, git: program, deadline: deadline)
            let names = there.ids.keys.sorted().map(\.description)
            return (number, HistoryRemote(address: address, refs: names))
          } catch {
            return (number, HistoryRemote(address: address, refs: nil, silence: error.because))
          }
        }
      }
      var found: [(Int, HistoryRemote)] = []
      for await one in group { found.append(one) }
      return found
    }
    asked.sort { $0.0 < $1.0 }
    var found = asked.map(\.1)
    for one in others.refused {
      if case .unseen(let because) = one.state {
        let name = one.address.isEmpty ? one.remote : one.address
        found.append(HistoryRemote(address: name, refs: nil, silence: because))
      }
    }
    return found
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
    try await ScanRun(path: repository, patterns: patterns, git: git).report(progress: progress)
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

  /// The same, as a plan that ``rewrite(_:marker:progress:under:)`` carries out without searching again, while nothing has
  /// changed. Keeps the new objects in memory, up to 96 MiB of them.
  public func prepare(repository: String, patterns: SecretPatterns, progress: any ProgressSink)
    async throws(CapabilityError) -> PlannedRewrite
  {
    try await run(repository, patterns, id: "plan").prepare(progress: progress)
  }

  /// Carries `plan` out; where the repository has changed since, what is there now is searched and rewritten.
  public func rewrite(
    _ plan: PlannedRewrite, marker: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryRewrite {
    try await run(plan.path, plan.patterns, id: RewriteDirectory.id(marker: marker)).run(
      plan, progress: progress, under: authority)
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
      fix: "start one: the same command without --resume")
  }

  /// As ``restore(repository:backup:under:)``, giving up commits made since the rewrite.
  public func restoreDiscardingLaterWork(
    repository: String, backup: String, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    try RestoreRun(path: repository, backup: backup, discardsLaterWork: true, seal: seal, observe: observe)
      .run(
        under: authority)
  }

  /// Destroys an undo vault, so that the old objects are gone from this repository.
  /// - Returns: number of files that a clone on the same disk still shares; 0 is what you want.
  public func shred(repository: String, backup: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> Int
  {
    try VaultShredder(path: repository, backup: backup).run(under: authority).sharedFiles
  }

  /// What a push would do. Asks the remote, changes nothing.
  public func pushPlan(repository: String, remote: String) async throws(CapabilityError) -> HistoryPushPlan {
    try await HistoryPushRun(path: repository, remote: remote, git: git, seal: seal).planned()
  }

  /// Carries out exactly `plan`.
  /// - Throws: `.conflict` when the remote is not as the plan says: nothing was pushed.
  public func push(
    _ plan: HistoryPushPlan, repository: String, remote: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryPush {
    try await HistoryPushRun(path: repository, remote: remote, git: git, seal: seal).run(
      plan, progress: progress, under: authority)
  }

  private func run(_ repository: String, _ patterns: SecretPatterns, id: String) -> RewriteRun {
    RewriteRun(
      path: repository, id: id, patterns: patterns, options: options, git: git, seal: seal, observe: observe)
  }

  private func patterns(_ removal: HistoryRemoval) throws(CapabilityError) -> SecretPatterns {
    try engine { () throws(GitObjectsError) in
      try SecretPatterns(secrets: removal.secrets, replacement: removal.replacement)
    }
  }
}
