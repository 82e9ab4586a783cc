public import Capabilities
import GitObjects

/// Everything a scan found out, for the command line.
public struct ScanReport: Sendable {
  /// One occurrence.
  public struct Finding: Sendable {
    public let place: HistoryPlace
    /// The first and last commit that hold it, in the order of history; nil for what no commit holds.
    public let firstCommit: String?
    public let lastCommit: String?
    /// In no reference's history: reachable through a reflog at most.
    public let isUnreachable: Bool
    /// Number of the expression, from 0; nil outside of objects.
    public let pattern: Int?

    init(place: HistoryPlace, location: ShownLocations.Location?, pattern: Int?) {
      self.place = place
      firstCommit = location?.first?.hex
      lastCommit = location?.last?.hex
      isUnreachable = location.map { $0.references.isEmpty } ?? false
      self.pattern = pattern
    }
  }

  public let findings: [Finding]
  public let objects: Int
  public let commits: Int
  /// Undo vaults of earlier rewrites: they hold what was removed, until shredded.
  public let backups: [String]
  /// Repositories of submodules in this one's `modules/`: not searched, each is a repository of its own.
  public let submodules: [String]
  /// What else could not be searched.
  public let notSearched: [HistoryUnsearched]
  /// Older history is not here (a shallow clone): the first commit found may not be the first.
  public let isCutOff: Bool

  public var places: [HistoryPlace] { findings.map(\.place) }
  public var isClean: Bool { findings.isEmpty }
}
