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
  /// - Throws: `.corrupt`, `.system`.
  func stored(_ object: Int) throws(GitObjectsError) -> ByteBuffer {
    guard !table.isLoose(object) else {
      let (_, stream, start) = try loose.read(table.place(of: object))
      let buffer = pool.take(stream.count - start)
      buffer.append(stream.base + start, stream.count - start)
      return buffer
    }
    let (pack, offset) = table.entry(object)
    let end = offset + Int(table.length[object])
    guard let header = PackEntryHeader(at: offset, end: end, in: pack.pack.base) else {
      throw .corrupt(table.place(of: object), "the entry's header is broken")
    }
    let buffer = pool.take(header.size)
    guard
      let used = inflater.inflate(
        pack.pack.base + header.start, end - header.start, to: buffer.base, size: header.size),
      used == end - header.start
    else { throw .corrupt(table.place(of: object), "the zlib stream is broken or of another size") }
    buffer.count = header.size
    return buffer
  }

  /// The content that `delta` makes of `base`.
  /// - Throws: `.corrupt`.
  func applied(_ delta: UnsafeBufferPointer<UInt8>, to base: UnsafeBufferPointer<UInt8>, object: Int)
    throws(GitObjectsError) -> ByteBuffer
  {
    guard let operations = DeltaOperations(delta), operations.baseSize == base.count,
      operations.resultSize <= EntryReader.largestResult(delta)
    else { throw broken(object) }
    let buffer = pool.take(operations.resultSize)
    buffer.count = operations.resultSize
    guard operations.apply(to: base, into: buffer.base) else { throw broken(object) }
    return buffer
  }

  /// The whole content of `object`, through its delta chain.
  /// - Throws: `.corrupt`, `.system`.
  func content(_ object: Int) throws(GitObjectsError) -> ByteBuffer {
    var chain: [Int] = [object]
    var root = object
    while table.parent[root] != ObjectTable.none {
      root = Int(table.parent[root])
      chain.append(root)
    }
    chain.removeLast()
    var content = try stored(root)
    while let next = chain.popLast() {
      let delta = try stored(next)
      let result = try applied(delta.bytes, to: content.bytes, object: next)
      give(delta)
      give(content)
      content = result
    }
    return content
  }

  func give(_ buffer: ByteBuffer) { pool.give(buffer) }

  func broken(_ object: Int) -> GitObjectsError {
    .corrupt(table.place(of: object), "its delta does not fit its base")
  }

  /// One delta instruction of at most 8 bytes copies at most 16 MiB: a larger claimed result is a lie.
  private static func largestResult(_ delta: UnsafeBufferPointer<UInt8>) -> Int { delta.count << 24 }
}
