package import Foundation

/// Bytes that come one after another: of a file, or of a member of an archive while it is unpacked. Used by one thread.
package protocol ByteFeed: AnyObject {
  /// Reads up to `count` bytes, at least one, to `target`.
  /// - Returns: how many there were; 0 only at the end.
  /// - Throws: when what follows cannot be read. What came before it counts.
  func read(_ target: UnsafeMutablePointer<UInt8>, _ count: Int) throws(FeedError) -> Int

  /// Passes over zeros that are stored nowhere (a hole of a sparse file), if reading would go on in one.
  /// - Returns: how many bytes were passed over.
  func passHole() -> Int
}

extension ByteFeed {
  package func passHole() -> Int { 0 }
}

/// Why bytes could not be read. No content, only what people can act on.
package struct FeedError: Error, Sendable, Hashable {
  package let why: String

  package init(_ why: String) { self.why = why }
}

/// Bytes that can be read anywhere. Used by one thread.
package protocol ByteRegion: AnyObject {
  var count: Int { get }

  /// Copies `length` bytes from `offset` on to `target`.
  /// - Throws: when they are not all there.
  func read(at offset: Int, _ length: Int, to target: UnsafeMutablePointer<UInt8>) throws(FeedError)

  /// All of it, one byte after another.
  func feed() -> any ByteFeed
}

extension ByteRegion {
  /// A small part of it, such as a header.
  func bytes(at offset: Int, _ length: Int) throws(FeedError) -> [UInt8] {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
      throw FeedError("it ends before what it says to have")
    }
    var result = [UInt8](repeating: 0, count: length)
    var failure: FeedError?
    result.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress, length > 0 else { return }
      do throws(FeedError) { try read(at: offset, length, to: base) } catch { failure = error }
    }
    if let failure { throw failure }
    return result
  }
}

/// A part of a region.
final class RegionFeed: ByteFeed {
  private let region: any ByteRegion
  private var position: Int
  private let end: Int

  init(_ region: any ByteRegion, _ range: Range<Int>) {
    self.region = region
    position = range.lowerBound
    end = min(range.upperBound, region.count)
  }

  func read(_ target: UnsafeMutablePointer<UInt8>, _ count: Int) throws(FeedError) -> Int {
    let length = min(count, end - position)
    guard length > 0 else { return 0 }
    try region.read(at: position, length, to: target)
    position += length
    return length
  }
}

/// Bytes in memory: of an archive that must be read from its end, of a document from elsewhere.
package final class BufferRegion: ByteRegion {
  private let buffer: ByteBuffer

  init(_ buffer: ByteBuffer) { self.buffer = buffer }

  package convenience init(copying bytes: some ContiguousBytes) {
    let buffer = ByteBuffer(capacity: 1)
    bytes.withUnsafeBytes { buffer.append($0.bindMemory(to: UInt8.self)) }
    self.init(buffer)
  }

  package var count: Int { buffer.count }

  package func read(at offset: Int, _ length: Int, to target: UnsafeMutablePointer<UInt8>) throws(FeedError) {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
      throw FeedError("it ends before what it says to have")
    }
    target.update(from: buffer.base + offset, count: length)
  }

  package func feed() -> any ByteFeed { RegionFeed(self, 0..<count) }
}

/// Bytes that were read already, and what follows them.
final class PrefixedFeed: ByteFeed {
  private let prefix: ByteBuffer
  private let rest: any ByteFeed
  private var position = 0

  init(_ prefix: ByteBuffer, _ rest: any ByteFeed) {
    self.prefix = prefix
    self.rest = rest
  }

  func read(_ target: UnsafeMutablePointer<UInt8>, _ count: Int) throws(FeedError) -> Int {
    let left = prefix.count - position
    guard left > 0 else { return try rest.read(target, count) }
    let length = min(count, left)
    target.update(from: prefix.base + position, count: length)
    position += length
    return length
  }
}

/// The next `left` bytes of a feed.
final class LimitedFeed: ByteFeed {
  private let source: any ByteFeed
  private(set) var left: Int

  init(_ source: any ByteFeed, _ count: Int) {
    self.source = source
    left = count
  }

  func read(_ target: UnsafeMutablePointer<UInt8>, _ count: Int) throws(FeedError) -> Int {
    let length = min(count, left)
    guard length > 0 else { return 0 }
    let got = try source.read(target, length)
    guard got > 0 else { throw FeedError("it ends before what it says to have") }
    left -= got
    return got
  }
}

extension ByteFeed {
  /// Reads exactly `count` bytes behind those of `buffer`.
  /// - Returns: false when the feed ended before; what there was is in the buffer.
  func fill(_ buffer: ByteBuffer, _ count: Int) throws(FeedError) -> Bool {
    let end = buffer.count + count
    buffer.reserve(end)
    while buffer.count < end {
      let got = try read(buffer.base + buffer.count, end - buffer.count)
      if got == 0 { return false }
      buffer.count += got
    }
    return true
  }
}
