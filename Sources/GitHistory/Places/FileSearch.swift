import Capabilities
import Foundation
import GitObjects

/// Looks for secrets in a file of any size: in windows that overlap by more than a hit can span, so that a disk image beside
/// the code costs time, not memory. Holes of sparse files are passed over.
struct FileSearch: Sendable {
  let patterns: SecretPatterns
  /// Read at once.
  var window = 16 << 20

  /// SEEK_DATA, a macro that is not imported. Source: linux/fs.h.
  private static let seekData: Int32 = 3

  /// By position.
  func hits(in file: PathBytes) throws(CapabilityError) -> [SecretPatterns.TextHit] {
    let descriptor = file.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw DurableFiles.failure("open", file) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw DurableFiles.failure("fstat", file) }
    let overlap = patterns.longestSpan
    // One byte more than the file has, so that the first read meets its end.
    let size = min(max(window, 4 * overlap), max(4096, Int(status.st_size) + 1))
    let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: size)
    defer { buffer.deallocate() }
    var found: [SecretPatterns.TextHit] = []
    // What is in the buffer, where it starts in the file, and how many lines stand before it.
    var count = 0
    var start: off_t = 0
    var lines = 0
    passHole(&start, &count, descriptor)
    while true {
      let isLast = try fill(buffer, &count, descriptor, file)
      let text = UnsafeBufferPointer(rebasing: buffer[..<count])
      let kept = isLast ? count : count - overlap
      for hit in try engine({ () throws(GitObjectsError) in try patterns.hits(in: text) })
      where hit.offset < kept {
        found.append(hit.moved(by: Int(start), lines: lines))
      }
      if isLast { return found }
      lines += Self.lines(in: text, upTo: kept)
      start += off_t(kept)
      count -= kept
      if let base = buffer.baseAddress { memmove(base, base + kept, count) }
      if Self.isZero(UnsafeBufferPointer(rebasing: buffer[..<count])) { passHole(&start, &count, descriptor) }
    }
  }

  /// - Returns: whether the file ends with the buffer.
  private func fill(
    _ buffer: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int, _ descriptor: Int32, _ file: PathBytes
  ) throws(CapabilityError) -> Bool {
    guard let base = buffer.baseAddress else { return true }
    while count < buffer.count {
      let got = read(descriptor, base + count, buffer.count - count)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw DurableFiles.failure("read", file) }
      if got == 0 { return true }
      count += got
    }
    return false
  }

  /// Goes on a little before data begin again, when a hole begins where reading would go on; a file system without holes
  /// says "here". Source: lseek(2), SEEK_DATA.
  private func passHole(_ start: inout off_t, _ count: inout Int, _ descriptor: Int32) {
    let position = start + off_t(count)
    var data = lseek(descriptor, position, Self.seekData)
    if data < 0, errno == ENXIO { data = lseek(descriptor, 0, SEEK_END) }  // a hole up to the end
    // Zeros may belong to a secret in UTF-16.
    let next = data - 16
    guard data > 0, next > position, lseek(descriptor, next, SEEK_SET) == next else {
      _ = lseek(descriptor, position, SEEK_SET)
      return
    }
    start = next
    count = 0
  }

  private static func lines(in text: UnsafeBufferPointer<UInt8>, upTo end: Int) -> Int {
    guard let base = text.baseAddress else { return 0 }
    var count = 0
    var position = 0
    while position < end, let next = memchr(base + position, 0x0A, end - position) {
      count += 1
      position = UnsafeRawPointer(next) - UnsafeRawPointer(base) + 1
    }
    return count
  }

  private static func isZero(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let base = text.baseAddress, text.count > 1 else { return text.first == 0 }
    return base[0] == 0 && memcmp(base, base + 1, text.count - 1) == 0
  }
}
