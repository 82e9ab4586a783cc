import CFastHash
import Foundation
import Synchronization

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

/// How much the spools of one rewrite may keep in memory together.
final class SpoolBudget: Sendable {
  private let rest: Mutex<Int>
  private let exceeded = Atomic(false)
  /// It was not enough, and there was no file to go on in: nothing is kept any more.
  var isExceeded: Bool { exceeded.load(ordering: .relaxed) }

  init(bytes: Int) { rest = Mutex(bytes) }

  func exceed() { exceeded.store(true, ordering: .relaxed) }

  /// False when nothing is left.
  func take(_ bytes: Int) -> Bool {
    rest.withLock { rest in
      guard rest >= bytes else { return false }
      rest -= bytes
      return true
    }
  }
}

/// Where new entries are kept until their pack is written.
enum SpoolPlace: Sendable {
  /// A plan: only their ids are wanted.
  case nowhere
  /// Nothing may be written yet: all of them within the budget, or none.
  case memory
  /// In memory while the budget lasts, then in this new file.
  case file(String)
}

/// Compressed entries, kept where ``SpoolPlace`` says. One per thread.
///
/// Invariant for @unchecked: written by one thread, read after it has been joined.
final class Spool: @unchecked Sendable {
  private let place: SpoolPlace
  private let budget: SpoolBudget
  private var buffer = ByteBuffer(capacity: 1 << 16)
  private var granted = 1 << 16
  private var descriptor: Int32 = -1
  private var written = 0
  private(set) var entries: [SpooledEntry] = []
  /// Entries that succeed no single old object.
  private(set) var extras: [(id: ObjectID, entry: Int)] = []
  private let deflater: Deflater
  private var mapped: MappedFile?
  private var open: (entry: SpooledEntry, stream: DeflateStream)?

  private static let step = 1 << 22

  init(_ place: SpoolPlace, budget: SpoolBudget) throws(GitObjectsError) {
    self.place = place
    self.budget = budget
    deflater = try Deflater()
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func add(object: Int, kind: ObjectKind, base: UInt32, bytes: UnsafeBufferPointer<UInt8>)
    throws(GitObjectsError)
  {
    if case .nowhere = place { return }
    guard !budget.isExceeded else { return discard() }
    let offset = written + buffer.count
    let count = deflater.deflate(bytes, kind, to: buffer)
    entries.append(
      SpooledEntry(
        object: UInt32(object), kind: kind, base: base, size: bytes.count, offset: offset, count: count))
    if buffer.count > granted { try grow() }
  }

  /// Starts an entry that is stored whole and comes piece by piece.
  func begin(object: Int, kind: ObjectKind, size: Int) throws(GitObjectsError) {
    if case .nowhere = place { return }
    let entry = SpooledEntry(
      object: UInt32(object), kind: kind, base: ObjectTable.none, size: size,
      offset: written + buffer.count, count: 0)
    open = (entry, try DeflateStream())
  }

  /// The next piece of the entry that was begun.
  func append(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool) throws(GitObjectsError) {
    guard let (entry, stream) = open else { return }
    guard !budget.isExceeded else { return discard() }
    stream.add(bytes, isLast: isLast, to: buffer)
    if isLast {
      entries.append(
        SpooledEntry(
          object: entry.object, kind: entry.kind, base: entry.base, size: entry.size, offset: entry.offset,
          count: written + buffer.count - entry.offset))
      open = nil
    }
    if buffer.count > granted { try grow() }
  }

  /// Gives the pages of the file back: what was read of it need not stay resident.
  func forgetPages() { mapped?.forgetPages() }

  /// A new object that is not the successor of one old object, such as a notes tree.
  func addExtra(_ id: ObjectID, kind: ObjectKind, bytes: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) {
    extras.append((id, entries.count))
    try add(object: Int(ObjectTable.none), kind: kind, base: ObjectTable.none, bytes: bytes)
  }

  private func grow() throws(GitObjectsError) {
    while granted < buffer.count, budget.take(Spool.step) { granted += Spool.step }
    guard buffer.count > granted || descriptor >= 0 else { return }
    if case .memory = place { return budget.exceed() }
    try flush()
  }

  /// The memory did not suffice: whoever wants the bytes makes them again.
  private func discard() {
    open = nil
    entries = []
    extras = []
    if buffer.count > 0 { buffer = ByteBuffer(capacity: 1) }
  }

  private func flush() throws(GitObjectsError) {
    guard case .file(let path) = place else { return }
    if descriptor < 0 {
      descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw .system("create \(path)") }
    }
    try FileBytes.write(buffer.bytes, to: descriptor, what: path)
    written += buffer.count
    buffer.count = 0
  }

  /// Ends writing; ``bytes(of:)`` may be called from now on.
  func finish() throws(GitObjectsError) {
    guard case .file(let path) = place, descriptor >= 0 else { return }
    try flush()
    mapped = try MappedFile(path)
  }

  func bytes(of entry: SpooledEntry) -> UnsafeBufferPointer<UInt8> {
    let start = mapped.map { $0.base } ?? UnsafePointer(buffer.base)
    return UnsafeBufferPointer(start: start + entry.offset, count: entry.count)
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

  /// Starts writing a range back to the disk, so that the sync at the end finds little left to do.
  static func startWriteback(_ descriptor: Int32, from offset: Int, count: Int) {
    fast_hash_start_writeback(descriptor, Int64(offset), Int64(count))
  }

  /// Makes a file's bytes, or a directory's entries, survive a power failure.
  static func sync(_ path: String) throws(GitObjectsError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open \(path)") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system("sync \(path)") }
  }
}
