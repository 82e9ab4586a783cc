import Foundation

/// A file mapped into memory, read only.
///
/// Invariant for @unchecked: the mapping is private, read only and lives as long as this object.
final class MappedFile: @unchecked Sendable {
  let path: String
  let base: UnsafePointer<UInt8>
  let count: Int
  private let memory: UnsafeMutableRawPointer?

  /// - Throws: `.system`.
  init(_ path: String) throws(GitObjectsError) {
    self.path = path
    // A pipe in a file's place is not waited for; it is empty.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system("open \(path)") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("read the size of \(path)") }
    count = Int(status.st_size)
    guard count > 0 else {
      memory = nil
      base = UnsafePointer(MappedFile.nothing)
      return
    }
    guard let mapped = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), mapped != MAP_FAILED else {
      throw .system("map \(path)")
    }
    memory = mapped
    base = UnsafePointer(mapped.assumingMemoryBound(to: UInt8.self))
  }

  /// Gives the pages back to the page cache: they no longer count as this process's memory, and come back when they are read.
  func forgetPages() {
    // Advice: where it is not taken, more stays resident.
    if let memory { _ = madvise(memory, count, MADV_DONTNEED) }
  }

  /// The same for a part, as far as it fills pages.
  func forgetPages(_ range: Range<Int>) {
    let page = Int(getpagesize())
    let start = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound / page * page
    if let memory, start < end { _ = madvise(memory + start, end - start, MADV_DONTNEED) }
  }

  deinit {
    if let memory { munmap(memory, count) }
  }

  /// The 32-bit big-endian number at `offset`, which the caller has checked.
  @inline(__always)
  func word(at offset: Int) -> UInt32 {
    UInt32(bigEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt32.self))
  }

  // One byte that an empty file's base points to; never read.
  private nonisolated(unsafe) static let nothing = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
}

extension GitObjectsError {
  /// A failed system call; reads `errno`, so call it at once.
  static func system(_ what: String) -> GitObjectsError {
    let number = errno
    let fix =
      number == ENOSPC
      ? "free space on the disk that holds the repository, then run the command again"
      : "check the rights and the disk, then run the command again"
    return GitObjectsError(.system, what: what, why: String(cString: strerror(number)), fix: fix)
  }
}
