import CFastHash

/// Rewrites, or stores anew, contents that are too large for memory: read twice, never held.
struct LargeRewrite {
  let state: RewriteState
  let spool: Spool
  let progress: EngineProgress

  /// Those of `top` and its deltas that are to be spooled, each whole: a delta would need both sides in memory.
  func rewrite(_ top: Int, _ reader: EntryReader, isWanted: (Int) -> Bool, isTarget: (Int) -> Bool)
    throws(GitObjectsError)
  {
    try LargeObjects(reader: reader).forEach(
      from: top, where: isWanted,
      { (object, content) throws(GitObjectsError) in
        if isTarget(object) { try spoolWhole(object, content) }
      },
      unreadable: { (_, error) throws(GitObjectsError) in throw error })
  }

  private func spoolWhole(_ object: Int, _ content: any ObjectContent) throws(GitObjectsError) {
    let what = state.table.place(of: object)
    guard state.isNeeded(object) else {
      // Clean: its id stays, only its base goes.
      try spool.begin(object: object, kind: .blob, size: content.count)
      var windows = ContentWindows(content, overlap: 0)
      while let window = try windows.next() {
        try spool.append(window.text, isLast: window.isLast)
        if progress.isCancelled() { throw .cancelled }
      }
      return
    }
    let cleaning = LargeCleaning(
      patterns: state.patterns, progress: progress, window: state.table.window)
    var size = 0
    // The size stands before the content, in the object's name and in the pack.
    try cleaning.run(content, what: what) { piece in size += piece.count }
    guard let hash = fast_hash_stream_new() else { throw .system("hash \(what)") }
    defer { fast_hash_stream_free(hash) }
    let header = Array("blob \(size)\0".utf8)
    fast_hash_stream_update(hash, header, header.count)
    try spool.begin(object: object, kind: .blob, size: size)
    var rest = size
    try cleaning.run(content, what: what) { (piece) throws(GitObjectsError) in
      fast_hash_stream_update(hash, piece.baseAddress, piece.count)
      rest -= piece.count
      try spool.append(piece, isLast: rest == 0)
    }
    if size == 0 { try spool.append(UnsafeBufferPointer(start: nil, count: 0), isLast: true) }
    guard state.newID(object) == .zero else { return }
    var digest = [UInt8](repeating: 0, count: 20)
    fast_hash_stream_finish(hash, &digest)
    state.setNewID(object, ObjectID(bytes: digest) ?? .zero)
  }
}
