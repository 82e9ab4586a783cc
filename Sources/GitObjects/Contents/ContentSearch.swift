/// Hears what a search of one file finds.
package protocol ContentListener: AnyObject {
  /// - Parameters:
  ///   - trail: names of members, the outermost first; empty: the file itself.
  func found(_ hit: SecretPatterns.TextHit, _ part: ContentPart, in trail: [[UInt8]])

  /// Gets contents with hits that fit into one window, before ``found(_:_:in:)``.
  /// - Returns: true: it has told of them itself.
  func tells(_ hits: [SecretPatterns.TextHit], in text: UnsafeBufferPointer<UInt8>, at trail: [[UInt8]])
    -> Bool

  /// Why something was left out.
  func notSearched(_ why: String, in trail: [[UInt8]])

  /// So many bytes were searched.
  func passed(_ bytes: Int)
}

/// In what of a file or member a hit stands.
package enum ContentPart: String, Sendable, Hashable {
  case content
  /// A member's name, or where it points.
  case name
  /// What stands between an archive's members: its directory, comments, headers, what was taken out.
  case frame
  /// A value in several pages of a database.
  case pages
}

/// Searches a file and, where it is an archive, what is in it, in one pass and constant memory.
///
/// Archives are a stranger's: what they say of themselves is checked, what comes out of them is bounded (``ContentLimits``), and
/// nothing of them is ever written to a file. What cannot be searched is named, never passed over.
package final class ContentSearch {
  private let windows: WindowSearch
  private let limits: ContentLimits
  private let listener: any ContentListener
  private let budget: UnpackingBudget
  private var members = 0
  private var log: () -> FileRegion? = { nil }
  private var isSpentSaid = false

  /// - Parameter isCancelled: asked once for each window and member.
  package init(
    patterns: SecretPatterns, limits: ContentLimits = ContentLimits(), listener: any ContentListener,
    isCancelled: @escaping () -> Bool = { false }
  ) {
    windows = WindowSearch(patterns: patterns, isCancelled: isCancelled)
    self.limits = limits
    self.listener = listener
    budget = UnpackingBudget(limits.unpacked)
  }

  /// Searches one file.
  ///
  /// - Parameters:
  ///   - file: read in place.
  ///   - log: opens the write-ahead log beside it; asked only for a SQLite file. It is searched on its own as a file, too.
  /// - Throws: `.unsupported` when an expression cannot be matched here; `.cancelled`.
  package func search(_ file: any ByteRegion, log: @escaping () -> FileRegion? = { nil })
    throws(GitObjectsError)
  {
    self.log = log
    try search(.region(file), [], 0)
  }

  /// Searches what comes one byte after another. What must be read from its end is held in memory, as within an archive.
  ///
  /// - Parameter size: what it says to have.
  package func search(_ feed: any ByteFeed, size: Int?) throws(GitObjectsError) {
    log = { nil }
    try search(.stream(feed, size: size), [], 0)
  }

  private enum Content {
    case region(any ByteRegion)
    case stream(any ByteFeed, size: Int?)
  }

  private func search(
    _ content: Content, _ trail: [[UInt8]], _ depth: Int
  ) throws(GitObjectsError) {
    let head = ByteBuffer(capacity: ContentKind.wanted)
    var feed: any ByteFeed
    var size: Int?
    do throws(FeedError) {
      switch content {
      case .region(let region):
        feed = region.feed()
        size = region.count
        let wanted = min(ContentKind.wanted, region.count)
        try region.read(at: 0, wanted, to: head.base)
        head.count = wanted
      case .stream(let source, let stated):
        size = stated
        feed = source
        _ = try source.fill(head, ContentKind.wanted)
        feed = PrefixedFeed(head, source)
      }
    } catch {
      // What came before it broke is searched all the same.
      leave(error, trail)
      return try plain(RegionFeed(BufferRegion(head), 0..<head.count), head.count, trail)
    }
    var kind = ContentKind(head.bytes)
    if kind == .plain, case .region(let region) = content, ZipDirectory.isAtEnd(of: region) { kind = .zip }
    if depth >= limits.depth, [.gzip, .zip, .tar].contains(kind) {
      kind = .closed("archives are followed \(limits.depth) deep, and it is another one")
    }
    switch kind {
    case .plain: try plain(feed, size, trail)
    case .closed(let why):
      listener.notSearched(why, in: trail)
      try plain(feed, size, trail)
    case .gzip: try gzip(feed, trail, depth)
    case .tar: try tar(feed, trail, depth)
    case .zip:
      let what = "a zip archive inside an archive"
      guard let region = try region(of: content, feed, what, trail) else { return }
      try zip(region, trail, depth)
    case .sqlite:
      let what = "a SQLite file inside an archive, whose values may lie over several pages,"
      guard let region = try region(of: content, feed, what, trail) else { return }
      try plain(region.feed(), region.count, trail)
      try longValues(region, depth == 0 ? log() : nil, trail)
    }
  }

  /// What must be read from its end: as it is, or held in memory.
  /// - Returns: nil: it is too large, which was said, and it was searched as it is.
  private func region(of content: Content, _ feed: any ByteFeed, _ what: String, _ trail: [[UInt8]])
    throws(GitObjectsError) -> (any ByteRegion)?
  {
    if case .region(let region) = content { return region }
    let held = ByteBuffer(capacity: 1 << 16)
    do throws(FeedError) {
      while held.count <= limits.held {
        if try !feed.fill(held, min(1 << 20, limits.held + 1 - held.count)) { return BufferRegion(held) }
        if held.count > limits.held { break }
      }
      listener.notSearched("\(what) has more than \(ContentLimits.words(limits.held))", in: trail)
    } catch {
      leave(error, trail)
    }
    try plain(PrefixedFeed(held, feed), nil, trail)
    return nil
  }

  private func plain(
    _ feed: any ByteFeed, _ size: Int?, _ trail: [[UInt8]], _ part: ContentPart = .content
  ) throws(GitObjectsError) {
    var count = 0
    let failure = try windows.run(
      feed, expecting: size,
      whole: { [listener] text, hits in part == .content && listener.tells(hits, in: text, at: trail) },
      passed: { [listener] in listener.passed($0) }
    ) { [listener, limits] hit in
      count += 1
      if count <= limits.hits { listener.found(hit, part, in: trail) }
    }
    if count > limits.hits {
      listener.notSearched(
        "it holds \(count) matches; those behind the first \(limits.hits) are not listed", in: trail)
    }
    if let failure { leave(failure, trail) }
  }

  /// Names what cannot be read. That no more of a file is unpacked is said once, not for each archive around it.
  private func leave(_ failure: FeedError, _ trail: [[UInt8]]) {
    if budget.isSpent {
      guard !isSpentSaid else { return }
      isSpentSaid = true
    }
    listener.notSearched(failure.why, in: trail)
  }

  /// - Returns: false: no more of this file is unpacked.
  private func admitsMember(_ trail: [[UInt8]]) throws(GitObjectsError) -> Bool {
    if windows.isCancelled() { throw .cancelled }
    members += 1
    if members == limits.members + 1 {
      listener.notSearched("it has more than \(limits.members) members", in: trail)
    }
    return members <= limits.members && !budget.isSpent
  }

  private func name(_ name: [UInt8], _ trail: [[UInt8]]) throws(GitObjectsError) -> Bool {
    guard let hit = try windows.patterns.hits(in: name).first else { return false }
    listener.found(hit, .name, in: trail)
    return true
  }

  // MARK: gzip

  private func gzip(_ feed: any ByteFeed, _ trail: [[UInt8]], _ depth: Int) throws(GitObjectsError) {
    let inflated: InflateFeed
    do throws(FeedError) { inflated = try InflateFeed(feed, .gzip, budget) } catch {
      return leave(error, trail)
    }
    try search(.stream(inflated, size: nil), trail, depth + 1)
    if inflated.hasSurplus {
      listener.notSearched("bytes stand behind the end of its compressed data", in: trail)
    }
  }

  // MARK: tar

  private func tar(_ feed: any ByteFeed, _ trail: [[UInt8]], _ depth: Int) throws(GitObjectsError) {
    var reader = TarReader(feed, limits)
    while true {
      let next: TarReader.Member?
      do throws(FeedError) { next = try reader.next() } catch {
        leave(error, trail)
        break
      }
      guard let member = next else { break }
      guard try admitsMember(trail) else { return }
      let inside = trail + [member.name]
      var isNamed = false
      for text in [member.name, member.target] where !isNamed && !text.isEmpty {
        isNamed = try name(text, inside)
      }
      // Owners, comments, extended attributes.
      if !isNamed { try plain(bytes: member.header, inside, .frame) }
      if member.size > 0 { try search(.stream(member.content, size: member.size), inside, depth + 1) }
      if budget.isSpent { return }
    }
    // What stands behind the end mark, or cannot be told apart any more.
    try plain(PrefixedFeed(reader.unread, feed), nil, trail, .frame)
  }

  private func plain(bytes: [UInt8], _ trail: [[UInt8]], _ part: ContentPart) throws(GitObjectsError) {
    guard let hit = try windows.patterns.hits(in: bytes).first else { return }
    listener.found(hit, part, in: trail)
  }

  // MARK: zip

  private func zip(_ region: any ByteRegion, _ trail: [[UInt8]], _ depth: Int) throws(GitObjectsError) {
    var directory: ZipDirectory
    do throws(FeedError) { directory = try ZipDirectory(region) } catch {
      leave(error, trail)
      return try plain(region.feed(), region.count, trail)
    }
    var ranges: [Range<Int>] = []
    var isNamed = false
    while true {
      let next: ZipDirectory.Member?
      do throws(FeedError) { next = try directory.next() } catch {
        leave(error, trail)
        continue
      }
      guard let member = next, try admitsMember(trail) else { break }
      ranges.append(member.packed)
      let inside = trail + [member.name]
      if try name(member.name, inside) { isNamed = true }
      try search(member, of: region, inside, depth)
      if budget.isSpent { break }
    }
    try frame(of: region, besides: ranges, isNamed: isNamed, trail)
  }

  private func search(
    _ member: ZipDirectory.Member, of region: any ByteRegion, _ trail: [[UInt8]], _ depth: Int
  ) throws(GitObjectsError) {
    guard !member.isEncrypted else { return listener.notSearched("it is encrypted", in: trail) }
    let packed = RegionFeed(region, member.packed)
    switch member.method {
    case 0:
      guard !member.packed.isEmpty else { return }
      try search(.stream(packed, size: member.packed.count), trail, depth + 1)
    case 8:
      let inflated: InflateFeed
      do throws(FeedError) { inflated = try InflateFeed(packed, .deflate, budget) } catch {
        return leave(error, trail)
      }
      try search(.stream(inflated, size: nil), trail, depth + 1)
      if inflated.hasSurplus {
        listener.notSearched("bytes stand behind the end of its compressed data", in: trail)
      }
    default:
      let name = ZipDirectory.name(ofMethod: member.method)
      listener.notSearched("it is compressed with \(name), which is not unpacked here", in: trail)
    }
  }

  /// What no member's bytes are: headers, directory, comments, a program before the archive, what was taken out of it.
  private func frame(
    of region: any ByteRegion, besides members: [Range<Int>], isNamed: Bool, _ trail: [[UInt8]]
  ) throws(GitObjectsError) {
    var first: SecretPatterns.TextHit?
    var position = 0
    let end = region.count..<region.count
    for range in members.sorted(by: { $0.lowerBound < $1.lowerBound }) + [end] {
      if position < range.lowerBound {
        let gap = RegionFeed(region, position..<range.lowerBound)
        let failure = try windows.run(gap, expecting: range.lowerBound - position) { first = first ?? $0 }
        if let failure { return leave(failure, trail) }
      }
      position = max(position, range.upperBound)
    }
    // A name stands there twice, and was told.
    if let first, !isNamed { listener.found(first, .frame, in: trail) }
  }

  // MARK: SQLite

  private func longValues(_ region: any ByteRegion, _ log: (any ByteRegion)?, _ trail: [[UInt8]])
    throws(GitObjectsError)
  {
    var error: GitObjectsError?
    do throws(FeedError) {
      let chains = try SQLiteChains(region, log: log)
      error = try chains.forEach { [listener, windows] (feed, seams) throws(GitObjectsError) in
        _ = try windows.run(feed) { hit in
          guard seams.isCrossed(by: hit.offset..<(hit.offset + hit.length)) else { return }
          listener.found(hit, .pages, in: trail)
        }
      }
    } catch {
      leave(error, trail)
    }
    if let error { throw error }
  }
}
