public import Capabilities
import GitObjects
import Synchronization

/// A plan that can be carried out without searching again, while nothing has changed. To be used once.
public final class PlannedRewrite: Sendable {
  /// What a plan says.
  public let summary: HistoryRewrite
  let path: String
  let patterns: SecretPatterns

  /// What was read and made for the plan.
  struct Work: Sendable {
    /// Before anything was read.
    let state: RepositoryState
    let repository: OpenRepository
    let rewrite: PreparedRewrite
  }
  private let work: Mutex<Work?>

  init(_ summary: HistoryRewrite, path: String, patterns: SecretPatterns, work: Work) {
    self.summary = summary
    self.path = path
    self.patterns = patterns
    self.work = Mutex(work)
  }

  /// What the plan has made, when the repository is still what was read. Whoever takes it has the only one, so that its
  /// memory is free once it is written.
  func take(for layout: RepositoryLayout) throws(CapabilityError) -> Work? {
    let work = work.withLock { work in
      defer { work = nil }
      return work
    }
    guard let work, work.rewrite.canBeWritten, try RepositoryState(layout) == work.state else { return nil }
    return work
  }
}
