import Capabilities
import Cryptography
import Foundation
import GitObjects
import Synchronization

/// A document elsewhere as bytes that come one after another, for the thread that searches them: while it waits for a part, a task
/// of Swift's own asks for it.
final class RemoteFeed: ByteFeed {
  private let parts: RemoteParts
  private let isCancelled: () -> Bool
  private var part: Data
  private var position = 0
  private var hash = SHA256()
  /// Bytes that were handed on or wait here.
  private(set) var count: Int
  private var isAtEnd = false

  /// - Parameter first: the part from 0 on.
  init(_ first: Data, then parts: RemoteParts, isCancelled: @escaping () -> Bool) {
    part = first
    count = first.count
    self.parts = parts
    self.isCancelled = isCancelled
    hash.update(data: first)
  }

  func read(_ target: UnsafeMutablePointer<UInt8>, _ wanted: Int) throws(FeedError) -> Int {
    while position == part.count {
      guard !isAtEnd else { return 0 }
      part = try parts.wait(from: count, isCancelled: isCancelled)
      position = 0
      isAtEnd = part.isEmpty
      count += part.count
      hash.update(data: part)
    }
    let length = min(wanted, part.count - position)
    let start = part.startIndex + position
    part.copyBytes(to: target, from: start..<(start + length))
    position += length
    return length
  }

  /// Reads what the search left, which is nothing unless something stands behind an archive's end.
  /// - Returns: SHA-256 of all of it.
  func finish() throws(FeedError) -> [UInt8] {
    var rest = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      var failure: FeedError?
      var got = 0
      rest.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        do throws(FeedError) { got = try read(base, buffer.count) } catch { failure = error }
      }
      if let failure { throw failure }
      if got == 0 { return hash.finalize() }
    }
  }
}

/// Parts of one document on their way from a task to a thread. One asks, the other answers; a pipe wakes the thread.
final class RemoteParts: Sendable {
  private let document: any RemoteDocument
  private let offsets: AsyncStream<Int>
  private let asking: AsyncStream<Int>.Continuation
  private let answer = Mutex<Result<Data, FeedError>?>(nil)
  private let reader: Int32
  private let writer: Int32

  /// For one part: its own deadline, and some for redirects and waits of the pace.
  private static let patience: Duration = .seconds(300)

  /// - Throws: `.refused` without a descriptor left.
  init(of document: any RemoteDocument) throws(CapabilityError) {
    self.document = document
    (offsets, asking) = AsyncStream.makeStream()
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw CapabilityError(.refused, "read \(document.name)", because: String(cString: strerror(errno)))
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    reader = ends[0]
    writer = ends[1]
  }

  deinit {
    close(reader)
    close(writer)
  }

  /// The task's side: answers until ``stop()``.
  func serve() async {
    for await offset in offsets {
      let result: Result<Data, FeedError>
      do throws(CapabilityError) {
        result = .success(try await document.read(from: offset) ?? Data())
      } catch {
        result = .failure(FeedError(error.because + (error.fix.map { ": \($0)" } ?? "")))
      }
      answer.withLock { $0 = result }
      var byte: UInt8 = 1
      _ = write(writer, &byte, 1)  // one byte for each question: the pipe is never full
    }
  }

  /// The thread's side, when it asks for nothing more.
  func stop() { asking.finish() }

  /// The thread's side: waits for the part from `offset` on.
  func wait(from offset: Int, isCancelled: () -> Bool) throws(FeedError) -> Data {
    asking.yield(offset)
    let end = ContinuousClock.now.advanced(by: Self.patience)
    while ContinuousClock.now < end {
      if isCancelled() { throw FeedError("the search was stopped") }
      var polled = [pollfd(fd: reader, events: Int16(POLLIN), revents: 0)]
      guard poll(&polled, 1, 500) > 0 else { continue }
      var byte: UInt8 = 0
      _ = Foundation.read(reader, &byte, 1)
      let told = answer.withLock { told in
        defer { told = nil }
        return told
      }
      switch told {
      case .success(let part)?: return part
      case .failure(let error)?: throw error
      case nil: continue
      }
    }
    throw FeedError("its server does not send the rest of it")
  }
}
