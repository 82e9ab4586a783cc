import Capabilities
import GitObjects

/// A repository as a rewrite will leave it: so a plan looks at the same places as the run does at its end, and both say
/// the same. Changes nothing.
struct RewriteForecast: Sendable {
  private let outcome: RewriteOutcome
  private let renames: ReferenceRenames
  private let patterns: SecretPatterns
  private let configuration: PathBytes
  private var logs: [PathBytes: PathBytes] = [:]
  private var stateFiles: Set<PathBytes> = []
  private var indexes: [PathBytes: [IndexFile.Entry]] = [:]
  private var replaced: Set<PathBytes> = []
  private var movedAway: Set<PathBytes> = []

  init(
    _ layout: RepositoryLayout, outcome: RewriteOutcome, renames: ReferenceRenames,
    patterns: SecretPatterns, keepsWorkTree: Bool
  ) throws(CapabilityError) {
    self.outcome = outcome
    self.renames = renames
    self.patterns = patterns
    configuration = layout.common / "config"
    for log in try layout.reflogs() {
      logs[log.file] = renames.renamed(log.name).map { log.base / "logs" / $0.bytes } ?? log.file
    }
    stateFiles = Set(try layout.stateFiles())
    let paths = PathCleaning(patterns: patterns, renamed: outcome.renamedEntries)
    for tree in layout.workTrees {
      let file = tree.gitDirectory / "index"
      guard DurableFiles.kind(of: file) == .regular, try !IndexFile.isSplit(file) else { continue }
      let index = try IndexFile(path: file)
      let changes = try index.rewrite(by: outcome.fate(of:)) { path throws(CapabilityError) in
        try paths.cleaned(path)
      }
      indexes[file] = index.entries
      guard let root = tree.root, !keepsWorkTree else { continue }
      for (old, new) in changes where old.stage == 0 && !old.isSkipped && DurableFiles.exists(root / old.path)
      {
        if old.path == new.path {
          replaced.insert(root / old.path)
        } else {
          movedAway.insert(root / old.path)
        }
      }
    }
  }

  func name(of reference: ReferenceName) -> ReferenceName { renames.renamed(reference) ?? reference }

  /// Where a file of the git directory will lie.
  func path(of file: PathBytes) -> PathBytes { logs[file] ?? file }

  /// What a file will hold; nil when it stays as it is, whatever its size.
  func content(of file: PathBytes) throws(CapabilityError) -> [UInt8]? {
    if logs[file] != nil {
      let bytes = try DurableFiles.read(file)
      return try Reflog(bytes: bytes).rewritten(by: outcome.fate(of:)) { text throws(CapabilityError) in
        try patterns.clean(text, as: .person)
      }
    }
    if stateFiles.contains(file) {
      return try StateFile(bytes: try DurableFiles.read(file)).rewritten(by: outcome.fate(of:)) {
        text throws(CapabilityError) in
        try patterns.clean(text, as: .blob)
      }
    }
    if file == configuration, !renames.branches.isEmpty {
      return renames.configuration(try DurableFiles.read(file))
    }
    return nil
  }

  /// The index of a work tree; nil when it has none.
  func entries(of tree: RepositoryLayout.WorkTree) -> [IndexFile.Entry]? {
    indexes[tree.gitDirectory / "index"]
  }

  /// A file of a work tree that gets its cleaned content.
  func isReplaced(_ path: PathBytes) -> Bool { replaced.contains(path) }

  /// A file of a work tree that gets another name.
  func isMovedAway(_ path: PathBytes) -> Bool { movedAway.contains(path) }
}
