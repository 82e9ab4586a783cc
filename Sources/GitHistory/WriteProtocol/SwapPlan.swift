import Capabilities
import GitObjects
import Secrets

/// What a rewrite moves: for each file, where its old and its new content lie. Complete and on disk before anything moves.
///
/// Every step can be repeated: an old file that is already in the vault, or a new one that is already in its place, is
/// left alone. So a crash at any point goes forward or back by running the same list again.
struct SwapPlan: Sendable, Equatable {
  /// The order in which files move: references change in one rename, before any old object goes.
  enum Stage: Int, Sendable, CaseIterable {
    case newObjects, packedReferences, looseReferences, logs, index, configuration, workTree, oldObjects
  }

  struct File: Sendable, Equatable {
    let stage: Stage
    /// Absolute in memory.
    let path: PathBytes
    /// The old content's number in the vault; nil when nothing was there.
    let vault: Int?
    /// The new content's place; nil when the path goes.
    let staged: PathBytes?
  }

  var files: [File] = []
  /// Lock files, in the order in which they are taken.
  var locks: [PathBytes] = []
  /// References with another name, new → old: old names may hold the secret, so they stand nowhere else.
  var renames: [ReferenceName: ReferenceName] = [:]
  /// Packs and loose objects that were there before: what a restore leaves.
  var objectFiles: Set<PathBytes> = []
  /// References after the swap, for the check before a restore.
  var after: [ReferenceName: String] = [:]
  /// References before the swap, for the check after a restore.
  var before: [ReferenceName: String] = [:]

  /// One line a record, fields by tabs; paths as in ``PlanBases``, names in hexadecimal.
  func bytes(_ bases: PlanBases) -> [UInt8] {
    var text = "staunch swap plan 1\n"
    for file in files {
      let staged = file.staged.map { bases.text($0) } ?? "-"
      text +=
        "file\t\(file.stage.rawValue)\t\(bases.text(file.path))\t\(file.vault.map(String.init) ?? "-")\t\(staged)\n"
    }
    for path in objectFiles.sorted() { text += "object\t\(bases.text(path))\n" }
    for (new, old) in renames.sorted(by: { $0.key < $1.key }) {
      text += "rename\t\(Hex.text(new.bytes))\t\(Hex.text(old.bytes))\n"
    }
    for lock in locks { text += "lock\t\(bases.text(lock))\n" }
    for (kind, values) in [("before", before), ("after", after)] {
      for (name, value) in values.sorted(by: { $0.key < $1.key }) {
        text += "\(kind)\t\(Hex.text(name.bytes))\t\(value)\n"
      }
    }
    return Array((text + "end\n").utf8)
  }

  init() {}

  /// - Throws: `.invalid` when the file was cut off or changed.
  init(bytes: [UInt8], _ bases: PlanBases) throws(CapabilityError) {
    let lines = bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    guard lines.first == "staunch swap plan 1", lines.last == "end" else { throw SwapPlan.damaged }
    for line in lines.dropFirst().dropLast() {
      try read(line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init), bases)
    }
  }

  private mutating func read(_ fields: [String], _ bases: PlanBases) throws(CapabilityError) {
    switch (fields.first, fields.count) {
    case ("file", 5):
      guard let raw = Int(fields[1]), let stage = Stage(rawValue: raw), let path = bases.path(fields[2])
      else {
        throw SwapPlan.damaged
      }
      let vault = Int(fields[3])
      let staged = bases.path(fields[4])
      guard (fields[3] == "-") == (vault == nil), (fields[4] == "-") == (staged == nil) else {
        throw SwapPlan.damaged
      }
      files.append(File(stage: stage, path: path, vault: vault, staged: staged))
    case ("lock", 2):
      guard let path = bases.path(fields[1]) else { throw SwapPlan.damaged }
      locks.append(path)
    case ("rename", 3):
      guard let new = Hex.bytes(fields[1]), let old = Hex.bytes(fields[2]) else { throw SwapPlan.damaged }
      renames[ReferenceName(bytes: new)] = ReferenceName(bytes: old)
    case ("object", 2):
      guard let path = bases.path(fields[1]) else { throw SwapPlan.damaged }
      objectFiles.insert(path)
    case ("before", 3):
      guard let name = Hex.bytes(fields[1]) else { throw SwapPlan.damaged }
      before[ReferenceName(bytes: name)] = fields[2]
    case ("after", 3):
      guard let name = Hex.bytes(fields[1]) else { throw SwapPlan.damaged }
      after[ReferenceName(bytes: name)] = fields[2]
    default: throw SwapPlan.damaged
    }
  }

  private static let damaged = CapabilityError(
    .invalid, "read the plan of the rewrite", because: "its file is cut off or was changed",
    fix: "the vault beside it still holds every old file; restore .git from it or from a clone")
}
