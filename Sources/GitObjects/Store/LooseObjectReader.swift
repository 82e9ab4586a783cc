/// Reads loose objects: a zlib stream of "kind size\0" and the content. One per thread.
final class LooseObjectReader {
  struct Header {
    let kind: ObjectKind
    /// Of the content.
    let size: Int
    /// Where the content starts in the inflated stream.
    let start: Int
  }

  private let inflater: Inflater
  private static let longestHeader = 32

  init() throws(GitObjectsError) { inflater = try Inflater() }

  /// - Returns: the kind, the inflated stream, and where the content starts in it; nil for a content of more than `limit`
  ///   bytes.
  /// - Throws: `.corrupt`, `.system`.
  func read(_ path: String, atMost limit: Int) throws(GitObjectsError) -> (
    kind: ObjectKind, stream: ByteBuffer, start: Int
  )? {
    let file = try MappedFile(path)
    var largest = Inflater.largestSize(from: file.count)
    if largest > limit {
      let header = try header(file)
      if header.size > limit { return nil }
      largest = header.start + header.size  // a stream that holds more lies
    }
    guard file.count > 0, let stream = inflater.inflate(file.base, file.count, limit: largest) else {
      throw .corrupt(path, "the zlib stream of the loose object is broken")
    }
    guard let header = LooseObjectReader.header(stream.bytes), header.size == stream.count - header.start
    else { throw LooseObjectReader.broken(path) }
    return (header.kind, stream, header.start)
  }

  /// Only the first bytes are inflated.
  /// - Throws: `.corrupt`, `.system`.
  func header(_ file: MappedFile) throws(GitObjectsError) -> Header {
    let stream = try InflateStream(file.base, file.count)
    return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: LooseObjectReader.longestHeader) {
      buffer throws(GitObjectsError) in
      guard let base = buffer.baseAddress, let count = stream.next(base, buffer.count),
        let header = LooseObjectReader.header(UnsafeBufferPointer(start: base, count: count)),
        header.size <= Inflater.largestSize(from: file.count)
      else { throw LooseObjectReader.broken(file.path) }
      return header
    }
  }

  /// Where the compressed bytes of a loose object lie.
  func source(_ path: String) throws(GitObjectsError) -> InflatedContent.Source {
    let file = try MappedFile(path)
    let header = try header(file)
    return .init(
      file: file, start: 0, available: file.count, header: header.start, count: header.size, what: path)
  }

  private static func header(_ stream: UnsafeBufferPointer<UInt8>) -> Header? {
    let start = stream.prefix(longestHeader)
    guard let space = start.firstIndex(of: 0x20), let end = start.firstIndex(of: 0), space < end,
      let kind = ObjectKind(name: start[..<space]),
      let size = Int(String(decoding: start[(space + 1)..<end], as: UTF8.self)), size >= 0
    else { return nil }
    return Header(kind: kind, size: size, start: end + 1)
  }

  private static func broken(_ path: String) -> GitObjectsError {
    .corrupt(path, "the loose object's header is broken or its size wrong")
  }
}
