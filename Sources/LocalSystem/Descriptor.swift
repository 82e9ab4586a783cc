import Capabilities
import Foundation
import Secrets

/// An open file descriptor, closed when it goes.
struct Descriptor: ~Copyable {
  let raw: Int32

  /// - Throws: as ``systemError(_:_:)``.
  init(opening path: String, _ flags: Int32, mode: mode_t = 0o600, _ operation: String)
    throws(CapabilityError)
  {
    raw = open(path, flags | O_CLOEXEC, mode)
    guard raw >= 0 else { throw systemError(errno, operation) }
  }

  /// Takes over a descriptor that somebody else opened.
  init(adopting descriptor: Int32) { raw = descriptor }

  deinit { close(raw) }

  /// Everything up to the end; the buffers in between are zeroed.
  /// - Throws: `.invalid` when there is more than `largest` bytes.
  func readAll(largest: Int, _ operation: String) throws(CapabilityError) -> Secret {
    var capacity = 4096
    var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
    var count = 0
    defer {
      if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
      buffer.deallocate()
    }
    while true {
      if count == capacity {
        capacity *= 2
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
        buffer.deallocate()
        buffer = larger
      }
      let got = Foundation.read(raw, buffer.baseAddress?.advanced(by: count), capacity - count)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw systemError(errno, operation) }
      if got == 0 { break }
      count += got
      guard count <= largest else {
        throw CapabilityError(
          .invalid, operation, because: "it is larger than \(largest) bytes", fix: "name the right file")
      }
    }
    return Secret(SecretBytes(copying: UnsafeRawBufferPointer(rebasing: buffer[..<count])))
  }

  func write(_ contents: Secret, _ operation: String) throws(CapabilityError) {
    let failure = contents.withUnsafeBytes { bytes -> Int32 in
      var sent = 0
      while sent < bytes.count {
        let count = Foundation.write(raw, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
        if count < 0, errno == EINTR { continue }
        if count < 0 { return errno }
        sent += count
      }
      return 0
    }
    guard failure == 0 else { throw systemError(failure, operation) }
  }
}

/// What a failed system call means for the caller.
func systemError(_ code: Int32, _ operation: String) -> CapabilityError {
  let because = String(cString: strerror(code)).lowercased()
  switch code {
  case ENOENT, ENOTDIR:
    return CapabilityError(.notFound, operation, because: because, fix: "check the path in staunch.yaml")
  case EACCES, EPERM, EROFS:
    return CapabilityError(.refused, operation, because: because, fix: "give the runner's user access to it")
  case ENOSPC, EDQUOT:
    return CapabilityError(.serverError, operation, because: because, fix: "free space, then: staunch resume")
  case EISDIR: return CapabilityError(.configuration, operation, because: because, fix: "name a file")
  default: return CapabilityError(.serverError, operation, because: "\(because) (errno \(code))")
  }
}
