/// Inflates pack entries and loose objects into memory. One per thread.
final class EntryReader {
  let table: ObjectTable
  private let inflater: Inflater
  private let loose: LooseObjectReader
  private let pool = BufferPool()

  init(_ table: ObjectTable) throws(GitObjectsError) {
    self.table = table
    inflater = try Inflater()
    loose = try LooseObjectReader()
  }

  /// The entry of `object` as stored: its content, or its delta. Give the buffer back with ``give(_:)``.
  /// - Returns: nil when it is too large for memory (``LargeObjects`` reads it).
  /// - Throws: `.corrupt`, `.system`; `.unsupported` for a commit, tree or tag of such a size.
  func stored(_ object: Int) throws(GitObjectsError) -> ByteBuffer? {
    if let buffer = try stored(object, atMost: table.limit(object)) { return buffer }
    guard table.kind[object] == ObjectKind.blob.rawValue else { throw tooLarge(object) }
    return nil
  }

  /// The same with a limit of the caller's.
  func stored(_ object: Int, atMost limit: Int) throws(GitObjectsError) -> ByteBuffer? {
    guard !table.isLoose(object) else {
      guard let (_, stream, start) = try loose.read(table.place(of: object), atMost: limit) else {
        return nil
      }
      let buffer = pool.take(stream.count - start)
      buffer.append(stream.base + start, stream.count - start)
      return buffer
    }
    let (pack, header, end) = try entry(object)
    guard header.size <= limit else { return nil }
    let buffer = pool.take(header.size)
    guard
      let used = inflater.inflate(
        pack.pack.base + header.start, end - header.start, to: buffer.base, size: header.size),
      used == end - header.start
    else { throw .corrupt(table.place(of: object), "the zlib stream is broken or of another size") }
    buffer.count = header.size
    return buffer
  }

  @inline(__always)
  private func entry(_ object: Int) throws(GitObjectsError) -> (PackFile, PackEntryHeader, end: Int) {
    let (pack, offset) = table.entry(object)
    let end = offset + Int(table.length[object])
    guard let header = PackEntryHeader(at: offset, end: end, in: pack.pack.base) else {
      throw .corrupt(table.place(of: object), "the entry's header is broken")
    }
    return (pack, header, end)
  }

  /// Where the compressed bytes of `object` lie.
  func source(of object: Int) throws(GitObjectsError) -> InflatedContent.Source {
    let what = table.place(of: object)
    if table.isLoose(object) { return try loose.source(what) }
    let (pack, header, end) = try entry(object)
    return .init(
      file: pack.pack, start: header.start, available: end - header.start, header: 0, count: header.size,
      what: what)
  }

  /// The content that `delta` makes of `base`; nil when it is too large for memory.
  /// - Throws: `.corrupt`; `.unsupported` as ``stored(_:)``.
  func applied(_ delta: UnsafeBufferPointer<UInt8>, to base: UnsafeBufferPointer<UInt8>, object: Int)
    throws(GitObjectsError) -> ByteBuffer?
  {
    guard let operations = DeltaOperations(delta), operations.baseSize == base.count,
      operations.resultSize <= EntryReader.largestResult(delta)
    else { throw broken(object) }
    guard operations.resultSize <= table.limit(object) else {
      guard table.kind[object] == ObjectKind.blob.rawValue else { throw tooLarge(object) }
      return nil
    }
    let buffer = pool.take(operations.resultSize)
    buffer.count = operations.resultSize
    guard operations.apply(to: base, into: buffer.base) else { throw broken(object) }
    return buffer
  }

  /// The whole content of `object`, through its delta chain.
  /// - Throws: `.corrupt`, `.system`; `.unsupported` when it, or one that it stands on, is too large for memory.
  func content(_ object: Int) throws(GitObjectsError) -> ByteBuffer {
    var chain: [Int] = [object]
    var root = object
    while table.parent[root] != ObjectTable.none {
      root = Int(table.parent[root])
      chain.append(root)
    }
    chain.removeLast()
    guard var content = try stored(root) else { throw tooLarge(root) }
    while let next = chain.popLast() {
      guard let delta = try stored(next),
        let result = try applied(delta.bytes, to: content.bytes, object: next)
      else { throw tooLarge(next) }
      give(delta)
      give(content)
      content = result
    }
    return content
  }

  private func tooLarge(_ object: Int) -> GitObjectsError {
    GitObjectsError(
      .unsupported, what: table.place(of: object),
      why: "it is a \(table.kind(object)) of more than \(table.limit(object) >> 20) MiB",
      fix: "look at it: git cat-file -s \(table.ids[object])")
  }

  func give(_ buffer: ByteBuffer) { pool.give(buffer) }

  func broken(_ object: Int) -> GitObjectsError {
    .corrupt(table.place(of: object), "its delta does not fit its base")
  }

  /// One delta instruction of at most 8 bytes copies at most 16 MiB: a larger claimed result is a lie.
  private static func largestResult(_ delta: UnsafeBufferPointer<UInt8>) -> Int { delta.count << 24 }
}
