/// Reads loose objects: a zlib stream of "kind size\0" and the content. One per thread.
final class LooseObjectReader {
  private let inflater: Inflater
  /// Git's own limit is the address space; a header that claims more than this is refused before memory is taken.
  private static let largest = 1 << 32

  init() throws(GitObjectsError) { inflater = try Inflater() }

  /// - Returns: the kind, the inflated stream, and where the content starts in it.
  /// - Throws: `.corrupt`, `.system`.
  func read(_ path: String) throws(GitObjectsError) -> (kind: ObjectKind, stream: ByteBuffer, start: Int) {
    let file = try MappedFile(path)
    let limit = min(LooseObjectReader.largest, Inflater.largestSize(from: file.count))
    guard file.count > 0, let stream = inflater.inflate(file.base, file.count, limit: limit) else {
      throw .corrupt(path, "the zlib stream of the loose object is broken")
    }
    let header = stream.bytes.prefix(32)
    guard let space = header.firstIndex(of: 0x20), let end = header.firstIndex(of: 0), space < end,
      let kind = ObjectKind(name: header[..<space]),
      let size = Int(String(decoding: header[(space + 1)..<end], as: UTF8.self)),
      size == stream.count - end - 1
    else { throw .corrupt(path, "the loose object's header is broken or its size wrong") }
    return (kind, stream, end + 1)
  }
}
