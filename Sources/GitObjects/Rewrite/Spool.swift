import Foundation

/// One object or delta, compressed, waiting to be placed in the new pack.
struct SpooledEntry {
  let object: UInt32
  let kind: ObjectKind
  /// The delta base (an old object whose successor is meant), or ``ObjectTable/none``.
  let base: UInt32
  /// Inflated size.
  let size: Int
  /// Where the compressed bytes lie in the spool file.
  let offset: Int
  let count: Int
}

/// Compressed entries in a file of their own, because they may be larger than memory. One per thread.
///
/// Invariant for @unchecked: written by one thread, read after it has been joined.
final class Spool: @unchecked Sendable {
  private let path: String?
  private let descriptor: Int32
  private let buffer = ByteBuffer(capacity: 1 << 20)
  private var written = 0
  private(set) var entries: [SpooledEntry] = []
  /// Entries that succeed no single old object.
  private(set) var extras: [(id: ObjectID, entry: Int)] = []
  private let deflater: Deflater
  private var mapped: MappedFile?

  /// - Parameter path: a new file; nil to throw the bytes away (a plan).
  init(_ path: String?) throws(GitObjectsError) {
    self.path = path
    deflater = try Deflater()
    if let path {
      descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw .system("create \(path)") }
    } else {
      descriptor = -1
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func add(object: Int, kind: ObjectKind, base: UInt32, bytes: UnsafeBufferPointer<UInt8>)
    throws(GitObjectsError)
  {
    guard path != nil else { return }
    let offset = written + buffer.count
    let count = deflater.deflate(bytes, to: buffer)
    entries.append(
      SpooledEntry(
        object: UInt32(object), kind: kind, base: base, size: bytes.count, offset: offset, count: count))
    if buffer.count > 1 << 19 { try flush() }
  }

  /// A new object that is not the successor of one old object, such as a notes tree.
  func addExtra(_ id: ObjectID, kind: ObjectKind, bytes: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) {
    guard path != nil else { return }
    extras.append((id, entries.count))
    let offset = written + buffer.count
    let count = deflater.deflate(bytes, to: buffer)
    entries.append(
      SpooledEntry(
        object: ObjectTable.none, kind: kind, base: ObjectTable.none, size: bytes.count, offset: offset,
        count: count))
  }

  private func flush() throws(GitObjectsError) {
    try FileBytes.write(buffer.bytes, to: descriptor, what: path ?? "")
    written += buffer.count
    buffer.count = 0
  }

  /// Ends writing; ``bytes(of:)`` may be called from now on.
  func finish() throws(GitObjectsError) {
    guard let path else { return }
    try flush()
    mapped = try MappedFile(path)
  }

  func bytes(of entry: SpooledEntry) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: mapped.map { $0.base + entry.offset }, count: entry.count)
  }
}

/// Whole writes.
enum FileBytes {
  static func write(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32, what: String)
    throws(GitObjectsError)
  {
    guard var position = bytes.baseAddress else { return }
    var rest = bytes.count
    while rest > 0 {
      let count = Foundation.write(descriptor, position, rest)
      if count < 0 {
        if errno == EINTR { continue }
        throw .system("write \(what)")
      }
      position += count
      rest -= count
    }
  }

  /// Makes a file's bytes, or a directory's entries, survive a power failure.
  static func sync(_ path: String) throws(GitObjectsError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open \(path)") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system("sync \(path)") }
  }
}
