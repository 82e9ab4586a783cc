import CLibgit2
import Capabilities
import GitObjects

/// An index file (index-format of Git), through libgit2. Owns its `git_index`; used by one task at a time.
final class IndexFile {
  struct Entry: Sendable {
    let path: [UInt8]
    let id: ObjectID
    let stage: Int
    /// A submodule's commit, which is no object of this repository.
    let isGitlink: Bool
    /// Not to be checked out (sparse checkout).
    let isSkipped: Bool
  }

  private let handle: OpaquePointer

  /// - Throws: `.refused` when the file is damaged or has an extension that libgit2 must not ignore.
  init(path: PathBytes) throws(CapabilityError) {
    try LibgitLibrary.start()
    var opened: OpaquePointer?
    let status = path.withCString { git_index_open(&opened, $0) }
    guard status == 0, let opened else { throw LibgitLibrary.failure(status, "read the index \(path.text)") }
    handle = opened
  }

  deinit { git_index_free(handle) }

  /// A split index keeps its entries in another file, which libgit2 does not read.
  static func isSplit(_ path: PathBytes) throws(CapabilityError) -> Bool {
    try DurableFiles.entries(of: path.parent).contains { $0.starts(with: "sharedindex.".utf8) }
  }

  var entries: [Entry] {
    (0..<git_index_entrycount(handle)).compactMap { position in
      guard let entry = git_index_get_byindex(handle, position) else { return nil }
      return IndexFile.entry(entry.pointee)
    }
  }

  /// Gives entries other blobs and paths. Their file times are cleared, so Git compares contents when it looks next.
  /// - Returns: the entries that changed, as they were and as they are.
  func rewrite(
    by fate: (ObjectID) -> ObjectFate, cleanedPath: ([UInt8]) throws(CapabilityError) -> [UInt8]?
  ) throws(CapabilityError) -> [(old: Entry, new: Entry)] {
    var changed: [(old: Entry, new: Entry)] = []
    for old in entries where !old.isGitlink {
      let path = try cleanedPath(old.path)
      let id: ObjectID
      switch fate(old.id) {
      case .unchanged: id = old.id
      case .rewritten(let new): id = new
      case .dropped:  // removed by path or by id
        try check(PathBytes(bytes: old.path).withCString { git_index_remove(handle, $0, Int32(old.stage)) })
        continue
      }
      if id == old.id, path == nil { continue }
      let new = Entry(
        path: path ?? old.path, id: id, stage: old.stage, isGitlink: false, isSkipped: old.isSkipped)
      try replace(old, by: new)
      changed.append((old, new))
    }
    // Resolved conflicts remember the blobs of the three sides: they may be gone, and Git does not need them.
    if !changed.isEmpty { git_index_reuc_clear(handle) }
    if changed.contains(where: { $0.old.path != $0.new.path }) { try forgetDirectories() }
    return changed
  }

  /// Writes to the path it was opened from.
  func write() throws(CapabilityError) { try check(git_index_write(handle)) }

  /// The index remembers trees by their directories' names, which may be what held the secret: write it anew.
  private func forgetDirectories() throws(CapabilityError) {
    var kept: [(path: [UInt8], entry: git_index_entry)] = []
    for position in 0..<git_index_entrycount(handle) {
      guard let found = git_index_get_byindex(handle, position), let entry = IndexFile.entry(found.pointee)
      else {
        continue
      }
      kept.append((entry.path, found.pointee))
    }
    try check(git_index_clear(handle))
    for (path, found) in kept {
      try check(
        PathBytes(bytes: path).withCString { text in
          var entry = found
          entry.path = text
          return git_index_add(handle, &entry)
        })
    }
  }

  private func replace(_ old: Entry, by new: Entry) throws(CapabilityError) {
    let found = PathBytes(bytes: old.path).withCString { git_index_get_bypath(handle, $0, Int32(old.stage)) }
    guard let found else { return }
    var entry = git_index_entry()
    entry.mode = found.pointee.mode
    entry.flags = found.pointee.flags
    entry.flags_extended = found.pointee.flags_extended
    entry.id = git_oid(id: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    withUnsafeMutableBytes(of: &entry.id) { $0.copyBytes(from: new.id.bytes) }
    if new.path != old.path {
      try check(PathBytes(bytes: old.path).withCString { git_index_remove(handle, $0, Int32(old.stage)) })
    }
    try check(
      PathBytes(bytes: new.path).withCString { path in
        entry.path = path
        return git_index_add(handle, &entry)
      })
  }

  private static func entry(_ entry: git_index_entry) -> Entry? {
    guard let text = entry.path else { return nil }
    var path: [UInt8] = []
    var cursor = text
    while cursor.pointee != 0 {
      path.append(UInt8(bitPattern: cursor.pointee))
      cursor += 1
    }
    guard let id = withUnsafeBytes(of: entry.id, { ObjectID(bytes: Array($0)) }) else { return nil }
    let stage = Int(entry.flags >> 12 & 3)  // GIT_INDEX_ENTRY_STAGEMASK
    return Entry(
      path: path, id: id, stage: stage, isGitlink: entry.mode == 0o160000,
      isSkipped: entry.flags_extended & UInt16(GIT_INDEX_ENTRY_SKIP_WORKTREE.rawValue) != 0)
  }

  private func check(_ status: Int32) throws(CapabilityError) {
    guard status == 0 else { throw LibgitLibrary.failure(status, "change the index") }
  }
}
