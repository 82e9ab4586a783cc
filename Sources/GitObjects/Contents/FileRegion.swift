import Foundation

/// An open file, read in place. It owns its descriptor.
package final class FileRegion: ByteRegion {
  package let count: Int
  fileprivate let descriptor: Int32

  /// - Parameters:
  ///   - descriptor: of a regular file; closed with this object.
  ///   - count: its size. What grows behind it is not read by position.
  package init(descriptor: Int32, count: Int) {
    self.descriptor = descriptor
    self.count = count
  }

  deinit { close(descriptor) }

  package func read(at offset: Int, _ length: Int, to target: UnsafeMutablePointer<UInt8>)
    throws(FeedError)
  {
    var done = 0
    while done < length {
      let got = pread(descriptor, target + done, length - done, off_t(offset + done))
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw FeedError(String(cString: strerror(errno))) }
      guard got > 0 else { throw FeedError("it ends before what it says to have") }
      done += got
    }
  }

  package func feed() -> any ByteFeed { FileFeed(self) }
}

/// A whole file up to where it ends when that is met. Holes of sparse files are passed over.
private final class FileFeed: ByteFeed {
  private let file: FileRegion
  private var position: off_t = 0

  /// SEEK_DATA, a macro that is not imported. Source: linux/fs.h.
  private static let seekData: Int32 = 3

  init(_ file: FileRegion) { self.file = file }

  func read(_ target: UnsafeMutablePointer<UInt8>, _ count: Int) throws(FeedError) -> Int {
    while true {
      let got = pread(file.descriptor, target, count, position)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw FeedError(String(cString: strerror(errno))) }
      position += off_t(got)
      return got
    }
  }

  /// To a little before data begin again; a file system without holes says "here". Source: lseek(2), SEEK_DATA.
  func passHole() -> Int {
    var data = lseek(file.descriptor, position, Self.seekData)
    if data < 0, errno == ENXIO { data = lseek(file.descriptor, 0, SEEK_END) }  // a hole up to the end
    // Zeros may belong to a secret in UTF-16.
    let next = data - 16
    guard data > 0, next > position else { return 0 }
    defer { position = next }
    return Int(next - position)
  }
}
