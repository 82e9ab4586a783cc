import Synchronization

/// File names for the spools of one pass.
final class SpoolNames: Sendable {
  private let prefix: String?
  private let count = Mutex(0)

  init(prefix: String?) { self.prefix = prefix }

  /// A new name, or nil in a plan.
  func next() -> String? {
    guard let prefix else { return nil }
    return count.withLock { count in
      count += 1
      return "\(prefix)\(count)"
    }
  }
}
