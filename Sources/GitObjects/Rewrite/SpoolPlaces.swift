import Synchronization

/// The places of all spools of one rewrite: files get a number behind a common prefix.
final class SpoolPlaces: Sendable {
  private let common: SpoolPlace
  private let count = Mutex(0)

  init(_ common: SpoolPlace) { self.common = common }

  /// A new place.
  func next() -> SpoolPlace {
    guard case .file(let prefix) = common else { return common }
    return .file(
      count.withLock { count in
        count += 1
        return "\(prefix)-\(count)"
      })
  }
}
